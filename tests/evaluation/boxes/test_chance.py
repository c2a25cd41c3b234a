"""AP by chance: against a loop over pictures that are put together by hand, and of models that see and that do not."""

import numpy as np
import pytest

from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes
from distill.evaluation.boxes.chance import precision_by_chance
from distill.evaluation.boxes.matching import match
from distill.evaluation.boxes.scores import evaluate_boxes
from tests.helpers.box_sets import CLASSES, random_set

PICTURES = 40


def of_picture(boxes: DetectedBoxes | TrueBoxes, number: int) -> slice:
    return slice(int(boxes.offsets[number]), int(boxes.offsets[number + 1]))


def average_precision(detected: DetectedBoxes, truths: TrueBoxes) -> float:
    return evaluate_boxes(match(detected, truths, CLASSES), seed=0, resamples=2).metrics["AP"]


def test_every_picture_is_held_to_others_that_lie_evenly_over_the_set() -> None:
    detected, truths = random_set(4)
    pictures = len(truths.offsets) - 1
    pairs = [(own, (own + pictures * step // 5) % pictures) for step in (1, 2, 3, 4) for own in range(pictures)]
    ours, theirs = [of_picture(detected, own) for own, _ in pairs], [of_picture(truths, other) for _, other in pairs]
    shown, elsewhere = (
        {
            name: np.concatenate([getattr(boxes, name)[part] for part in parts])
            for name in vars(boxes)
            if name != "offsets"
        }
        | {"offsets": np.cumsum([0, *(part.stop - part.start for part in parts)])}
        for boxes, parts in ((detected, ours), (truths, theirs))
    )
    expected = average_precision(DetectedBoxes(**shown), TrueBoxes(**elsewhere))
    assert precision_by_chance(detected, truths, CLASSES) == pytest.approx(expected)


def things(seed: int) -> TrueBoxes:
    """One thing a picture, anywhere, of any class."""
    random = np.random.default_rng(seed)
    low = random.uniform(0, 0.6, (PICTURES, 2))
    classes = random.integers(0, len(CLASSES), PICTURES)
    boxes = np.hstack([low, low + random.uniform(0.2, 0.4, (PICTURES, 2))])
    return TrueBoxes(boxes, classes, np.zeros(PICTURES, np.int8), np.arange(PICTURES + 1))


def test_what_sees_has_hardly_any_and_what_is_blind_has_what_it_scores() -> None:
    truths = things(0)
    sure = np.linspace(0.5, 1, PICTURES)
    seeing = DetectedBoxes(truths.boxes, sure, truths.classes, truths.offsets)
    assert average_precision(seeing, truths) == pytest.approx(1.0)
    chance = precision_by_chance(seeing, truths, CLASSES)
    assert chance is not None and chance < 0.05
    # All things at one place: to say so is worth as much as to see it.
    same = TrueBoxes(np.tile(truths.boxes[:1], (PICTURES, 1)), truths.classes * 0, truths.ignored, truths.offsets)
    blind = DetectedBoxes(same.boxes, sure, same.classes, same.offsets)
    assert precision_by_chance(blind, same, CLASSES) == average_precision(blind, same) == pytest.approx(1.0)


def test_nothing_found_is_worth_nothing_and_one_picture_tells_nothing() -> None:
    truths = things(1)
    none = DetectedBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64), np.zeros(PICTURES + 1, np.int64))
    assert precision_by_chance(none, truths, CLASSES) == 0
    one = TrueBoxes(truths.boxes[:1], truths.classes[:1], truths.ignored[:1], truths.offsets[:2])
    assert precision_by_chance(DetectedBoxes(one.boxes, np.ones(1), one.classes, one.offsets), one, CLASSES) is None
