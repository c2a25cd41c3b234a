"""The average precision that boxes have without being looked for: of a model's own, held to pictures it was not shown.

A model that sees nothing answers every picture alike, be it with boxes where most things are; to it one picture is as
good as another. So its answers to a picture are scored against the boxes of others, and what is left is what places
and frequencies alone are worth. Answers in a wrong order of classes have no more than that, and of a model that sees,
hardly anything is left.

Shapes: N pictures, S others that each picture's boxes are held to; R rows.
"""

from collections.abc import Sequence

import numpy as np

from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes
from distill.evaluation.boxes.curves import precision_recall
from distill.evaluation.boxes.matching import match

OTHERS = 4
"""S of few pictures, among which one lucky box would be a chance of its own; of many fewer, for they take longer."""
_PAIRS = 4000  # of a picture and another that are enough


def precision_by_chance(detected: DetectedBoxes, truths: TrueBoxes, classes: Sequence[str]) -> float | None:
    """AP of boxes held to other pictures, of all these together; None where there is only one picture.

    Args:
        detected, truths: as shares of their pictures, so that places mean the same in pictures of other sizes.

    Raises:
        DistillError: the boxes cannot be compared, or there is none to be found.
    """
    pictures = len(truths.offsets) - 1
    # Evenly over the set: neighbours are often alike.
    others = min(OTHERS, max(1, _PAIRS // pictures))
    steps = sorted({step * pictures // (others + 1) for step in range(1, others + 1)} - {0})
    if not steps:
        return None
    every = np.arange(pictures)
    own = np.tile(every, len(steps))
    whose = np.concatenate([(every + step) % pictures for step in steps])
    found, there = _rows(detected.offsets, own), _rows(truths.offsets, whose)
    shown = DetectedBoxes(
        detected.boxes[found], detected.scores[found], detected.classes[found], _offsets(detected.offsets, own)
    )
    elsewhere = TrueBoxes(
        truths.boxes[there], truths.classes[there], truths.ignored[there], _offsets(truths.offsets, whose)
    )
    precision = precision_recall(match(shown, elsewhere, classes)).mean  # over classes
    return float(precision.mean())


def _rows(offsets: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """int64 (R,): the rows of these pictures, end to end."""
    counts = np.diff(offsets)[pictures]
    starts = np.cumsum(counts) - counts
    return np.arange(counts.sum()) - np.repeat(starts - offsets[pictures], counts)


def _offsets(offsets: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """int64, where the rows of each of these pictures begin, and the end of all."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.diff(offsets)[pictures], dtype=np.int64)])
