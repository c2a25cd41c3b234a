"""COCO's twelve scores of detected boxes, with their intervals, and the paired difference of two models.

Shapes: N pictures, C classes, R resamples, B resamples of one block, K = 12 scores.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

from distill.evaluation.bootstrap import (
    bootstrap,
    low_high,
    mean_over_measured,
    percentile_interval,
    precision_interval,
)
from distill.evaluation.boxes.boxes import TrueBoxes
from distill.evaluation.boxes.matching import MOST, SIZES, THRESHOLDS, Matches
from distill.evaluation.boxes.precision import Ranking, weighed
from distill.evaluation.difference import Difference, check_paired

AP, AP_50 = "AP", "AP50"
_THREADS = 4
_PARTS = tuple(SIZES)[1:]
METRICS = (
    *(AP, AP_50, "AP75", *(f"AP {size}" for size in _PARTS)),
    *("AR@1", "AR@10", f"AR@{MOST}", *(f"AR {size}" for size in _PARTS)),
)
"""COCO's, in its order: average precision (the mean of IoU 0.5 to 0.95, at 0.5, at 0.75, by size) and average recall
(of the first detections of a class in a picture, by size)."""


@dataclass(frozen=True)
class BoxScores:
    """What one model scored on pictures with boxes.

    Attributes:
        classes: C names.
        metrics: those of `METRICS` by name, means over the classes that have a box of the size in question; a score
            of a size of which there is no box is not there.
        intervals: (low, high) of each.
        counts: `pictures`, `boxes` to be found, `ignored` boxes, `detections`, `classes` that have a box.
        by_class: of each class that has a box its `ap`, its `interval`, its `ap50` and its number of `boxes`.
        unmeasured: names of the classes, and of the sizes, of which there is no box.
        resampled: from a metric to its values on the resamples, float64 (R,), for `compare_boxes`.
        labelled: the boxes that are there, and `seed`: what the resamples were drawn from.
    """

    classes: tuple[str, ...]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    counts: dict[str, int]
    by_class: dict[str, dict[str, Any]]
    unmeasured: tuple[str, ...]
    resampled: dict[str, np.ndarray] = field(repr=False)
    labelled: TrueBoxes = field(repr=False)
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`, `per_class`,
        `unmeasured`. Plain JSON."""
        return {
            "metrics": dict(self.metrics),
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "counts": dict(self.counts),
            "per_class": {name: dict(entry) for name, entry in self.by_class.items()},
            "unmeasured": list(self.unmeasured),
        }


def evaluate_boxes(matches: Matches, *, seed: int, resamples: int) -> BoxScores:
    """Score what one model detected.

    A resample that drew no box of a class leaves it out of that resample's means.

    Args:
        seed: of the resamples; models to be compared need the same.
    """
    numbers, pictures = range(len(matches.classes)), matches.truths.shape[2]
    rankings = [[Ranking.of(matches, number, size) for size in range(len(SIZES))] for number in numbers]

    # Most of the work is numpy's, which lets other threads run meanwhile.
    with ThreadPoolExecutor(_THREADS) as pool:

        def statistics(counts: np.ndarray) -> np.ndarray:
            """(B, N) to (B, C, K), NaN where a class has no box."""
            return np.stack(list(pool.map(_of_class, rankings, repeat(weighed(counts)))), axis=1)

        values = statistics(np.ones((1, pictures), np.int32))
        draws = bootstrap(statistics, pictures, seed=seed, resamples=resamples)
    means = {name: float(mean_over_measured(values[:, :, k])[0]) for k, name in enumerate(METRICS)}
    metrics = {name: value for name, value in means.items() if not np.isnan(value)}
    resampled = {name: mean_over_measured(draws[:, :, k]) for k, name in enumerate(METRICS) if name in metrics}
    boxes = matches.truths.sum(axis=2)
    measured = [number for number in numbers if boxes[0, number]]
    labelled = matches.labelled
    return BoxScores(
        classes=matches.classes,
        metrics=metrics,
        intervals={name: _interval(name, resampled[name], value) for name, value in metrics.items()},
        counts={
            "pictures": pictures,
            "boxes": int(boxes[0].sum()),
            "ignored": int(labelled.ignored.astype(bool).sum()),
            "detections": len(matches.detected.boxes),
            "classes": len(measured),
        },
        by_class={
            matches.classes[number]: {
                "ap": float(values[0, number, 0]),
                "interval": list(_interval(AP, draws[:, number, 0], values[0, number, 0])),
                "ap50": float(values[0, number, 1]),
                "boxes": int(boxes[0, number]),
            }
            for number in measured
        },
        unmeasured=(
            *(name for number, name in enumerate(matches.classes) if not boxes[0, number]),
            *(size for size, count in zip(SIZES, boxes.sum(axis=1), strict=True) if not count),
        ),
        resampled=resampled,
        labelled=labelled,
        seed=seed,
    )


def _of_class(sizes: list[Ranking], weights: np.ndarray) -> np.ndarray:
    """(B, K): the scores of one class."""
    whole = sizes[0]
    curves = [ranking.curve(weights) for ranking in sizes]
    precisions = curves[0].precision.mean(axis=2)
    recalls = [*(whole.recall(weights, most) for most in (1, 10)), *(curve.recall for curve in curves)]
    return np.stack(
        [
            precisions.mean(axis=1),
            *(precisions[:, int(np.searchsorted(THRESHOLDS, threshold))] for threshold in (0.5, 0.75)),
            *(curve.precision.mean(axis=(1, 2)) for curve in curves[1:]),
            *(recall.mean(axis=1) for recall in recalls),
        ],
        axis=1,
    )


def _interval(metric: str, draws: np.ndarray, value: float, lowest: float = 0.0) -> tuple[float, float]:
    return low_high(precision_interval(draws, value, lowest) if metric.startswith(AP) else percentile_interval(draws))


def compare_boxes(student: BoxScores, teacher: BoxScores, metric: str = AP) -> Difference:
    """The paired difference of one of the metrics, student minus teacher.

    Raises:
        DistillError: the two were not scored on the same pictures under the same seed.
    """
    same = (
        student.classes == teacher.classes
        and student.seed == teacher.seed
        and len(student.resampled[metric]) == len(teacher.resampled[metric])
        and student.labelled.same(teacher.labelled)
    )
    check_paired(same, "pictures, boxes")
    difference = student.metrics[metric] - teacher.metrics[metric]
    draws = student.resampled[metric] - teacher.resampled[metric]
    return Difference(metric, difference, _interval(metric, draws, difference, lowest=-1.0))
