"""What a run on exclusive classes refuses."""

import copy
import json
from pathlib import Path

import pytest

from distill import cli
from distill.errors import DistillError
from distill.files.run_directory import RunDirectory
from distill.run.stages import Run, TrainingSetup
from distill.tasks import open_task
from distill.tasks.sets import open_sets
from students.student import build_student
from tests.helpers.dogs import finished
from tests.helpers.running import TINY, read, run_recipe, write_recipe


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["--objective", "bernoulli_kl", "--objective.temperature", "1"], "is bernoulli_kl, and the task is classes"),
        (["--objective", "dkd"], "is dkd, which needs the class of every picture, and of 57 of the 100 to transfer on"),
        (["--objective.label_weight", "-1"], "label_weight is -1"),
        (["--teach.web", "true", "--web", "null"], "teach.web is true, and the recipe has no web"),
        (["--pretrain.teacher_top", "0"], "pretrain.teacher_top is 0, expected at least 1 class"),
        (["--stages", "[probe,transfer]"], "`probe` fits each attribute by itself"),
        (["--evaluate.lfw", "lfw"], "scores embeddings, and the task is classes"),
        (
            ["--evaluate.pairs", "ijb", "--evaluate.pairs.root", "x"],
            r"evaluate\.pairs: scores embeddings, and",
        ),
        (
            ["--task", "attributes", "--objective", "bernoulli_kl", "--objective.temperature", "1"],
            "no validation pictures",
        ),
        (
            ["--web", "folder", "--web.root", "WEB"],
            "`pretrain` needs labels of the data's classes, and no picture.*web",
        ),
        (["--data", "folder", "--data.root", "WEB"], "pictures without labels, on which nothing can be scored"),
    ],
)
def test_what_classes_cannot_be_learnt_from(keys: list[str], message: str, tmp_path: Path) -> None:
    path, out = finished()
    given = [str(out.parent / "web") if key == "WEB" else key for key in keys]
    with pytest.raises(DistillError, match=message):
        run_recipe(path, tmp_path / "run", given)
    assert not (tmp_path / "run" / "stages").exists()


def test_attributes_are_no_classes(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, TINY | {"task": "classes", "objective": {"name": "softmax_kl"}})
    with pytest.raises(DistillError, match=r"rendered_faces, train: .*not of one class.*task: attributes"):
        run_recipe(recipe, tmp_path / "run")


def test_a_model_of_another_kind_is_not_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = finished()
    student = tmp_path / "student"
    student.mkdir()
    config = json.loads((out / "student" / "config.json").read_text())
    (student / "config.json").write_text(json.dumps(config | {"answers": "probabilities"}))
    (student / "student.safetensors").write_bytes((out / "student" / "student.safetensors").read_bytes())
    assert cli.main(["evaluate", str(path), "--model", str(student), "--out", str(out)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "gives one probability for each class by itself, and this recipe scores probabilities of classes" in said


def test_what_was_learnt_as_attributes_is_not_taken_for_classes() -> None:
    path, out = finished()
    recipe = read(path)[0]
    pictures = open_sets(recipe, out / "data").labelled
    task = open_task(recipe, out / "data")
    student = build_student(recipe.student, 7)
    module = task.teaching.learner(student, recipe.student.preprocess, recipe.fine_tune, seed=0)
    training = TrainingSetup(module, pictures, None)
    other = copy.copy(recipe)
    object.__setattr__(other, "task", "attributes")
    runs = [Run(one, task, RunDirectory(out)) for one in (recipe, copy.copy(recipe), other)]
    keys = {run._key("fine_tune", training, 0) for run in runs}
    assert len(keys) == 2
