"""`distill export` writes more formats of a finished run, and says what the run says."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from distill import cli
from distill.cost.latency import Latency
from distill.cost.machine import Machine
from distill.files.checksums import read_sums
from distill.files.sealed import write_sealed
from distill.predictors.open import open_predictor
from distill.run import speeds
from tests.helpers.pages import Page
from tests.helpers.running import copy_of_finished, finished, without_exports


def complaint(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(command) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_format_is_added_to_what_the_run_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow, quick = Latency(2e-3, (2e-3, 2e-3)), Latency(1e-3, (1e-3, 1e-3))
    monkeypatch.setattr(speeds, "latencies", lambda ways: {way: slow if way[0] < 0 else quick for way in ways})
    monkeypatch.setattr(speeds.Watch, "machine", lambda self: Machine(2, 2, 0.0, 0.0))
    _, out = copy_of_finished(tmp_path)
    before = json.loads((out / "results.json").read_text())
    command = ["export", str(out), "--formats", "onnx-int8", "--export.int8_tolerance"]
    assert cli.main([*command, "100"]) == 0
    shown = capsys.readouterr().out
    assert "onnx-int8" in shown and "passed" in shown and "1 / 1" in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 80
    after = json.loads((out / "results.json").read_text())
    assert before.pop("sha256") != after.pop("sha256")
    first, second = after.pop("exports")
    assert first == before.pop("exports")[0] and after == before
    assert second["file"] == "export/student-int8.onnx" and second["latency_ms"] == {"1": 1.0, "2": 1.0}
    peak = 2 * 768**3 / 2e-3
    assert second["share_of_peak"] == pytest.approx(2 * before["student"]["mult_adds"] / 1e-3 / peak)
    assert second["bytes"] == (out / second["file"]).stat().st_size
    assert set(read_sums(out / "export")) == {"student.onnx", "student-int8.onnx"}
    page = Page(out / "report.html")
    assert page.open == [] and "onnx-int8 export/student-int8.onnx" in page.text and "Agreement" in page.text
    assert (first["tolerance"], second["tolerance"]) == (0.1, 100) and "passed within 100 points" in page.text
    assert "| export/student-int8.onnx, passed, within 100 points |" in (out / "README.md").read_text()

    shown_pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    answers = open_predictor(out / second["file"])(shown_pictures)["probabilities"]
    assert answers.shape == (3, len(before["data"]["classes"]))
    content = (out / second["file"]).read_bytes()
    (out / second["file"]).write_bytes(content[:-100])
    recipe = tmp_path / "tiny.yaml"
    evaluate = ["evaluate", str(recipe), "--out", str(out), "--model", str(out / second["file"])]
    assert "student-int8.onnx: is not the file SHA256SUMS" in complaint(evaluate, capsys)

    # One outside its tolerance is kept aside, and the command fails.
    assert cli.main([*command, "0", "--export.int8_steps", "0"]) == 1
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
    (out / "run.json").write_text(json.dumps({"recipe": "tiny", "version": 1}))
    assert "run.json: is of version 1, expected 2" in complaint(["export", str(out)], capsys)


@pytest.mark.parametrize("key", ["--data.people", "--data", "--evaluate.flips", "--student.weights=x", "--seed"])
def test_keys_of_another_run_are_refused(key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = copy_of_finished(tmp_path)
    said = complaint(["export", str(out), key, "41", "--card.license", "mit"], capsys)
    assert f"{key.strip('-').partition('=')[0]}: would score or describe another run than {out}" in said
    assert "those of export and card" in said and "prepare.root" in said and "with another --out" in said


@pytest.mark.parametrize(
    ("entry", "name", "more", "said"),
    [
        ("metrics", "mAP", 0.05, r"mAP is 0\.\d+ there and 0\.\d+ here"),
        ("counts", "pictures", 1, "pictures is 49 there and 48 here"),
        ("metrics", "rank-1", 0.5, "rank-1 is not measured here"),
    ],
)
def test_scores_of_other_pictures_do_not_stand_beside_the_runs(
    entry: str, name: str, more: float, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out = copy_of_finished(tmp_path)
    results = json.loads((out / "results.json").read_text())
    results["student"][entry][name] = results["student"][entry].get(name, 0) + more
    write_sealed(out / "results.json", results)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    # Where the pictures lie may be said; the bounds, the report and the files stay as they were.
    found = complaint(["export", str(out), "--prepare.root", str(out / "data"), "--export.tolerance", "3"], capsys)
    assert re.search(rf"results\.json: the student does not score here as it did in the run: {said}", found)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_the_noise_of_another_machine_is_none_of_other_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_exports(monkeypatch)
    _, out = copy_of_finished(tmp_path)
    results = json.loads((out / "results.json").read_text())
    results["student"]["metrics"]["mAP"] += 9e-4
    write_sealed(out / "results.json", results)
    assert cli.main(["export", str(out), "--evaluate.batch_size", "7", "--export.tolerance=0.25"]) == 0


def test_a_run_on_a_read_only_file_system_is_refused_at_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = finished()
    monkeypatch.setattr(os, "access", lambda place, mode: not mode & os.W_OK)
    assert complaint(["export", str(run)], capsys) == (
        f"distill export: {run}: cannot be written to. Copy it to where there are rights and a file system to write "
        "on, or name another place with --out."
    )
