"""Accuracy of pairs by folds: a fold's threshold is chosen on the other folds, and the accuracies are averaged.

The protocol of Labeled Faces in the Wild (Huang et al. 2007), for any number of folds of any sizes.

Shapes: P pairs, F folds.
"""

from dataclasses import dataclass, field

import numpy as np

from distill.errors import DistillError
from distill.evaluation.roc import Roc, roc


@dataclass(frozen=True)
class FoldAccuracy:
    """Accuracy fold by fold.

    Attributes:
        mean: over folds, each counting once.
        standard_deviation: of the folds' accuracies, of a sample (divided by F - 1).
        standard_error: of the mean, standard_deviation / sqrt(F): the +- of LFW's tables.
        folds: F fold numbers, rising. accuracies, thresholds: float64 (F,). pairs: int (F,).
        correct: bool (P,), whether each pair was decided rightly at its fold's threshold.
    """

    mean: float
    standard_deviation: float
    standard_error: float
    folds: tuple[int, ...]
    accuracies: np.ndarray
    thresholds: np.ndarray
    pairs: np.ndarray
    correct: np.ndarray = field(repr=False)


def fold_accuracy(scores: np.ndarray, same: np.ndarray, folds: np.ndarray) -> FoldAccuracy:
    """Accuracy of each fold at the threshold that is best on the other folds.

    The threshold lies midway between the lowest score it accepts and the next below. Of several equally good the
    highest is taken.

    Args:
        scores: float (P,). same: bool (P,). folds: int (P,).

    Raises:
        DistillError: shapes do not fit, a score is not finite, there are less than two folds, or some folds leave the
            others no genuine or no impostor pair.
    """
    _check(scores, same, folds)
    numbers = np.unique(folds)
    if len(numbers) < 2:
        raise DistillError(
            f"verification: the pairs stand in {len(numbers)} fold, expected two or more: a threshold chosen on the "
            "fold it is tested on says nothing."
        )
    thresholds, accuracies = np.empty(len(numbers)), np.empty(len(numbers))
    correct = np.empty(len(scores), dtype=bool)
    for f, number in enumerate(numbers):
        tested = folds == number
        genuine, impostors = scores[~tested & same], scores[~tested & ~same]
        if len(genuine) == 0 or len(impostors) == 0:
            raise DistillError(
                f"verification: beside fold {number} there are {len(genuine)} genuine and {len(impostors)} impostor "
                "pairs, expected some of both to choose its threshold. Spread both kinds over the folds."
            )
        thresholds[f] = _best_threshold(roc(genuine, impostors))
        correct[tested] = (scores[tested] >= thresholds[f]) == same[tested]
        accuracies[f] = correct[tested].mean()
    deviation = float(accuracies.std(ddof=1))
    return FoldAccuracy(
        mean=float(accuracies.mean()),
        standard_deviation=deviation,
        standard_error=deviation / len(numbers) ** 0.5,
        folds=tuple(numbers.tolist()),
        accuracies=accuracies,
        thresholds=thresholds,
        pairs=np.array([np.count_nonzero(folds == number) for number in numbers]),
        correct=correct,
    )


def _best_threshold(curve: Roc) -> float:
    right = curve.true_accepts - curve.false_accepts
    best = int(np.argmax(right))  # the first of several is the highest
    accepted = float(curve.thresholds[best])
    if best in (0, len(curve.thresholds) - 1):
        return accepted
    below = float(curve.thresholds[best + 1])
    middle = (accepted + below) / 2
    # neighbouring floats have no number between them; then the accepted score itself is the threshold
    return middle if middle > below else accepted


def _check(scores: np.ndarray, same: np.ndarray, folds: np.ndarray) -> None:
    fits = scores.ndim == 1 and scores.shape == same.shape == folds.shape
    if not fits or same.dtype != bool or not np.issubdtype(scores.dtype, np.floating):
        raise DistillError(
            f"verification: scores {scores.dtype} {scores.shape}, same {same.dtype} {same.shape} and folds "
            f"{folds.shape}, expected one float score, one bool and one fold number a pair."
        )
