"""What evaluators refuse to measure: shapes that do not fit, values that are no scores, labels that are none."""

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.inputs import check_finite, check_labels

CLASSES = ("Bald", "Male")


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((3, 3)), r"the student gave scores float64 \(3, 3\), expected float \(pictures, 2\)"),
        (np.zeros(2), r"the student gave scores float64 \(2,\)"),
        (np.zeros((3, 2), np.int64), "the student gave scores int64"),
        (np.zeros((0, 2)), "no picture to evaluate on"),
        (np.array([[0.0, np.nan], [0.0, np.inf], [0.0, 1.0]]), "infinity for class 'Male' on 2 of 3 pictures .1 of 2"),
    ],
)
def test_scores_that_are_none_are_refused(scores: np.ndarray, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        check_finite(scores, CLASSES, owner="the student")


def test_scores_and_labels_that_fit_pass() -> None:
    scores = np.zeros((3, 2), np.float32)
    check_finite(scores, CLASSES)
    check_labels(np.array([[1, 0], [-1, 0], [1, -1]], np.int8), scores)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2), np.int8), r"labels have shape \(2, 2\) and scores \(3, 2\)"),
        (np.array([[1, 0], [2, 0], [-2, 0]], np.int8), r"2 labels are neither 1 .* for example 2"),
    ],
)
def test_labels_that_are_none_are_refused(labels: np.ndarray, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        check_labels(labels, np.zeros((3, 2)))
