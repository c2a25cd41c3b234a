"""Scores of guesses where photographs were taken, with their intervals, and the paired difference of two models.

Shapes: N pictures, R resamples, B resamples of one block.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.bootstrap import bootstrap, low_high, percentile_interval
from distill.evaluation.difference import Difference, check_paired
from distill.evaluation.great_circle import RADII, great_circle
from distill.evaluation.intervals import wilson_interval

WITHIN = tuple(f"within {radius} km" for radius in RADII)
CHIEF, MEDIAN = WITHIN[3], "median error, km"
METRICS = (CHIEF, *(name for name in WITHIN if name != CHIEF), MEDIAN)
"""In their order; the last is the only one of which less is better."""


@dataclass(frozen=True)
class PlaceScores:
    """How far one model's guesses are off.

    Attributes:
        kilometres: float64 (N,).
        metrics: those of `METRICS` by name: shares of the guesses, and the median of their distances.
        intervals: (low, high) of each.
        resampled: float64 (R,), the first metric on each resample, for `compare_places`.
        truths, seed: what the resamples were drawn from; degrees (N, 2).
    """

    kilometres: np.ndarray = field(repr=False)
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    resampled: np.ndarray = field(repr=False)
    truths: np.ndarray = field(repr=False)
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`."""
        return {
            "metrics": dict(self.metrics),
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "counts": {"pictures": len(self.kilometres)},
        }


def evaluate_places(guesses: np.ndarray, truths: np.ndarray, *, seed: int, resamples: int) -> PlaceScores:
    """Score one model's guesses.

    Args:
        guesses, truths: degrees (N, 2), latitude and longitude.
        seed: of the resamples; models to be compared need the same.

    Raises:
        DistillError: there is none, their numbers differ, or one is no place.
    """
    if guesses.shape != truths.shape or guesses.ndim != 2 or guesses.shape[1:] != (2,) or not len(guesses):
        raise DistillError(f"evaluation: guesses are {guesses.shape}, truths {truths.shape}; expected (N, 2) of both.")
    if not (np.isfinite(guesses).all() and np.isfinite(truths).all()):
        raise DistillError("evaluation: a guess or a true place is NaN or infinity; expected degrees.")
    kilometres = great_circle(guesses, truths)
    inside = kilometres[:, None] <= np.array([float(name.split()[1]) for name in METRICS[:-1]])
    order = np.argsort(kilometres, kind="stable")

    def statistics(counts: np.ndarray) -> np.ndarray:
        """(B, N) to (B, 6): the metrics in the order of `METRICS`."""
        shares = counts @ inside / len(kilometres)
        return np.column_stack([shares, _medians(kilometres[order], counts[:, order])])

    values = statistics(np.ones((1, len(kilometres)), np.int32))[0]
    draws = bootstrap(statistics, len(kilometres), seed=seed, resamples=resamples)
    return PlaceScores(
        kilometres=kilometres,
        metrics={name: float(value) for name, value in zip(METRICS, values, strict=True)},
        intervals={name: _interval(name, draws[:, k], values[k], len(kilometres)) for k, name in enumerate(METRICS)},
        resampled=draws[:, 0],
        truths=truths,
        seed=seed,
    )


def compare_places(student: PlaceScores, teacher: PlaceScores) -> Difference:
    """The paired difference of the share within 750 km, student minus teacher.

    Raises:
        DistillError: the two were not scored on the same pictures under the same seed.
    """
    same = (
        student.seed == teacher.seed
        and len(student.resampled) == len(teacher.resampled)
        and np.array_equal(student.truths, teacher.truths)
    )
    check_paired(same, "pictures")
    interval = low_high(percentile_interval(student.resampled - teacher.resampled))
    return Difference(CHIEF, student.metrics[CHIEF] - teacher.metrics[CHIEF], interval)


def best_constant(candidates: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """The share within each radius of the best of one and the same guess for every picture: what a model that sees
    nothing has.

    Args:
        candidates: degrees (P, 2), among which to choose, for each radius anew.
        truths: degrees (N, 2).
    """
    radii, best = np.array([float(radius) for radius in RADII]), np.zeros(len(RADII))
    for candidate in candidates:
        best = np.maximum(best, (great_circle(candidate, truths)[:, None] <= radii).mean(axis=0))
    return dict(zip(WITHIN, map(float, best), strict=True))


def radii_held(
    probabilities: np.ndarray, kilometres: np.ndarray, share: float = 0.9, bins: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """How far a guess is off, by how sure it is: in groups of equal numbers, the distance that `share` of them kept.

    Args:
        probabilities, kilometres: (N,), of each guess.

    Returns:
        float64 (b,) and (b,): from which probability on a guess is of a group, least first, and the group's distance.
    """
    groups = np.array_split(np.argsort(probabilities, kind="stable"), max(1, min(bins, len(probabilities) // 10)))
    starts = [float(probabilities[group[0]]) for group in groups]
    held = [float(np.quantile(kilometres[group], share, method="higher")) for group in groups]
    return np.array([0.0, *starts[1:]]), np.array(held)


def _medians(ordered: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(B,): of values (N,), least first, each drawn so often (B, N), the middle one, or the mean of the middle two."""
    reached, half = counts.cumsum(axis=1), counts.sum(axis=1, keepdims=True) / 2
    return np.asarray((ordered[(reached >= half).argmax(axis=1)] + ordered[(reached > half).argmax(axis=1)]) / 2)


def _interval(metric: str, draws: np.ndarray, value: float, pictures: int) -> tuple[float, float]:
    # Draws of pictures that are all inside, or all outside, are all alike: they say nothing of the next one.
    if metric != MEDIAN and value in (0, 1):
        return wilson_interval(round(value * pictures), pictures)
    return low_high(percentile_interval(draws))
