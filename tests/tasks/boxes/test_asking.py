"""What a teacher sees becomes columns of the pictures: which boxes, and whose; and what is said where it is blind."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from distill.answers.detections import Detections
from distill.data.prepared.pictures import Pictures
from distill.data.targets import Ragged
from distill.errors import DistillError
from distill.preprocess.preprocess import Preprocess
from distill.tasks.boxes import asking
from distill.tasks.boxes.asking import certain_boxes, with_teacher_boxes
from teachers.teacher import Teacher
from tests.helpers.boxed import CLASSES, Boxed, number_of, prepare_boxed

KIND = Detections(CLASSES, 3)
# By the number of a picture: the scores of its rows for the two classes.
SEEN: dict[int, list[list[float]]] = {
    0: [[0.9, 0.2], [0.04, 0.06], [0.049, 0.049]],
    1: [[0, 0]] * 3,
    2: [[0.05, 0], [0, 0], [0, 0]],
    3: [[0.8, 0], [0.3, 0], [0.06, 0.06]],
    4: [[0.04, 0.01], [0, 0], [0, 0]],
}


def box_of(number: int, row: int) -> list[float]:
    return [0.1 * row, 0.01 * number, 0.1 * row + 0.2, 0.5]


class Stub(Teacher):
    """Knows each picture by its grey."""

    def __init__(self, seen: dict[int, list[list[float]]]) -> None:
        super().__init__("stub", Preprocess.imagenet(20, 20), KIND.shapes, CLASSES)
        self.seen, self.asked = seen, 0

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.asked += len(pictures)
        numbers = [number_of(picture.permute(1, 2, 0).numpy()) for picture in pictures]
        boxes = [[box_of(number, row) for row in range(3)] for number in numbers]
        return {"boxes": torch.tensor(boxes), "scores": torch.tensor([self.seen[number] for number in numbers])}

    def fingerprint(self) -> str:
        return "stub"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    several = [Boxed(20, 20), Boxed(30, 20, [(2, 2, 8, 8)], [1]), Boxed(20, 30), Boxed(20, 20), Boxed(20, 20)]
    return Pictures.of(prepare_boxed(tmp_path_factory.mktemp("asking") / "set", several), "train")


def ragged(pictures: Pictures, name: str) -> Any:
    values = pictures.targets[name]
    assert isinstance(values, Ragged)
    return values


@pytest.mark.parametrize("at_once", [2, 2000])
def test_boxes_from_a_twentieth_on_are_told_each_of_its_picture(
    pictures: Pictures, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AT_ONCE", at_once)
    teacher = Stub(SEEN)
    taught = with_teacher_boxes(pictures, teacher, KIND, 2)
    assert teacher.asked == len(pictures)  # once about each
    boxes, scores = ragged(taught, "teacher_boxes"), ragged(taught, "teacher_scores")
    assert boxes.offsets.tolist() == scores.offsets.tolist() == [0, 2, 2, 3, 6, 6]
    for number in range(5):
        kept = [row for row in range(3) if max(SEEN[number][row]) >= 0.05]
        np.testing.assert_allclose(boxes[number], np.reshape([box_of(number, row) for row in kept], (-1, 4)), rtol=1e-6)
        np.testing.assert_allclose(scores[number], np.reshape([SEEN[number][row] for row in kept], (-1, 2)), rtol=1e-6)
    assert [(column.name, column.place) for column in taught.columns[-2:]] == [
        ("teacher_boxes", "boxes"),
        ("teacher_scores", None),
    ]
    # What the data knows is still there, and the pictures themselves know nothing new.
    assert np.array_equal(ragged(taught, "boxes").rows, ragged(pictures, "boxes").rows)
    assert "teacher_boxes" not in pictures.targets


def test_a_teacher_that_sees_nothing_at_all_is_an_error(pictures: Pictures) -> None:
    with pytest.raises(DistillError, match=r"^teacher stub: no box of a score of 0\.05 or more in any of 5 pictures"):
        with_teacher_boxes(pictures, Stub({number: [[0.04, 0.04]] * 3 for number in range(5)}), KIND, 2)


def test_that_it_sees_nothing_in_most_is_said(pictures: Pictures, capsys: pytest.CaptureFixture[str]) -> None:
    with_teacher_boxes(pictures, Stub(SEEN), KIND, 2)
    assert "sees nothing" not in capsys.readouterr().err  # in two of five
    with_teacher_boxes(pictures, Stub(SEEN | {3: SEEN[1]}), KIND, 2)
    assert "teacher stub: sees nothing in 3 of 5 pictures to transfer on" in capsys.readouterr().err


class Flat(Stub):
    """Its boxes have no area, or lie beside the picture."""

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        answers = super().forward(pictures)
        flat = answers["boxes"].clone()
        flat[:, 0, 2:] = flat[:, 0, :2]
        flat[:, 1:] += 2
        return {**answers, "boxes": flat}


def test_boxes_that_show_nothing_are_as_none(pictures: Pictures) -> None:
    with pytest.raises(DistillError, match=r"no box of a score of 0\.05 or more .* has an area there"):
        with_teacher_boxes(pictures, Flat(SEEN), KIND, 2)


def test_certain_boxes_are_those_of_a_score(pictures: Pictures) -> None:
    taught = with_teacher_boxes(pictures, Stub(SEEN), KIND, 2)
    expected = [box_of(0, 0), box_of(3, 0), box_of(3, 1)]
    np.testing.assert_allclose(certain_boxes(taught, 0.3), expected, atol=1e-6)
