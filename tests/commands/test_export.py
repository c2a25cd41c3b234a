"""`distill export` writes more formats of a finished run, and says what the run says."""

import json
from pathlib import Path

import numpy as np
import pytest

from distill import cli, gate
from distill.checksums import read_sums
from distill.predictors.open import open_predictor
from tests.report.pages import Page
from tests.running import copy_of_finished


def complaint(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(command) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_format_is_added_to_what_the_run_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate, "medians", lambda ways: {way: 2e-3 if "sgemm" in way else 1e-3 for way in ways})
    _, out = copy_of_finished(tmp_path)
    before = json.loads((out / "results.json").read_text())
    command = ["export", str(out), "--formats", "onnx-int8", "--export.int8_tolerance"]
    assert cli.main([*command, "100"]) == 0
    shown = capsys.readouterr().out
    assert "onnx-int8" in shown and "passed" in shown and "1 / 1" in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 80
    after = json.loads((out / "results.json").read_text())
    first, second = after.pop("exports")
    assert first == before.pop("exports")[0] and after == before
    assert second["file"] == "export/student-int8.onnx" and second["latency_ms"] == {"1": 1.0, "2": 1.0}
    peak = 2 * 768**3 / 2e-3
    assert second["share_of_peak"] == pytest.approx(2 * before["student"]["mult_adds"] / 1e-3 / peak)
    assert second["bytes"] == (out / second["file"]).stat().st_size
    assert set(read_sums(out / "export")) == {"student.onnx", "student-int8.onnx"}
    page = Page(out / "report.html")
    assert page.open == [] and "onnx-int8 export/student-int8.onnx" in page.text and "Agreement" in page.text
    assert "student-int8.onnx" in (out / "README.md").read_text()

    shown_pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    assert open_predictor(out / second["file"])(shown_pictures).shape == (3, len(before["data"]["classes"]))
    content = (out / second["file"]).read_bytes()
    (out / second["file"]).write_bytes(content[:-100])
    recipe = tmp_path / "tiny.yaml"
    evaluate = ["evaluate", str(recipe), "--out", str(out), "--model", str(out / second["file"])]
    assert "student-int8.onnx: is not the file SHA256SUMS" in complaint(evaluate, capsys)

    # One outside its tolerance is kept aside, and the command fails.
    assert cli.main([*command, "0"]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert (out / "export" / "failed" / "student-int8.onnx").is_file()
    assert not (out / "export" / "student-int8.onnx").exists()
    assert set(read_sums(out / "export")) == {"student.onnx"}
    assert [file["passed"] for file in json.loads((out / "results.json").read_text())["exports"]] == [True, False]


def test_mistakes_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = copy_of_finished(tmp_path)
    unknown = complaint(["export", str(out), "--formats", "onnx,tensorrt"], capsys)
    assert "unknown format tensorrt. Valid: onnx, onnx-int8, openvino" in unknown
    assert "each once" in complaint(["export", str(out), "--formats", "onnx,onnx"], capsys)
    assert "unknown key export.format" in complaint(["export", str(out), "--export.format", "onnx"], capsys)
    assert "not a run directory" in complaint(["export", str(tmp_path)], capsys)
    (out / "student" / "config.json").unlink()
    assert "has no student yet" in complaint(["export", str(out)], capsys)
