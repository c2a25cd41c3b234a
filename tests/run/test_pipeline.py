"""A run from top to bottom: what it leaves, what it repeats, and what a kill costs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from distill.data.prepared.prepared import Prepared
from distill.errors import DistillError
from distill.files.atomic import checksum
from distill.files.locks import try_lock
from distill.files.sealed import write_sealed
from distill.predictors.open import open_predictor
from tests.helpers.running import (
    TINY,
    copy_of_finished,
    finished,
    run_recipe,
    timeless,
    without_exports,
    without_files,
    write_recipe,
)

ROOT = Path(__file__).parents[2]
LONGER = ["--transfer.epochs", "2"]  # 8 steps, with a checkpoint after 3 and 6 and after each pass


def results_of(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "results.json").read_text())
    return content


def stage_files(out: Path) -> dict[str, int]:
    return {file.parent.name: file.stat().st_mtime_ns for file in out.glob("stages/*/result.safetensors")}


def only(directory: Path, stage: str) -> Path:
    (found,) = directory.glob(f"stages/{stage}-*")
    return found


def shown(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test pictures and their labels, read without the code that scores."""
    (place,) = (out / "data").iterdir()
    prepared = Prepared.open(place)
    rows = np.flatnonzero(prepared.splits == 2)
    return prepared.pictures.gather(rows), prepared.labels[rows]


def mean_ap(labels: np.ndarray, scores: np.ndarray) -> float:
    measured = [c for c in range(labels.shape[1]) if 0 < labels[:, c].sum() < len(labels)]
    return float(np.mean([average_precision_score(labels[:, c], scores[:, c]) for c in measured]))


def test_results_have_the_documented_schema() -> None:
    _, out = finished()
    results = results_of(out)
    assert results["recipe"] == "tiny" and results["seed"] == 3
    assert results["data"]["name"] == "rendered_faces"
    assert results["data"]["counts"] == {"train": 64, "validation": 48, "test": 48, "transfer": 64}
    for model in (results["teacher"], results["student"]):
        assert isinstance(model["name"], str) and model["parameters"] > 0 and model["mult_adds"] > 0
    for scored in (results["teacher"], results["student"], *results["exports"]):
        assert 0 < scored["metrics"]["mAP"] < 1 and 0 < scored["metrics"]["accuracy"] < 1
        assert scored["intervals"].keys() == scored["metrics"].keys()
        assert scored["counts"]["pictures"] == 48 and scored["split"] == "test"
        assert len(scored["counts"]["positives"]) == len(results["data"]["classes"])
    difference = results["student"]["metrics"]["mAP"] - results["teacher"]["metrics"]["mAP"]
    assert results["student"]["difference"]["mAP"] == pytest.approx(difference)
    low, high = results["student"]["difference"]["interval"]
    assert low < high
    assert results["agreement"].keys() == {"transfer", "test"}
    assert [results["agreement"][name]["pictures"] for name in ("transfer", "test")] == [64, 48]
    (export,) = results["exports"]
    assert export["format"] == "onnx" and export["passed"] is True
    assert export["bytes"] == (out / export["file"]).stat().st_size
    assert export["latency_ms"].keys() == {"1", "2"} and min(export["latency_ms"].values()) > 0
    assert 0 < export["share_of_peak"] < 2 and export["cosine"] == pytest.approx(1, abs=1e-6)
    assert [stage["name"] for stage in results["stages"]] == ["teach", "transfer"]
    for stage in results["stages"]:
        assert stage["seconds"] > 0 and stage["split"] == "validation" and stage["counts"]["pictures"] == 48
        (record,) = json.loads((only(out, stage["name"]) / "stage.json").read_text())["history"]
        assert stage["metrics"]["mAP"] == pytest.approx(record["val_mAP"], abs=1e-3)  # as training measured it
        assert stage["intervals"].keys() == stage["metrics"].keys()


def test_the_run_directory_holds_what_is_documented() -> None:
    _, out = finished()
    assert {path.name for path in out.iterdir()} == {
        "run.json",
        "recipe.yaml",
        "SHA256SUMS",
        "data",
        "stages",
        "teacher",
        "student",
        "export",
        "results.json",
        "report.html",
        "README.md",
        "lock",
    }
    assert {path.name for path in (out / "teacher").iterdir()} == {"teacher.safetensors", "teacher.onnx", "SHA256SUMS"}
    assert {path.name for path in (out / "student").iterdir()} == {"student.safetensors", "config.json", "SHA256SUMS"}
    assert len(list(out.glob("data/*/ledger.csv"))) == 1
    assert not list(out.rglob("*.part")) and not list(out.rglob("*.ckpt"))
    page = (out / "report.html").read_text()
    score = results_of(out)["student"]["metrics"]["mAP"]
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert f"{score:.3f}" in page and "mobilenet_v1_0.1_32" in page


def test_every_file_scores_what_the_results_say() -> None:
    _, out = finished()
    results = results_of(out)
    pictures, labels = shown(out)
    student, exported, teacher = (
        open_predictor(out / name)(pictures)["probabilities"]
        for name in ("student", "export/student.onnx", "teacher/teacher.onnx")
    )
    assert mean_ap(labels, student) == pytest.approx(results["student"]["metrics"]["mAP"], abs=1e-9)
    assert mean_ap(labels, exported) == pytest.approx(results["exports"][0]["metrics"]["mAP"], abs=1e-9)
    assert abs(mean_ap(labels, exported) - mean_ap(labels, student)) <= 1e-3
    assert np.abs(exported - student).max() <= 1e-4
    assert mean_ap(labels, teacher) == pytest.approx(results["teacher"]["metrics"]["mAP"], abs=1e-3)


def test_the_same_command_again_trains_nothing_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    before, files = results_of(out), stage_files(out)
    assert timeless(run_recipe(recipe, out)) == timeless(before)
    assert timeless(results_of(out)) == before
    assert stage_files(out) == files and len(files) == 2


def test_what_a_teacher_is_shown_is_said_before_its_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    run_recipe(path, out)
    said = capsys.readouterr().err
    shown = "teacher test_resnet: shown 32 x 32 pixels, whole, bilinear, rgb, mean [0.5, 0.5, 0.5], std [0.5, 0.5, 0.5]"
    assert shown in said
    assert said.index(shown) < said.index("teacher test_resnet: frozen")


def test_the_same_command_again_keeps_the_files_that_were_exported_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    results = results_of(out)
    more = []
    for name in ("kept", "changed"):
        (out / "export" / f"{name}.bin").write_bytes(b"as distill export wrote it")
        sums = {f"{name}.bin": checksum(out / "export" / f"{name}.bin")}
        more.append(results["exports"][0] | {"format": name, "file": f"export/{name}.bin", "sha256": sums})
    write_sealed(out / "results.json", results | {"exports": results["exports"] + more})
    (out / "export" / "changed.bin").write_bytes(b"since then")
    assert [one["format"] for one in run_recipe(recipe, out)["exports"]] == ["onnx", "kept"]
    assert "kept" in (out / "README.md").read_text()
    # Of another student they say nothing.
    monkeypatch.setattr("distill.run.pipeline.write_report", lambda *arguments: None)
    again = run_recipe(recipe, out, ["--transfer.optimization.learning_rate", "0.001"])
    assert [one["format"] for one in again["exports"]] == ["onnx"]


def test_a_changed_key_repeats_only_the_stages_it_touches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    monkeypatch.setattr("distill.run.pipeline.write_report", lambda *arguments: None)  # it takes a second
    files = stage_files(out)

    def trained(*arguments: str) -> set[str]:
        before = stage_files(out)
        run_recipe(recipe, out, arguments)
        after = stage_files(out)
        assert before.items() <= after.items()
        return {name.partition("-")[0] for name in after.keys() - before.keys()}

    assert trained("--transfer.optimization.learning_rate", "0.001") == {"transfer"}
    assert trained("--trainer.max_steps", "2") == {"teach", "transfer"}
    assert trained("--transfer.checkpoint_steps", "7", "--evaluate.resamples", "10", "--workers", "0") == set()
    assert trained("--stages", "[teach, fine_tune]", "--fine_tune.epochs", "1") == {"fine_tune"}
    # Its weights have the names and shapes of before.
    assert trained("--student.activation", "leaky_relu") == {"transfer"}
    assert trained() == set() and files.items() <= stage_files(out).items()


def test_a_stop_before_the_student_is_trained_leaves_the_finished_runs_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = copy_of_finished(tmp_path)
    files = {file: file.read_bytes() for file in (out / "teacher").iterdir()}

    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("distill.run.stages.Run.student", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe, out, ["--teach.optimization.learning_rate", "0.001"])
    assert len(list(out.glob("stages/teach-*"))) == 2
    assert {file: file.read_bytes() for file in (out / "teacher").iterdir()} == files


def test_labels_alone_need_no_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    recipe = write_recipe(tmp_path, TINY | {"stages": ["fine_tune"]})
    results = run_recipe(recipe, out)
    assert results["teacher"] is None and "agreement" not in results and "difference" not in results["student"]
    assert [stage["name"] for stage in results["stages"]] == ["fine_tune"]
    manifest = json.loads((out / "student" / "config.json").read_text())
    assert manifest["teacher"] == "none, labels only" and len(manifest["thresholds"]) == len(manifest["classes"])
    assert "mobilenet_v1_0.1_32" in (out / "report.html").read_text()


def test_more_seeds_give_a_mean_and_a_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    alone = timeless(results_of(out))
    results = timeless(run_recipe(recipe, out, seeds=2))
    spread = results.pop("seeds")["mAP"]
    assert results == alone  # the first student is the one that ships
    first, second = spread["values"]
    assert first == alone["student"]["metrics"]["mAP"] != second
    assert spread["mean"] == pytest.approx((first + second) / 2)
    assert spread["spread"] == pytest.approx(abs(first - second) / 2**0.5)


KILL = """
import os, signal, sys
from pathlib import Path
import pytest
from distill.run.train import History
from tests.helpers.running import run_recipe, without_files

without_files(pytest.MonkeyPatch())
before = History.on_train_batch_end

def kill(self, trainer, *arguments):
    before(self, trainer, *arguments)
    if trainer.global_step == 5:
        os.kill(os.getpid(), signal.SIGKILL)

History.on_train_batch_end = kill
run_recipe(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
"""


def test_a_run_killed_in_a_pass_ends_with_the_same_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_exports(monkeypatch)
    recipe, unbroken = copy_of_finished(tmp_path / "unbroken")
    expected = run_recipe(recipe, unbroken, LONGER)

    recipe, killed = copy_of_finished(tmp_path / "killed")
    command = [sys.executable, "-c", KILL, recipe, killed, *LONGER]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=300, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    (checkpoint,) = killed.glob("stages/*/last.ckpt")
    assert not (checkpoint.parent / "result.safetensors").exists()

    results = run_recipe(recipe, killed, LONGER)
    files = [out / "student" / "student.safetensors" for out in (unbroken, killed)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert timeless(results) == timeless(expected)
    assert not list(killed.rglob("*.ckpt"))


def test_how_pictures_are_fitted_goes_from_the_recipe_to_sets_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_files(monkeypatch)
    fits: list[Any] = []
    monkeypatch.setattr(
        "distill.run.stages.export_onnx", lambda path, *arguments: (fits.append(arguments[-1]), path.touch())
    )
    run_recipe(write_recipe(tmp_path), tmp_path / "run", ["--prepare.fit", "pad"])
    assert fits == ["pad"]  # the teacher's
    assert json.loads((tmp_path / "run" / "student" / "config.json").read_text())["fit"] == "pad"
    (place,) = (tmp_path / "run" / "data").glob("*/index.json")
    assert Prepared.open(place.parent).pixels == "version 1, fitted by pad"


def test_a_second_run_in_the_place_of_one_that_runs_is_refused(tmp_path: Path) -> None:
    recipe, out = copy_of_finished(tmp_path)
    before = stage_files(out)
    handle = try_lock(out / "lock")
    assert handle is not None
    with pytest.raises(DistillError, match=r"another process is running in it.*--out"):
        run_recipe(recipe, out, ["--student.width", "0.2"])
    handle.release()
    assert stage_files(out) == before and (out / "student" / "config.json").is_file()


def test_a_command_that_fails_leaves_a_finished_run_as_it_was(tmp_path: Path) -> None:
    recipe, out = copy_of_finished(tmp_path)
    kept = {file: file.read_bytes() for file in out.rglob("*") if file.is_file() and file.name != "lock"}
    with pytest.raises(DistillError, match="no such weights file"):
        run_recipe(recipe, out, ["--student.weights", str(tmp_path / "nowhere.tar")])
    assert all(file.read_bytes() == content for file, content in kept.items())


def test_a_student_of_another_kind_of_answers_is_refused_before_a_teacher_is_taught(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, TINY | {"student": {"name": "ssd_mobilenet_v1", "width": 0.1, "resolution": 32}})
    with pytest.raises(DistillError, match=r"student\.name: ssd_mobilenet_v1 finds boxes, and one answer"):
        run_recipe(recipe, tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.safetensors"))
