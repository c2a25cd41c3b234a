"""Precision against recall, for the page: of each class, and their mean.

Shapes: C classes, T thresholds, 101 recalls.
"""

from dataclasses import dataclass

import numpy as np

from distill.evaluation.boxes.matching import Matches
from distill.evaluation.boxes.precision import RECALLS, Ranking, weighed


@dataclass(frozen=True)
class PrecisionRecall:
    """Of boxes of every size.

    Attributes:
        recall: float64 (101,).
        precision: float64 (T, C, 101), NaN for a class of which there is no box.
    """

    recall: np.ndarray
    precision: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(T, 101), over the classes that have a box."""
        measured = ~np.isnan(self.precision[0, :, 0])
        return self.precision[:, measured].mean(axis=1)


def precision_recall(matches: Matches) -> PrecisionRecall:
    """The curves whose means over the recalls are the average precisions."""
    once = weighed(np.ones((1, matches.truths.shape[2]), np.int32))
    curves = [Ranking.of(matches, number, 0).curve(once).precision[0] for number in range(len(matches.classes))]
    return PrecisionRecall(RECALLS, np.stack(curves, axis=1))
