"""Which detection is right, wrong or neither, in pictures that can be told by eye."""

import numpy as np

from distill.evaluation.boxes import matching
from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes
from distill.evaluation.boxes.matching import MOST, NEITHER, RIGHT, SIZES, WRONG, match


def outcomes(found: list[tuple[list[int], float]], there: list[tuple[list[int], int]], size: str = "all") -> list[int]:
    """At IoU 0.5, in the order of the detections given; one class, one picture."""
    detected = DetectedBoxes(
        np.array([box for box, _ in found], float),
        np.array([score for _, score in found]),
        np.zeros(len(found), int),
        np.array([0, len(found)]),
    )
    truths = TrueBoxes(
        np.array([box for box, _ in there], float),
        np.zeros(len(there), int),
        np.array([ignored for _, ignored in there]),
        np.array([0, len(there)]),
    )
    matches = match(detected, truths, ["a"])
    given = np.empty(len(found), int)
    given[matches.rows] = matches.outcomes[list(SIZES).index(size), 0]
    return given.tolist()


BOX, FAR = [0, 0, 100, 100], [500, 500, 600, 600]


def test_the_better_scored_of_two_takes_the_box() -> None:
    assert outcomes([([0, 0, 100, 100], 0.3), ([0, 0, 100, 80], 0.9), (FAR, 0.5)], [(BOX, 0)]) == [WRONG, RIGHT, WRONG]


def test_what_lies_in_an_ignored_box_counts_neither_for_nor_against() -> None:
    there = [(BOX, 0), (FAR, 1)]
    # Inside, however small, and any number of them; half outside is wrong; IoU with what is smaller does not help.
    found = [([510, 510, 520, 520], 0.9), ([500, 500, 600, 600], 0.8), ([440, 500, 540, 600], 0.7), (BOX, 0.1)]
    assert outcomes(found, there) == [NEITHER, NEITHER, WRONG, RIGHT]


def test_a_box_to_be_found_goes_before_an_ignored_one() -> None:
    assert outcomes([([0, 0, 100, 60], 0.9)], [([0, 0, 100, 60], 1), (BOX, 0)]) == [RIGHT]


def test_sizes_are_those_of_the_boxes() -> None:
    small, large = [0, 0, 20, 20], [200, 200, 400, 400]
    found = [(small, 0.9), (large, 0.8), ([100, 100, 110, 110], 0.7), ([200, 0, 400, 150], 0.6)]
    there = [(small, 0), (large, 0)]
    assert outcomes(found, there, "small") == [RIGHT, NEITHER, WRONG, NEITHER]
    assert outcomes(found, there, "large") == [NEITHER, RIGHT, NEITHER, WRONG]
    assert outcomes(found, there, "medium") == [NEITHER, NEITHER, NEITHER, NEITHER]


def test_a_hundred_of_a_class_in_a_picture_count() -> None:
    scores = np.linspace(1, 0, MOST + 5)
    detected = DetectedBoxes(np.tile(FAR, (MOST + 5, 1)), scores, np.zeros(MOST + 5, int), np.array([0, MOST + 5]))
    truths = TrueBoxes(np.array([BOX], float), np.zeros(1, int), np.zeros(1), np.array([0, 1]))
    matches = match(detected, truths, ["a"])
    assert matches.rows.tolist() == matches.places.tolist() == list(range(MOST))


def test_what_took_a_box_is_known_across_parts() -> None:
    pictures = 2 * matching._TOGETHER + 3
    boxes = np.tile(np.array(BOX, float), (pictures, 1))
    ends = np.arange(pictures + 1)
    # The classes alternate, and a detection of every third picture is of the other class.
    numbers = ends[:-1] % 2
    guess = np.where(ends[:-1] % 3 == 0, 1 - numbers, numbers)
    detected = DetectedBoxes(boxes, np.linspace(1, 0, pictures), guess, ends)
    matches = match(detected, TrueBoxes(boxes, numbers, np.zeros(pictures), ends), ["a", "b"])
    right = matches.outcomes[0, 0] == RIGHT
    assert (right == (matches.rows % 3 != 0)).all()
    assert (matches.found == np.where(right, matches.rows, -1)).all()
    assert (np.diff(matches.pictures[matches.of_class(1)]) > 0).all()
    assert matches.truths[0].sum(axis=1).tolist() == [(numbers == 0).sum(), (numbers == 1).sum()]
