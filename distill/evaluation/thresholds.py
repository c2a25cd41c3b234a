"""A threshold per attribute, chosen on validation pictures: an attribute is present where its score is at least that.
And one cut-off for all classes that exclude each other, below which a picture shows none of them.

F1 is maximised. Accuracy would answer "never" for a rare attribute (bald: 2 % of the pictures), and balanced
accuracy would call thousands of pictures bald to find the last of them; F1 weighs what was found against what was
claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill.evaluation.average_precision import rank
from distill.evaluation.inputs import check_finite, check_labels

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Thresholds:
    """One threshold per class, float64 (C,), and the classes that had to be given `DEFAULT_THRESHOLD`."""

    values: np.ndarray
    unmeasured: tuple[str, ...]


def none_below(probabilities: np.ndarray, rate: float) -> float:
    """The cut-off of classes that exclude each other: below it, the likeliest class counts as none of them.

    The highest at which at most a share `rate` of pictures, all of which show one of the classes, is called none.

    Args:
        probabilities: float (N, C), of at least one picture.
        rate: from 0 to below 1.
    """
    surest = np.sort(probabilities.max(axis=1))
    return float(surest[int(rate * len(surest))])


def choose_thresholds(probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Thresholds:
    """The threshold of the best F1 for each class.

    It lies midway between the lowest score that is accepted and the next below it (0 below the lowest of all). Of
    several with the same F1 the highest is taken, which claims least.

    Args:
        probabilities: float (N, C) in 0..1.
        labels: int8 (N, C): 1 present, 0 absent, -1 unknown and left out.

    Raises:
        DistillError: a score is not finite, or the shapes do not fit.
    """
    check_finite(probabilities, classes)
    check_labels(labels, probabilities)
    values = np.full(len(classes), DEFAULT_THRESHOLD)
    unmeasured = []
    for c, name in enumerate(classes):
        ranking = rank(probabilities[:, c], labels[:, c])
        if not ranking.measurable:
            unmeasured.append(name)
            continue
        # F1 = 2 TP / (claimed + positives); a threshold lowered without reaching another positive only loses.
        f1 = 2 * (ranking.positive_cuts + 1) / (ranking.cuts + 1 + len(ranking.positives))
        best = ranking.cuts[np.argmax(f1)]
        falling = probabilities[ranking.order, c].astype(np.float64)
        accepted = falling[best]
        below = falling[best + 1] if best + 1 < len(falling) else 0.0
        middle = (accepted + below) / 2
        # neighbouring floats have no number between them; then the accepted score itself is the threshold
        values[c] = middle if middle > below else accepted
    return Thresholds(values, tuple(unmeasured))
