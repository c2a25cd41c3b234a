"""Which classes are taken for which.

Shapes: N pictures, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.evaluation.intervals import wilson_interval


@dataclass(frozen=True)
class Confused:
    """Two classes that are taken for each other.

    Attributes:
        classes: their numbers, the one that is taken for the other more often first.
        mistaken: pictures of the first taken for the second, and of the second taken for the first.
        pictures: of both classes.
        interval: (low, high) of `share`, 95 %.
    """

    classes: tuple[int, int]
    mistaken: tuple[int, int]
    pictures: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        """Of the pictures of both, those taken for the other."""
        return sum(self.mistaken) / self.pictures

    def to_dict(self, names: Sequence[str]) -> dict[str, Any]:
        return {
            "classes": [names[number] for number in self.classes],
            "mistaken": list(self.mistaken),
            "pictures": self.pictures,
            "share": self.share,
            "interval": list(self.interval),
        }


def confusion_matrix(truths: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """int64 (C, C): pictures of the row's class that the column's was answered to.

    Args:
        truths, answers: class numbers (N,).
    """
    return np.bincount(truths * classes + answers, minlength=classes * classes).reshape(classes, classes)


def most_confused(confusion: np.ndarray, count: int) -> list[Confused]:
    """The pairs of classes with most mistakes between them, at most `count`; those without any are left out.

    Args:
        confusion: as of `confusion_matrix`.
    """
    both = np.triu(confusion + confusion.T, k=1)
    order = np.argsort(-both, axis=None, kind="stable")[:count]
    pictures = confusion.sum(axis=1)
    pairs = []
    for row, column in zip(*np.unravel_index(order, both.shape), strict=True):
        mistakes, total = int(both[row, column]), int(pictures[row] + pictures[column])
        if not mistakes:
            break
        a, b = (int(row), int(column)) if confusion[row, column] >= confusion[column, row] else (int(column), int(row))
        pairs.append(
            Confused((a, b), (int(confusion[a, b]), int(confusion[b, a])), total, wilson_interval(mistakes, total))
        )
    return pairs
