"""Multi-attribute scores of one model, with their intervals, and the paired difference of two.

Shapes: N pictures, C attributes, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill.evaluation.average_precision import average_precisions, mean_average_precision, rank
from distill.evaluation.bootstrap import (
    LARGE_BLOCK,
    bootstrap,
    low_high,
    mean_over_measured,
    percentile_interval,
    precision_interval,
)
from distill.evaluation.difference import Difference, check_paired
from distill.evaluation.inputs import UNKNOWN, check_finite, check_labels
from distill.evaluation.intervals import wilson_of_mean

RESAMPLES = 1000
_COLUMNS = 256  # attributes whose decisions are numbers at a time, of 8 bytes each


@dataclass(frozen=True)
class AttributeScores:
    """What one model scored on labelled pictures.

    Attributes:
        classes: C names.
        average_precision: float64 (C,), NaN where an attribute has no positive or no negative.
        class_intervals: float64 (2, C), low and high, NaN alike.
        positives, negatives: int (C,).
        unmeasured: names of the attributes left out of every mean.
        mean_average_precision: mAP over the measured attributes; `interval` is its (low, high).
        accuracy: share of right decisions at the thresholds given, mean over the measured attributes; None without.
        accuracy_interval: (low, high) of it.
        resampled: float64 (R,), mAP on each resample, for `compare_attributes`.
        labels, seed: what the resamples were drawn from.
    """

    classes: tuple[str, ...]
    average_precision: np.ndarray
    class_intervals: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray
    unmeasured: tuple[str, ...]
    mean_average_precision: float
    interval: tuple[float, float]
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    resampled: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`, `per_class`,
        `unmeasured`. Plain JSON: an attribute that cannot be measured is named, and has no number."""
        metrics = {"mAP": self.mean_average_precision}
        intervals = {"mAP": list(self.interval)}
        if self.accuracy is not None and self.accuracy_interval is not None:
            metrics["accuracy"] = self.accuracy
            intervals["accuracy"] = list(self.accuracy_interval)
        per_class = {
            name: {
                "ap": float(self.average_precision[c]),
                "interval": self.class_intervals[:, c].tolist(),
                "positives": int(self.positives[c]),
                "negatives": int(self.negatives[c]),
            }
            for c, name in enumerate(self.classes)
            if name not in self.unmeasured
        }
        positives = dict(zip(self.classes, self.positives.tolist(), strict=True))
        return {
            "metrics": metrics,
            "intervals": intervals,
            "counts": {"pictures": len(self.labels), "positives": positives},
            "per_class": per_class,
            "unmeasured": list(self.unmeasured),
        }


def evaluate_attributes(
    scores: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    thresholds: np.ndarray | None = None,
) -> AttributeScores:
    """Score one model's outputs.

    A resample that drew no positive (or no negative) of an attribute leaves it out of that resample's mAP.

    Args:
        scores: float (N, C); probabilities where thresholds are given, else any monotone score.
        labels: int8 (N, C): 1 present, 0 absent, -1 unknown; left out per attribute.
        seed: of the resamples; models to be compared need the same.
        thresholds: (C,) chosen on other pictures; accuracy is measured only with them.

    Raises:
        DistillError: a score is not finite, the shapes do not fit, or no attribute can be measured.
    """
    check_finite(scores, classes)
    check_labels(labels, scores)
    rankings = [rank(scores[:, c], labels[:, c]) for c in range(len(classes))]
    measured = np.array([ranking.measurable for ranking in rankings])
    known = labels[:, measured] != UNKNOWN
    if thresholds is None:
        right = np.zeros((len(scores), 0), bool)
    else:
        right = ((scores >= thresholds) == (labels == 1))[:, measured] & known

    def statistics(counts: np.ndarray) -> np.ndarray:
        """(B, N) to (B, C + 1): AP of each attribute, then accuracy."""
        return np.column_stack([average_precisions(rankings, counts), _accuracy(right, known, counts)])

    values = statistics(np.ones((1, len(scores)), dtype=np.int32))[0]
    mean, unmeasured = mean_average_precision(values[:-1], classes)
    samples = bootstrap(statistics, len(scores), seed=seed, resamples=resamples, block=LARGE_BLOCK)
    resampled = mean_over_measured(samples[:, :-1])
    class_intervals = np.full((2, len(classes)), np.nan)
    class_intervals[:, measured] = precision_interval(samples[:, :-1][:, measured], values[:-1][measured])
    return AttributeScores(
        classes=tuple(classes),
        average_precision=values[:-1],
        class_intervals=class_intervals,
        positives=(labels == 1).sum(axis=0),
        negatives=(labels == 0).sum(axis=0),
        unmeasured=unmeasured,
        mean_average_precision=mean,
        interval=low_high(precision_interval(resampled, mean)),
        accuracy=None if thresholds is None else float(values[-1]),
        accuracy_interval=None if thresholds is None else _accuracy_interval(float(values[-1]), samples[:, -1], known),
        resampled=resampled,
        labels=labels,
        seed=seed,
    )


def compare_attributes(student: AttributeScores, teacher: AttributeScores) -> Difference:
    """The paired difference of mAP, student minus teacher.

    Raises:
        DistillError: the two were not scored on the same labelled pictures under the same seed.
    """
    same = (
        student.classes == teacher.classes
        and student.seed == teacher.seed
        and len(student.resampled) == len(teacher.resampled)
        and np.array_equal(student.labels, teacher.labels)
    )
    check_paired(same, "pictures, labels")
    difference = student.mean_average_precision - teacher.mean_average_precision
    return Difference(
        "mAP", difference, low_high(precision_interval(student.resampled - teacher.resampled, difference, lowest=-1.0))
    )


def _accuracy(right: np.ndarray, known: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over attributes of right over known decisions: bool (N, C') weighted by counts (B, N), to (B,)."""
    if right.shape[1] == 0:
        return np.full(len(counts), np.nan)
    shares = []
    weights = counts.astype(np.float64)
    for start in range(0, right.shape[1], _COLUMNS):
        some = slice(start, start + _COLUMNS)
        total, correct = (weights @ decisions[:, some].astype(np.float64) for decisions in (known, right))
        shares.append(np.where(total > 0, correct / np.maximum(total, 1), np.nan))
    return mean_over_measured(np.concatenate(shares, axis=1))


def _accuracy_interval(accuracy: float, draws: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    if accuracy not in (0, 1):
        return low_high(percentile_interval(draws))
    # Draws of decisions that are all right, or all wrong, are all alike: they say nothing of the next picture.
    trials = known.sum(axis=0).astype(int).tolist()
    return wilson_of_mean([round(accuracy * count) for count in trials], trials)
