"""What is compared is checked first."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes, areas_of, check_boxes, picture_of

DETECTED = DetectedBoxes(
    np.array([[0.0, 0, 4, 3], [1, 1, 2, 2]]), np.array([0.5, 0.6]), np.array([0, 1]), np.array([0, 0, 2])
)
TRUTHS = TrueBoxes(np.array([[0.0, 0, 4, 3]]), np.array([1]), np.array([0], np.int8), np.array([0, 1, 1]))


def test_rows_have_pictures_and_areas() -> None:
    assert picture_of(np.array([0, 2, 2, 3])).tolist() == [0, 0, 2]
    assert areas_of(DETECTED.boxes).tolist() == [12, 1]


@pytest.mark.parametrize(
    ("detected", "truths", "said"),
    [
        ({"boxes": np.array([[0, 0, 4, np.nan], [1, 1, 2, 2]])}, {}, "1 of 2 detected boxes are none, the first .*nan"),
        ({"boxes": np.array([[0.0, 0, 4, 3], [3, 1, 2, 2]])}, {}, r"detected boxes are none, the first \[3"),
        ({"boxes": np.zeros((2, 5))}, {}, r"detected boxes are \(2, 5\)"),
        ({"classes": np.array([0, 2])}, {}, r"detected boxes lie in 0..2, expected 0..1"),
        ({"scores": np.array([0.5, np.inf])}, {}, "1 of them not finite"),
        ({"scores": np.zeros(3)}, {}, r"scores of 2 detected boxes are \(3,\)"),
        ({"offsets": np.array([0, 0, 3])}, {}, "rows of pictures end at 3"),
        ({"offsets": np.array([0, 2])}, {}, "detected in 1 pictures and 2 are labelled"),
        ({}, {"classes": np.array([-1])}, "true boxes lie in -1..-1"),
        ({}, {"ignored": np.array([1])}, "no box to be found"),
        ({}, {"ignored": np.zeros(2)}, r"\(2,\) values say of 1 true boxes"),
        ({}, {"offsets": np.array([0])}, "no picture"),
    ],
)
def test_what_cannot_be_compared_is_refused(detected: dict[str, Any], truths: dict[str, Any], said: str) -> None:
    check_boxes(DETECTED, TRUTHS, 2)
    with pytest.raises(DistillError, match=said):
        check_boxes(replace(DETECTED, **detected), replace(TRUTHS, **truths), 2)


def test_the_same_boxes_are_told_from_others() -> None:
    assert TRUTHS.same(replace(TRUTHS, boxes=TRUTHS.boxes.copy()))
    assert TRUTHS.same(replace(TRUTHS, boxes=TRUTHS.boxes + 1e-4))  # as shares of another picture round
    assert not TRUTHS.same(replace(TRUTHS, boxes=TRUTHS.boxes + 1))
    assert not TRUTHS.same(replace(TRUTHS, boxes=TRUTHS.boxes[:0]))
    assert not TRUTHS.same(replace(TRUTHS, offsets=np.array([0, 0, 1])))
