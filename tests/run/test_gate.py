"""A file that answers differently from the student it was made of does not pass."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from distill import cli
from distill.errors import DistillError
from distill.export import formats
from distill.export.format import Format, Job
from distill.export.int8 import onnx_int8
from distill.export.int8.onnx_int8 import quantize
from distill.export.onnx import FORMAT, save, to_onnx
from distill.files.checksums import read_sums
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.open import student_predictor
from distill.recipe.recipe import Export
from distill.run import gate, speeds
from distill.run.gate import Exported, export_and_score
from distill.tasks import open_task
from distill.tasks.attributes.judging import AttributeVerdict
from distill.tasks.task import Task
from students.files import load_student
from tests.helpers.running import as_finished, copy_of_finished, finished, read, steady
from tests.helpers.students import uneven

Change = Callable[[np.ndarray], np.ndarray]


@functools.cache
def judged() -> tuple[Task, Exported]:
    """The finished run's task, student, and what it scores."""
    path, out = finished()
    recipe, _ = read(path)
    task = open_task(recipe, out / "data")
    network, manifest = load_student(out / "student")
    return task, Exported(network, manifest, task.judging.judge(student_predictor(network, manifest)))


def offered(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let `onnx` be another than it is."""
    finished()  # by the real one
    one: Format = dataclasses.replace(FORMAT, **({"write": as_finished} | changes))
    monkeypatch.setattr(formats, "FORMATS", {"onnx": one})
    monkeypatch.setattr(speeds, "latencies", steady)


def perturbed(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    class Perturbed(OnnxPredictor):
        def __call__(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
            return {name: change(answers) for name, answers in super().__call__(pictures).items()}

    offered(monkeypatch, load=Perturbed)


def scored(directory: Path, **settings: Any) -> dict[str, Any]:
    task, student = judged()
    export = Export(**({"formats": ("onnx",)} | settings))
    (found,) = export_and_score(directory / "export", student, task, export)
    return found


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
    perturbed(monkeypatch, change)
    found = scored(tmp_path, tolerance=tolerance)
    assert found["passed"] is passed and bool(found["why"]) is not passed
    assert found["tolerance"] == tolerance
    assert found["file"] == ("export/student.onnx" if passed else "export/failed/student.onnx")
    assert (tmp_path / found["file"]).is_file() and found["format"] == "onnx"
    if scores_equal is not None:
        assert (abs(found["difference"]["mAP"]) < 1e-3) is scores_equal
    answers = judged()[1].verdict.answers["probabilities"]
    assert found["largest_difference"] == pytest.approx(np.abs(change(answers) - answers).max(), abs=1e-5)


def test_a_score_past_the_tolerance_fails_where_probabilities_are_close(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gate, "PARITY", 1.0)
    perturbed(monkeypatch, lambda probabilities: 1 - probabilities)
    verdicts = [scored(tmp_path, tolerance=tolerance) for tolerance in (0.01, 100.0)]
    lost = abs(verdicts[0]["difference"]["mAP"]) * 100
    assert 0.01 < lost < 100
    assert [verdict["passed"] for verdict in verdicts] == [False, True]
    # 12 pictures of 1,200 are one point, and 1 + 9e-16 by subtraction: no more than the one allowed.
    assert [scored(tmp_path, tolerance=lost - less)["passed"] for less in (1e-12, 1e-6)] == [True, False]
    # The classes that lose most are named, worst first.
    losses = {
        name: judged()[1].verdict.to_dict()["per_class"][name]["ap"] - one["ap"]
        for name, one in verdicts[0]["per_class"].items()
    }
    worst = max(losses, key=lambda name: losses[name])
    assert verdicts[0]["offenders"][0] == f"{worst} -{100 * losses[worst]:.1f}"


def altered(weights: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Job, Path], None]:
    """Write the finished file with other constants: of the mean and of the first convolution."""

    def write(job: Job, path: Path) -> None:
        model = onnx.load(finished()[1] / "export" / "student.onnx")
        arrays = {one.name: numpy_helper.to_array(one).copy() for one in model.graph.initializer}
        stem = next(node.input[1] for node in model.graph.node if node.op_type == "Conv")
        mean = next(name for node in model.graph.node if node.op_type == "Sub" for name in node.input if name in arrays)
        chosen = {"stem": arrays[stem], "mean": arrays[mean]}
        weights(chosen)
        for one in model.graph.initializer:
            if one.name in (stem, mean):
                one.CopyFrom(numpy_helper.from_array(chosen["stem" if one.name == stem else "mean"], one.name))
        save(path, model, job.metadata)

    return write


def wrong_mean(arrays: dict[str, np.ndarray]) -> None:
    assert arrays["mean"].size == 3
    arrays["mean"] = np.full_like(arrays["mean"], 127.5)


def swapped_channels(arrays: dict[str, np.ndarray]) -> None:
    arrays["stem"] = np.ascontiguousarray(arrays["stem"][:, ::-1])


def untouched(arrays: dict[str, np.ndarray]) -> None:
    pass


@pytest.mark.parametrize(("weights", "passed"), [(untouched, True), (wrong_mean, False), (swapped_channels, False)])
def test_a_wrong_mean_and_swapped_channels_are_caught(
    weights: Callable[[dict[str, np.ndarray]], None], passed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offered(monkeypatch, write=altered(weights))
    assert scored(tmp_path)["passed"] is passed


def test_an_int8_file_of_a_student_at_chance_does_not_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def adapt(*arguments: Any) -> None:
        raise AssertionError("there is no score to win back")

    judged()  # by what is true of it
    monkeypatch.setattr(gate, "adapt", adapt)
    for at_chance in (True, False):
        monkeypatch.setattr(AttributeVerdict, "at_chance", at_chance)
        offered(monkeypatch, int8=True)
        rounded = scored(tmp_path)
        assert rounded["passed"] is not at_chance and rounded["difference"]["mAP"] == pytest.approx(0, abs=1e-3)
        assert any("there is no score to keep" in why for why in rounded["why"]) is at_chance
        offered(monkeypatch)  # of the same precision: its answers are the student's, one by one
        assert scored(tmp_path)["passed"] is True


def of_its_own_answers() -> tuple[Task, Exported]:
    """The finished run's task with labels that its student is right about, and so loses where it answers otherwise.

    It learnt little in a second: of the pictures' own labels, any other answers may score as well.
    """
    (judged_task, student), out = judged(), finished()[1]
    answers = student.verdict.answers["probabilities"]
    task = open_task(judged_task.recipe, out / "data")
    sets = task.pictures.sets
    labels = sets.prepared.labels.copy()
    labels[sets.test.rows[0]] = answers > np.median(answers, axis=0)
    known = {**sets.prepared.targets, "labels": labels}
    relabelled = dataclasses.replace(sets.test, sets=(dataclasses.replace(sets.prepared, targets=known),))
    task.pictures.__dict__["sets"] = dataclasses.replace(sets, test=relabelled)
    verdict = task.judging.judge(student_predictor(student.network, student.manifest))
    return task, dataclasses.replace(student, verdict=verdict)


def by_tensor(job: Job, path: Path) -> None:
    model = to_onnx(job.deployed(job.folded))
    save(path, quantize(model, job.pictures, "minmax", per_channel=False), job.metadata)


def by_channel(job: Job, path: Path) -> None:
    model = to_onnx(job.deployed(job.for_int8))
    save(path, quantize(model, job.pictures, "minmax"), job.metadata)


def by_channel_once_adapted(job: Job, path: Path) -> None:
    (by_tensor if job.adapted is None else by_channel)(job, path)


@pytest.mark.parametrize(
    ("write", "steps", "passed"),
    [
        (by_channel, 0, True),
        (by_tensor, 0, False),
        (by_channel_once_adapted, 1, True),
        (by_tensor, 1, False),  # no better the second time: the first stays
    ],
)
def test_int8_of_channels_far_apart_is_caught_by_tensor_and_written_again(
    write: Callable[[Job, Path], None], steps: int, passed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offered(monkeypatch, write=write, int8=True)
    monkeypatch.setattr(gate, "adapt", lambda network, *_: network)  # what it learns has tests of its own
    task, student = of_its_own_answers()
    assert student.verdict.score == 1
    student = dataclasses.replace(student, network=uneven(student.network))
    # Its answers are close together, so that a rounding changes their order: 2 points by channel, 37 by tensor.
    settings = Export(formats=("onnx",), int8_tolerance=10.0, int8_steps=steps)
    (found,) = export_and_score(tmp_path / "export", student, task, settings)
    assert found["passed"] is passed and found["tolerance"] == 10
    assert [path.parent.name for path in tmp_path.rglob("student.onnx")] == ["export" if passed else "failed"]
    if not passed:
        (why,) = found["why"]
        assert why.startswith("mAP differs by -") and why.endswith("points, more than the 10 allowed")
    assert ("adapted" in found) is (steps > 0 and passed)
    if "adapted" in found:
        assert found["adapted"]["steps"] == 1 and found["adapted"]["before"]["mAP"] < -0.1


def test_a_later_file_that_passes_takes_the_place_of_one_that_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    perturbed(monkeypatch, one_off)
    scored(tmp_path)
    assert not (tmp_path / "export" / "student.onnx").exists()
    assert read_sums(tmp_path / "export") == {}
    offered(monkeypatch)
    found = scored(tmp_path)
    assert {path.name for path in (tmp_path / "export").rglob("*.onnx")} == {"student.onnx"}
    assert not (tmp_path / "export" / "failed" / "student.onnx").exists()
    assert read_sums(tmp_path / "export") == {"student.onnx": found["sha256"]["student.onnx"]}


def test_a_converter_that_gives_up_names_the_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(job: Job, path: Path) -> None:
        raise RuntimeError("unsupported operator: aten::fancy")

    offered(monkeypatch, write=fails)
    with pytest.raises(DistillError, match=r"onnx cannot take this student .*aten::fancy.*Leave it out"):
        scored(tmp_path)


def test_what_was_exported_before_stays_when_an_export_fails_midway(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scored(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "export").iterdir()}
    assert {path.name for path in before} == {"student.onnx", "SHA256SUMS"}

    def writes_then_fails(job: Job, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"of which nobody knows the score")
        raise RuntimeError("too late")

    offered(monkeypatch, write=writes_then_fails)
    with pytest.raises(DistillError, match="too late"):
        scored(tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "export").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_too_few_pictures_to_calibrate_on_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("distill.export.int8.calibration.NEEDED", 65)
    with pytest.raises(DistillError, match=r"transfer pictures, and there are 64, expected 65 or more"):
        scored(tmp_path, formats=(onnx_int8.FORMAT.name,))


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "export").write_text("in the way")
    with pytest.raises(DistillError, match=r"student\.onnx: cannot be written"):
        scored(tmp_path)


def test_the_command_fails_with_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = copy_of_finished(tmp_path)
    monkeypatch.setattr("distill.run.stages.export_onnx", lambda path, *arguments: path.touch())
    offered(monkeypatch)
    command = ["run", str(path), "--out", str(out)]
    assert cli.main(command) == 0
    shown = capsys.readouterr().out
    assert "passed" in shown and "FAILED" not in shown and str(out / "report.html") in shown
    perturbed(monkeypatch, lambda probabilities: 1 - probabilities)
    assert cli.main(command) == 1
    assert "FAILED" in capsys.readouterr().out
