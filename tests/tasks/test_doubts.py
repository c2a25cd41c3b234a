"""What a run says of a teacher whose outputs mean something else, and of a file that answers differently."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from distill.directory import RunDirectory
from distill.run import _judge_teacher
from distill.tasks import open_task
from distill.tasks.classes import Classes, ClassVerdict
from teachers.teacher import Teacher
from tests.running import read
from tests.tasks.test_classes import finished


class Rolled(Teacher):
    """Another teacher's outputs, each in the place of the next, and without their names."""

    def __init__(self, teacher: Teacher, places: int) -> None:
        super().__init__("rolled", teacher.preprocess, teacher.outputs, None)
        self.teacher, self.places = teacher, places
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        return self.teacher(pictures).roll(self.places, dims=1)

    def fingerprint(self) -> str:
        return "rolled"


def opened() -> tuple[Classes, Teacher]:
    path, out = finished()
    places = RunDirectory(out)
    task = open_task(read(path)[0], places.data)
    assert isinstance(task, Classes)
    return task, task.taught_teacher(places.teacher / "teacher.safetensors")


@pytest.mark.parametrize(("places", "doubted"), [(0, False), (3, True)])
def test_a_teacher_whose_outputs_are_in_another_order(
    places: int, doubted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    task, teacher = opened()
    _judge_teacher(Rolled(teacher, places), task)
    said = " ".join(capsys.readouterr().err.split())
    assert ("within chance of 0.1429, what blind guesses have. Are its outputs in the order" in said) is doubted


def test_classes_that_a_file_gets_wrong_are_named_by_their_pictures() -> None:
    task, teacher = opened()
    student: Any = task.judge(task.teacher_predictor(teacher))
    truths, answers = student.scores.truths, student.answers
    right = np.flatnonzero(answers.argmax(axis=1) == truths)
    worst = np.bincount(truths[right]).argmax()
    spoilt = answers.copy()
    of_worst = right[truths[right] == worst]
    spoilt[of_worst] = np.roll(answers[of_worst], 1, axis=1)
    other = right[truths[right] != worst][:1]
    spoilt[other] = np.roll(answers[other], 1, axis=1)
    found = task.offenders(ClassVerdict(spoilt, student.scores), student)
    assert found == [
        f"{task.classes[worst]} {len(of_worst)} of 5 pictures",
        f"{task.classes[truths[other[0]]]} 1 of 5 pictures",
    ]
    # None lost: by the mean change of a probability.
    sharper = torch.from_numpy(answers).log().mul(1.01).softmax(dim=1).numpy()
    changes = np.abs(sharper - answers).mean(axis=0)
    named = task.offenders(ClassVerdict(sharper, student.scores), student)
    assert named[0] == f"{task.classes[changes.argmax()]} {changes.max():.3f} of probability"
