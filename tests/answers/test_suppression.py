"""Non-maximum suppression, against plain Python, a class at a time."""

import numpy as np
import pytest

from distill.answers.suppression import CANDIDATES, suppressed
from distill.data.targets import Ragged


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    areas = [(box[2:] - box[:2]).prod() for box in (a, b)]
    return float(sides.prod() / (sum(areas) - sides.prod()))


def plainly(boxes: np.ndarray, scores: np.ndarray, iou: float, most: int, least: float) -> list[tuple[float, int, int]]:
    """Score, class and place of each detection of one picture."""
    found = []
    for number in range(scores.shape[1]):
        kept: list[int] = []
        for place in sorted(range(len(boxes)), key=lambda place: -scores[place, number]):
            if scores[place, number] < least:
                continue
            if all(overlap(boxes[place], boxes[other]) <= iou for other in kept):
                kept.append(place)
        found += [(float(scores[place, number]), number, place) for place in kept]
    return sorted(found, key=lambda one: -one[0])[:most]


@pytest.mark.parametrize(("iou", "most", "least"), [(0.6, 100, 0.01), (0.3, 5, 0.2), (0.9, 1000, 0.0)])
def test_what_is_found_is_what_plain_python_finds(iou: float, most: int, least: float) -> None:
    generator = np.random.default_rng(0)
    low = generator.uniform(0, 0.6, (4, 40, 2))
    boxes = np.concatenate([low, low + generator.uniform(0.1, 0.5, (4, 40, 2))], axis=2).astype(np.float32)
    scores = (generator.uniform(size=(4, 40, 3)) ** 2).astype(np.float32)
    scores[2] = 0  # nothing is found there
    found, sureness, classes = suppressed(boxes, scores, iou, most, least)
    assert all(isinstance(column, Ragged) and len(column) == 4 for column in (found, sureness, classes))
    assert (found.rows.dtype, sureness.rows.dtype, classes.rows.dtype) == (np.float32, np.float32, np.int16)
    for picture in (0, 1, 2, 3) if least else (0, 1, 3):  # of equal scores the order is anybody's
        wanted = plainly(boxes[picture], scores[picture], iou, most, least)
        assert sureness[picture].tolist() == pytest.approx([score for score, _, _ in wanted])
        assert classes[picture].tolist() == [number for _, number, _ in wanted]
        np.testing.assert_array_equal(found[picture], boxes[picture][[place for _, _, place in wanted]].reshape(-1, 4))


def test_two_classes_may_be_found_at_one_place() -> None:
    boxes = np.tile(np.array([0.1, 0.1, 0.5, 0.5], np.float32), (1, 3, 1))
    scores = np.array([[[0.9, 0.2], [0.8, 0.7], [0.3, 0.6]]], np.float32)
    found, sureness, classes = suppressed(boxes, scores)
    assert classes[0].tolist() == [0, 1] and sureness[0].tolist() == pytest.approx([0.9, 0.7])
    assert len(found) == 1


def test_boxes_that_touch_are_two_things_and_no_pictures_give_none() -> None:
    boxes = np.array([[[0, 0, 0.5, 1], [0.5, 0, 1, 1]]], np.float32)
    assert suppressed(boxes, np.full((1, 2, 1), 0.5, np.float32))[1].counts.tolist() == [2]
    assert [len(column) for column in suppressed(np.zeros((0, 5, 4)), np.zeros((0, 5, 2)))] == [0, 0, 0]


def test_before_training_a_class_has_so_many_candidates() -> None:
    boxes = np.tile(np.array([0.1, 0.1, 0.5, 0.5], np.float32), (1, 1000, 1))
    boxes[0, CANDIDATES:] += 2
    found, _, _ = suppressed(boxes, np.full((1, 1000, 1), 0.01, np.float32))
    assert found.counts.tolist() == [1]  # what lies elsewhere came too late
