"""A file that answers differently from the student it was made of does not pass."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from distill import cli, gate
from distill.gate import export_and_score
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.open import student_predictor
from distill.tasks import open_task
from students.files import load_student
from tests.running import copy_of_finished, read, without_exports

Change = Callable[[np.ndarray], np.ndarray]


def perturbed(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    class Perturbed(OnnxPredictor):
        def __call__(self, pictures: np.ndarray) -> np.ndarray:
            return change(super().__call__(pictures))

    monkeypatch.setattr(gate, "OnnxPredictor", Perturbed)


def one_off(probabilities: np.ndarray) -> np.ndarray:
    """One answer of the first picture moved by little, but past what parity allows."""
    changed = probabilities.copy()
    changed[0, 0] += 3e-4
    return changed


@pytest.mark.parametrize(
    ("change", "tolerance", "passed", "scores_equal"),
    [
        (lambda probabilities: probabilities, 0.1, True, True),
        (lambda probabilities: probabilities + 5e-5, 0.1, True, True),
        (one_off, 100.0, False, None),
        (lambda probabilities: np.clip(probabilities + 0.01, 0, 1), 0.1, False, True),  # same ranking, other decisions
        (lambda probabilities: 1 - probabilities, 0.1, False, False),
    ],
)
def test_a_file_passes_by_its_probabilities_and_its_score(
    change: Change,
    tolerance: float,
    passed: bool,
    scores_equal: bool | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    perturbed(monkeypatch, change)
    recipe, _ = read(path)
    task = open_task(recipe, out / "data")
    network, manifest = load_student(out / "student")
    student = task.judge(student_predictor(network, manifest))
    (found,) = export_and_score(out / "export", network, manifest, student, task, tolerance)
    assert found["passed"] is passed
    assert found["file"] == "export/student.onnx" and found["format"] == "onnx"
    if scores_equal is not None:
        assert (abs(found["difference"]["mAP"]) < 1e-3) is scores_equal
    expected = np.abs(change(student.answers) - student.answers).max()
    assert found["largest_difference"] == pytest.approx(expected, abs=1e-5)


def test_a_score_past_the_tolerance_fails_where_probabilities_are_close(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    monkeypatch.setattr(gate, "PARITY", 1.0)
    perturbed(monkeypatch, lambda probabilities: 1 - probabilities)
    recipe, _ = read(path)
    task = open_task(recipe, out / "data")
    network, manifest = load_student(out / "student")
    student = task.judge(student_predictor(network, manifest))
    verdicts = [
        export_and_score(out / "export", network, manifest, student, task, tolerance)[0] for tolerance in (0.01, 100.0)
    ]
    assert 0.01 < abs(verdicts[0]["difference"]["mAP"]) * 100 < 100
    assert [verdict["passed"] for verdict in verdicts] == [False, True]


def test_the_command_fails_with_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = copy_of_finished(tmp_path)
    without_exports(monkeypatch)
    command = ["run", str(path), "--out", str(out)]
    assert cli.main(command) == 0
    shown = capsys.readouterr().out
    assert "passed" in shown and "FAILED" not in shown and str(out / "report.html") in shown
    perturbed(monkeypatch, lambda probabilities: 1 - probabilities)
    assert cli.main(command) == 1
    assert "FAILED" in capsys.readouterr().out
