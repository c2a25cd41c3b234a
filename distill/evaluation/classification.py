"""Scores of classes that exclude each other, with their intervals, and the paired difference of two models.

Shapes: N pictures, C classes, R resamples, B resamples of one block.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.average_precision import Ranking, average_precisions, rank
from distill.evaluation.bootstrap import (
    LARGE_BLOCK,
    bootstrap,
    by_blocks,
    low_high,
    mean_over_measured,
    percentile_interval,
    precision_interval,
)
from distill.evaluation.calibration import CalibrationCurve, calibrate, expected_calibration_error
from distill.evaluation.confusion import confusion_matrix
from distill.evaluation.difference import Difference, check_paired
from distill.evaluation.inputs import UNKNOWN, check_finite
from distill.evaluation.intervals import wilson_interval, wilson_of_mean

TOP_1, MEAN_CLASS = "top-1", "mean class accuracy"
METRICS = (TOP_1, "top-5", MEAN_CLASS, "mAP", "calibration error")
"""The last is the only one of which less is better."""
_TOGETHER = 64  # classes that are sorted at a time


@dataclass(frozen=True)
class ClassificationScores:
    """What one model scored on labelled pictures.

    Attributes:
        classes: C names.
        metrics: those of `METRICS` by name: top-1 and, of more than five classes, top-5; the mean over the classes of
            the accuracy on each; the mean of their average precisions; the expected calibration error.
        intervals: (low, high) of each.
        average_precision: float64 (C,), NaN where a class has no picture, or all of them.
        confusion: int64 (C, C), pictures of the row's class that the column's was answered to.
        calibration: bins of confidence.
        unmeasured: names of the classes no picture shows, which are left out of every mean.
        resampled: float64 (R,), top-1 on each resample, for `compare_classification`.
        truths: int64 (N,), the class of each picture, and `seed`: what the resamples were drawn from.
    """

    classes: tuple[str, ...]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    average_precision: np.ndarray
    confusion: np.ndarray
    calibration: CalibrationCurve
    unmeasured: tuple[str, ...]
    resampled: np.ndarray = field(repr=False)
    truths: np.ndarray = field(repr=False)
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`, `per_class`,
        `unmeasured`. Plain JSON: a class that cannot be measured is named, and has no number."""
        pictures = self.confusion.sum(axis=1)
        right = self.confusion.diagonal()
        per_class = {
            name: {
                "accuracy": float(right[c] / pictures[c]),
                "interval": list(wilson_interval(int(right[c]), int(pictures[c]))),
                "ap": None if np.isnan(self.average_precision[c]) else float(self.average_precision[c]),
                "pictures": int(pictures[c]),
            }
            for c, name in enumerate(self.classes)
            if pictures[c]
        }
        return {
            "metrics": dict(self.metrics),
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "counts": {"pictures": len(self.truths), "classes": len(per_class)},
            "per_class": per_class,
            "unmeasured": list(self.unmeasured),
        }


def _some(classes: np.ndarray) -> list[np.ndarray]:
    return np.array_split(classes, max(1, -(-len(classes) // _TOGETHER)))


def _rankings(scores: np.ndarray, labels: np.ndarray) -> list[Ranking]:
    """Of each class of a few, float and int8 (N, c): columns that lie together in memory are sorted sooner."""
    columns = np.ascontiguousarray(scores.T), np.ascontiguousarray(labels.T)
    return [rank(*pair) for pair in zip(*columns, strict=True)]


def evaluate_classification(
    probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str], *, seed: int, resamples: int
) -> ClassificationScores:
    """Score one model's outputs.

    Of equal probabilities the class that comes first is the answer. A resample that drew no picture of a class leaves
    it out of that resample's means.

    Args:
        probabilities: float (N, C), rows that sum to one.
        labels: int8 (N, C), one 1 a row, all else 0.
        seed: of the resamples; models to be compared need the same.

    Raises:
        DistillError: a value is no probability, a label not of one class, or the shapes do not fit.
    """
    check_finite(probabilities, classes)
    truths = truths_of(labels)
    if labels.shape != probabilities.shape or (truths == UNKNOWN).any():
        raise DistillError(
            f"evaluation: answers are {probabilities.shape} and labels {labels.shape}, of which "
            f"{int((truths == UNKNOWN).sum())} rows are unknown; expected the class of every picture."
        )
    if probabilities.min() < 0 or probabilities.max() > 1 + 1e-5:
        raise DistillError(
            f"evaluation: values from {probabilities.min():.3g} to {probabilities.max():.3g}, expected probabilities, "
            "0..1. Apply the softmax."
        )
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64).clip(max=1)
    right, among_five = answers == truths, _places(probabilities, truths) < 5
    shown, of_shown = np.unique(truths, return_inverse=True)
    rankings = [ranking for some in _some(shown) for ranking in _rankings(probabilities[:, some], labels[:, some])]

    def statistics(counts: np.ndarray) -> np.ndarray:
        """(B, N) to (B, 5): the metrics in the order of `METRICS`."""
        drawn, correct = (
            np.stack([np.bincount(of_shown, row, len(shown)) for row in some]) for some in (counts, counts * right)
        )
        accuracy = np.divide(correct, drawn, out=np.full_like(drawn, np.nan), where=drawn > 0)
        weights = counts.astype(np.float64)
        return np.stack(
            [
                weights @ right / len(truths),
                weights @ among_five / len(truths),
                mean_over_measured(accuracy),
                mean_over_measured(average_precisions(rankings, counts)),
                by_blocks(lambda some: expected_calibration_error(confidence, right, some), counts),
            ],
            axis=1,
        )

    once = np.ones((1, len(truths)), np.int32)
    values = statistics(once)[0]
    precisions = np.full(len(classes), np.nan)
    precisions[shown] = average_precisions(rankings, once)[0]
    draws = bootstrap(statistics, len(truths), seed=seed, resamples=resamples, block=LARGE_BLOCK)
    # Drawing adds noise to each bin's gap, and gaps have no sign to cancel by: the draws lie above the value.
    draws[:, -1] = (draws[:, -1] - draws[:, -1].mean() + values[-1]).clip(min=0)
    # Of five classes all are among the first five; of one class alone shown, none can be ranked wrongly.
    kept = [name != "top-5" or len(classes) > 5 for name in METRICS]
    measured = np.flatnonzero(kept & ~np.isnan(values))
    confusion = confusion_matrix(truths, answers, len(classes))
    pictures = confusion.sum(axis=1)
    return ClassificationScores(
        classes=tuple(classes),
        metrics={METRICS[k]: float(values[k]) for k in measured},
        intervals={METRICS[k]: _interval(METRICS[k], draws[:, k], values[k], pictures[pictures > 0]) for k in measured},
        average_precision=precisions,
        confusion=confusion,
        calibration=calibrate(confidence, right),
        unmeasured=tuple(name for name, count in zip(classes, pictures, strict=True) if not count),
        resampled=draws[:, 0],
        truths=truths,
        seed=seed,
    )


def _places(probabilities: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """int64 (N,): how many classes come before the true one, the first of equal ones first."""
    own = np.take_along_axis(probabilities, truths[:, None], axis=1)
    before = np.arange(probabilities.shape[1]) < truths[:, None]
    return (probabilities > own).sum(axis=1) + ((probabilities == own) & before).sum(axis=1)


def truths_of(labels: np.ndarray) -> np.ndarray:
    """The class of each picture: labels (N, C) to int64 (N,), -1 where it is unknown.

    Raises:
        DistillError: a row is neither of one class nor unknown throughout.
    """
    known = (labels == 1).sum(axis=1) == 1
    strange = ~(known & ((labels == 0).sum(axis=1) == labels.shape[1] - 1)) & ~(labels == UNKNOWN).all(axis=1)
    if strange.any():
        first = int(strange.argmax())
        raise DistillError(
            f"evaluation: {int(strange.sum())} pictures are not of one class, the first of them number {first} with "
            f"{int((labels[first] == 1).sum())} of {labels.shape[1]} present; expected one 1 and else 0, or -1 "
            "throughout."
        )
    return np.where(known, labels.argmax(axis=1), UNKNOWN)


def compare_classification(student: ClassificationScores, teacher: ClassificationScores) -> Difference:
    """The paired difference of top-1, student minus teacher.

    Raises:
        DistillError: the two were not scored on the same pictures under the same seed.
    """
    same = (
        student.classes == teacher.classes
        and student.seed == teacher.seed
        and len(student.resampled) == len(teacher.resampled)
        and np.array_equal(student.truths, teacher.truths)
    )
    check_paired(same, "pictures, classes")
    interval = low_high(percentile_interval(student.resampled - teacher.resampled))
    return Difference(TOP_1, student.metrics[TOP_1] - teacher.metrics[TOP_1], interval)


def _interval(metric: str, draws: np.ndarray, value: float, pictures: np.ndarray) -> tuple[float, float]:
    """Of pictures (C',), those of each class that is shown."""
    if metric == "mAP":
        return low_high(precision_interval(draws, value))
    if value not in (0, 1) or metric == METRICS[-1]:
        return low_high(percentile_interval(draws))
    # Draws of pictures that are all right, or all wrong, are all alike: they say nothing of the next one.
    trials = pictures.tolist() if metric == MEAN_CLASS else [int(pictures.sum())]
    return wilson_of_mean([round(value * count) for count in trials], trials)
