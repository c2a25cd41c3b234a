"""Teachers of exclusive classes: as files, as stored answers, and with outputs that mean something else."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

from distill import cli
from distill.errors import DistillError
from distill.run.pipeline import _judge_teacher
from distill.tasks import open_task
from teachers.teacher import Teacher
from tests.helpers.dogs import BREEDS, asked, finished, opened, results_of
from tests.helpers.running import read, run_recipe


class Rolled(Teacher):
    """Another teacher's outputs, each in the place of the next, and without their names."""

    def __init__(self, teacher: Teacher, places: int) -> None:
        super().__init__("rolled", teacher.preprocess, teacher.outputs, None)
        self.teacher, self.places = teacher, places
        self.eval()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        return {"logits": self.teacher(pictures)["logits"].roll(self.places, dims=1)}

    def fingerprint(self) -> str:
        return "rolled"


def test_the_taught_teacher_teaches_as_a_black_box(tmp_path: Path) -> None:
    path, out = finished()
    keys = ["--teacher", "onnx", "--teacher.file", str(out / "teacher" / "teacher.onnx"), "--stages", "[transfer]"]
    task = open_task(read(path, keys)[0], out / "data")
    task.teaching.check()
    teacher = asked(task)
    task.teaching.check_teacher(teacher)
    scores = task.judging.judge(teacher.predictor(task.teaching.kind)).to_dict()["metrics"]
    assert scores == pytest.approx(results_of(out)["teacher"]["metrics"], abs=1e-3)


def test_a_black_box_may_have_the_classes_in_another_order(tmp_path: Path) -> None:
    path, out = finished()
    model = onnx.load(out / "teacher" / "teacher.onnx")
    del model.metadata_props[:]  # of a vendor, who says nothing
    onnx.save(model, tmp_path / "vendor.onnx")
    vendor = ["--stages", "[transfer]", "--teacher", "onnx", "--teacher.file", str(tmp_path / "vendor.onnx")]
    vendor += ["--teacher.gives", "softmax", "--teacher.interpolation", "bilinear"]
    keys = [*vendor, f"--teacher.classes={json.dumps(BREEDS[::-1])}"]
    task = open_task(read(path, keys)[0], out / "data")
    teacher, whole = asked(task), asked(open_task(read(path, vendor)[0], out / "data"))
    task.teaching.check_teacher(teacher)
    assert teacher.classes == BREEDS
    pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255
    assert torch.equal(teacher(pictures)["logits"], whole(pictures)["logits"].flip(1))


def test_a_teacher_at_chance_stops_the_run_unless_the_recipe_accepts_it() -> None:
    task, teacher = opened()
    strict = dataclasses.replace(task.recipe.evaluate, chance="refuse")
    task.recipe = dataclasses.replace(task.recipe, evaluate=strict)
    _judge_teacher(Rolled(teacher, 0), task)
    with pytest.raises(DistillError, match=r"within chance of 0\.1429.*--evaluate\.chance accept goes on"):
        _judge_teacher(Rolled(teacher, 3), task)


@pytest.mark.parametrize(("places", "doubted"), [(0, False), (3, True)])
def test_a_teacher_whose_outputs_are_in_another_order(
    places: int, doubted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    task, teacher = opened()
    _judge_teacher(Rolled(teacher, places), task)
    said = " ".join(capsys.readouterr().err.split())
    assert ("within chance of 0.1429, what blind guesses have. Are its outputs in the order" in said) is doubted


def test_the_largest_logits_are_stored_and_learnt_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = finished()
    monkeypatch.setattr("distill.tasks.pictures.AGREEMENT_PICTURES", 25)  # of 43: of the others no answer is whole
    teacher = ["--teacher", "onnx", "--teacher.file", str(out / "teacher" / "teacher.onnx"), "--stages", "[transfer]"]
    place, keys = tmp_path / "answers", ["--web", "null", "--transfer.views.mixup", "0"]
    command = ["store", str(path), "--views", "1", "--out", str(place), *teacher, *keys]
    assert cli.main([*command, "--top", "7"]) == 2
    assert "top is 7, expected 1 to 6: the teacher has 7 classes" in capsys.readouterr().err
    assert not place.exists() and not place.with_name("answers.building").exists()
    assert cli.main([*command, "--top", "3"]) == 0
    assert len(np.load(place / "pictures.npy")) == 43 and len(np.load(place / "whole.npy")) < 43 + 35
    assert cli.main(["store", "verify", str(place)]) == 0 and "answers asked again" in capsys.readouterr().out
    monkeypatch.setattr("distill.run.pipeline.export_and_score", lambda *arguments: [])
    stored = ["--teacher", "stored", "--teacher.root", str(place), "--stages", "[transfer]"]
    results = run_recipe(path, tmp_path / "run", [*stored, *keys])
    assert results["teacher"]["metrics"] == pytest.approx(results_of(out)["teacher"]["metrics"], abs=2e-3)
