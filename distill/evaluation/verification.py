"""Are two pictures of one person? Scored pairs in folds, after the protocol of Labeled Faces in the Wild.

Accuracy is measured fold by fold; TAR at FAR and the equal error rate are taken over all pairs together.

Intervals of accuracy and equal error rate come from drawing pairs with replacement, the folds' thresholds kept. Pairs
count as independent; people who occur in several make the true intervals a little wider.

Shapes: P pairs, F folds, R resamples, B resamples of one block.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill.evaluation.bootstrap import bootstrap, low_high, percentile_interval
from distill.evaluation.difference import Difference, check_paired
from distill.evaluation.folds import FoldAccuracy, fold_accuracy
from distill.evaluation.intervals import wilson_interval
from distill.evaluation.roc import EqualError, OperatingPoint, Roc, points_at, roc, tar_name

RESAMPLES = 1000


@dataclass(frozen=True)
class VerificationScores:
    """What one model scored on pairs.

    Attributes:
        accuracy: by folds; `accuracy_interval` is the (low, high) of its mean.
        equal_error: over all pairs; `equal_error_interval` is the (low, high) of its rate.
        points: by FAR asked for.
        roc: the whole curve.
        resampled: float64 (R,), accuracy on each resample, for `compare_pairs`.
        same, folds, seed: what the resamples were drawn from.
    """

    accuracy: FoldAccuracy
    accuracy_interval: tuple[float, float]
    equal_error: EqualError
    equal_error_interval: tuple[float, float]
    points: dict[float, OperatingPoint]
    roc: Roc = field(repr=False)
    resampled: np.ndarray = field(repr=False)
    same: np.ndarray = field(repr=False)
    folds: np.ndarray = field(repr=False)
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`, `folds`, `fars`,
        `equal_error`. Plain JSON; counts and thresholds stand beside each rate."""
        metrics = {"accuracy": self.accuracy.mean, "eer": self.equal_error.rate}
        intervals = {"accuracy": list(self.accuracy_interval), "eer": list(self.equal_error_interval)}
        for far, point in self.points.items():
            metrics[tar_name(far)] = point.tar
            if point.tar_interval is not None:
                intervals[tar_name(far)] = list(point.tar_interval)
        return {
            "metrics": metrics,
            "intervals": intervals,
            "counts": {"pairs": len(self.same), "genuine": self.roc.genuine, "impostors": self.roc.impostors},
            "folds": {
                "standard_deviation": self.accuracy.standard_deviation,
                "standard_error": self.accuracy.standard_error,
                "folds": list(self.accuracy.folds),
                "accuracies": self.accuracy.accuracies.tolist(),
                "thresholds": self.accuracy.thresholds.tolist(),
                "pairs": self.accuracy.pairs.tolist(),
            },
            "fars": {f"{far:g}": point.to_dict() for far, point in self.points.items()},
            "equal_error": self.equal_error.to_dict(),
        }


def evaluate_pairs(
    scores: np.ndarray,
    same: np.ndarray,
    folds: np.ndarray,
    *,
    fars: Sequence[float],
    seed: int,
    resamples: int = RESAMPLES,
) -> VerificationScores:
    """Score one model's pairs.

    Args:
        scores: float (P,), larger for more alike, such as cosines.
        same: bool (P,), whether a pair shows one person.
        folds: int (P,), the fold of each pair.
        fars: false accept rates for which TAR is wanted.
        seed: of the resamples; models to be compared need the same.

    Raises:
        DistillError: shapes do not fit, a score is not finite, a FAR is below one impostor pair, there are less than
            two folds, or some folds leave the others no genuine or no impostor pair.
    """
    accuracy = fold_accuracy(scores, same, folds)
    curve = roc(scores[same], scores[~same])
    points = points_at(curve, fars)
    order = np.argsort(-scores, kind="stable")
    falling, genuine = scores[order], same[order]
    cuts = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    membership = folds[:, None] == np.array(accuracy.folds)

    def statistics(counts: np.ndarray) -> np.ndarray:
        weights = counts.astype(np.float64)
        total, right = weights @ membership, weights @ (membership & accuracy.correct[:, None])
        shares = np.where(total > 0, right / np.maximum(total, 1), np.nan)
        return np.column_stack((np.nanmean(shares, axis=1), _equal_errors(counts[:, order], genuine, cuts)))

    values = bootstrap(statistics, len(scores), seed=seed, resamples=resamples)
    intervals = percentile_interval(values)
    equal_error = curve.equal_error()
    # Draws of pairs that are all right are all alike: they say nothing of the next pair.
    all_right, no_error = accuracy.mean == 1, equal_error.rate == 0
    return VerificationScores(
        accuracy=accuracy,
        accuracy_interval=wilson_interval(len(scores), len(scores)) if all_right else low_high(intervals[:, 0]),
        equal_error=equal_error,
        equal_error_interval=wilson_interval(0, min(curve.genuine, curve.impostors))
        if no_error
        else low_high(intervals[:, 1]),
        points=points,
        roc=curve,
        resampled=values[:, 0],
        same=same,
        folds=folds,
        seed=seed,
    )


def compare_pairs(student: VerificationScores, teacher: VerificationScores) -> Difference:
    """The paired difference of accuracy, student minus teacher.

    Raises:
        DistillError: the two were not scored on the same pairs under the same seed.
    """
    same = (
        student.seed == teacher.seed
        and len(student.resampled) == len(teacher.resampled)
        and np.array_equal(student.same, teacher.same)
        and np.array_equal(student.folds, teacher.folds)
    )
    check_paired(same, "pairs, folds")
    return Difference(
        "accuracy",
        student.accuracy.mean - teacher.accuracy.mean,
        low_high(percentile_interval(student.resampled - teacher.resampled)),
    )


def _equal_errors(counts: np.ndarray, genuine: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Equal error rates (B,) of pairs that count `counts` (B, P) times, NaN where a draw lacks either kind.

    Args:
        counts, genuine: by falling score, (B, P) and bool (P,). cuts: rows of the last of equal scores.
    """
    true = (counts * genuine).cumsum(axis=1, dtype=np.int64)[:, cuts]
    false = (counts * ~genuine).cumsum(axis=1, dtype=np.int64)[:, cuts]
    # the threshold above all scores accepts nothing
    true, false = (np.pad(accepts, ((0, 0), (1, 0))) for accepts in (true, false))
    positives, negatives = true[:, -1:], false[:, -1:]
    gaps = np.abs(false * positives - (positives - true) * negatives)
    index = gaps.argmin(axis=1)[:, None]
    far = np.take_along_axis(false, index, axis=1) / np.maximum(negatives, 1)
    tar = np.take_along_axis(true, index, axis=1) / np.maximum(positives, 1)
    return np.where((positives > 0) & (negatives > 0), (far + 1 - tar) / 2, np.nan)[:, 0]
