"""A weighting of the pictures gives what pycocotools gives of pictures that are there so often."""

import numpy as np
import pytest

from distill.evaluation.boxes.matching import SIZES, match
from distill.evaluation.boxes.precision import RECALLS, Ranking, _hits_at, weighed
from tests.helpers.box_sets import CLASSES, pycocotools_says, random_set, repeated, without_ties


@pytest.mark.parametrize("seed", range(6))
def test_pictures_that_count_twice_are_pictures_there_twice(seed: int) -> None:
    detected, truths = random_set(seed, pictures=10)
    detected = without_ties(detected)
    matches = match(detected, truths, CLASSES)
    times = np.random.default_rng(seed).integers(0, 3, (3, 10))
    for number in range(len(CLASSES)):
        for size in range(len(SIZES)):
            ranking = Ranking.of(matches, number, size)
            curve = ranking.curve(weighed(times))
            first = ranking.recall(weighed(times), 1)
            for row, once in enumerate(times):
                _, said = pycocotools_says(*repeated(detected, truths, once))
                expected = said["precision"][:, :, number, size, 2]
                expected = np.where(expected < 0, np.nan, expected)
                np.testing.assert_allclose(curve.precision[row], expected, atol=1e-12)
                recall = said["recall"][:, number, size]
                recall = np.where(recall < 0, np.nan, recall)
                np.testing.assert_allclose(curve.recall[row], recall[:, 2], atol=1e-12)
                np.testing.assert_allclose(first[row], recall[:, 0], atol=1e-12)


def test_a_recall_is_reached_by_the_least_number_of_boxes() -> None:
    """Every number of boxes, against the plain division."""
    boxes = np.arange(1, 700)
    for count, least in zip(boxes, _hits_at(boxes), strict=True):
        assert least.tolist() == np.searchsorted(np.arange(count + 1) / count, RECALLS, side="left").tolist()
