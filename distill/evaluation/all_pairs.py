"""Verification over every pair of labelled pictures, without holding their matrix of scores.

Cosines are rounded down to a multiple of `STEP` and counted by value, block by block. The step is what fp32 knows of a
cosine, so nothing measurable is lost; and as thresholds are multiples of it too, the counts at each of them are exact
and a TAR never belongs to a larger FAR than was asked for, as with listed pairs.

Pairs that share a picture are not independent, and there are far more of them than of people. So the interval of TAR is
taken over people drawn with replacement, at the threshold found on all of them. Where all or none are accepted, draws
say nothing, and each person counts as one case of Wilson's interval. FAR, which would need pairs of people, has none.

Shapes: N pictures, D embedding dimensions, I people, T thresholds, R resamples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.bootstrap import bootstrap, low_high, percentile_interval
from distill.evaluation.difference import Difference, check_paired
from distill.evaluation.embeddings import check_identities, unit_embeddings
from distill.evaluation.intervals import wilson_interval
from distill.evaluation.roc import EqualError, OperatingPoint, Roc, points_at, roc_of_counts, tar_name

# A power of two, so that scaling by it and comparing with its multiples are exact.
STEPS = 2**22
STEP = 1 / STEPS
# Rounding can carry a cosine beyond 1, by D * 2^-24 at most: these bins on either side are enough for D = 4096.
BEYOND = 1024
OFFSET = STEPS + BEYOND
# 64 MB of scores and 128 MB of their bins; larger blocks are not faster.
BLOCK = 2**24


@dataclass(frozen=True)
class AllPairsScores:
    """What one model scored on all pairs of labelled pictures.

    Attributes:
        pictures, people: N and I.
        points: by FAR asked for; their TAR interval is over people, their FAR has none.
        equal_error: over all pairs.
        roc: the whole curve, thresholds in multiples of `STEP`.
        resampled: float64 (R, T), TAR at each FAR's threshold on each draw of people, for `compare_all_pairs`.
        identities, seed: what the draws were made from.
    """

    pictures: int
    people: int
    points: dict[float, OperatingPoint]
    equal_error: EqualError
    roc: Roc = field(repr=False)
    resampled: np.ndarray = field(repr=False)
    identities: np.ndarray = field(repr=False)
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`, `fars`,
        `equal_error`."""
        metrics = {"eer": self.equal_error.rate}
        intervals = {}
        for far, point in self.points.items():
            metrics[tar_name(far)] = point.tar
            if point.tar_interval is not None:
                intervals[tar_name(far)] = list(point.tar_interval)
        counts = {
            "pictures": self.pictures,
            "people": self.people,
            "genuine": self.roc.genuine,
            "impostors": self.roc.impostors,
        }
        return {
            "metrics": metrics,
            "intervals": intervals,
            "counts": counts,
            "fars": {f"{far:g}": point.to_dict() for far, point in self.points.items()},
            "equal_error": self.equal_error.to_dict(),
        }


def evaluate_all_pairs(
    embeddings: np.ndarray, identities: np.ndarray, *, fars: Sequence[float], seed: int, resamples: int = 1000
) -> AllPairsScores:
    """Score every pair of different pictures, once.

    Takes N^2 D / 2 multiplications and about 0.6 GB whatever N is.

    Args:
        embeddings: float (N, D) of any length.
        identities: int (N,), the person shown.
        fars: false accept rates for which TAR is wanted.
        seed: of the people drawn for the intervals.

    Raises:
        DistillError: an embedding is zero or not finite, a person unknown, a FAR below one impostor pair, nobody has
            two pictures, or there is but one person.
    """
    unit = unit_embeddings(embeddings).astype(np.float32, copy=False)
    check_identities(identities, unit, "pictures")
    if unit.shape[1] * 2.0**-24 > BEYOND * STEP:
        raise DistillError(f"evaluation: embeddings of {unit.shape[1]} dimensions, expected at most 4096.")
    # person by person, a picture's genuine pairs are those up to the end of its person, its impostor pairs all after
    order = np.argsort(identities, kind="stable")
    unit = unit[order]
    _, first, sizes = np.unique(identities[order], return_index=True, return_counts=True)
    ends = np.repeat(first + sizes, sizes)
    curve = _count(unit, ends)
    points = points_at(curve, fars)
    thresholds = [point.threshold for point in points.values()]
    resampled, intervals = _over_people(unit, ends, sizes, thresholds, seed, resamples)
    return AllPairsScores(
        pictures=len(unit),
        people=len(sizes),
        points={
            far: replace(point, far_interval=None, tar_interval=interval)
            for (far, point), interval in zip(points.items(), intervals, strict=True)
        },
        equal_error=curve.equal_error(),
        roc=curve,
        resampled=resampled,
        identities=identities,
        seed=seed,
    )


def compare_all_pairs(student: AllPairsScores, teacher: AllPairsScores, far: float) -> Difference:
    """The paired difference of TAR, student minus teacher, each at its own threshold for the FAR.

    Raises:
        DistillError: the two were not scored on the same pictures under the same seed, or not at that FAR.
    """
    same = (
        student.seed == teacher.seed
        and student.points.keys() == teacher.points.keys()
        and far in student.points
        and student.resampled.shape == teacher.resampled.shape
        and np.array_equal(student.identities, teacher.identities)
    )
    check_paired(same, f"pictures, FARs ({far:g} must be one of both)")
    column = list(student.points).index(far)
    interval = low_high(percentile_interval(student.resampled[:, column] - teacher.resampled[:, column]))
    return Difference(tar_name(far), student.points[far].tar - teacher.points[far].tar, interval)


def _count(unit: np.ndarray, ends: np.ndarray) -> Roc:
    """Count all pairs by score. Embeddings (N, D) and `ends` (N,), the end of each one's person, person by person."""
    counts = np.zeros((2, 2 * OFFSET), dtype=np.int64)  # genuine, impostors
    for rows, last, bins in _blocks(unit, np.full_like(ends, len(unit))):
        # beyond the last person of these rows all are impostors; before, those up to the end of a row's person are not
        near = ends[last - 1] - rows.start
        columns, own = np.arange(rows.start, rows.start + near), ends[rows][:, None]
        later = columns > np.arange(rows.start, last)[:, None]
        counts[0] += np.bincount(bins[:, :near][later & (columns < own)], minlength=2 * OFFSET)
        counts[1] += np.bincount(bins.ravel(), minlength=2 * OFFSET)
        counts[1] -= np.bincount(bins[:, :near][columns < own], minlength=2 * OFFSET)
    used = np.flatnonzero(counts.any(axis=0))
    values = ((used - OFFSET) * STEP).astype(np.float32)  # exact: a step is what fp32 resolves near 1
    return roc_of_counts(values, counts[0, used], counts[1, used])


def _over_people(
    unit: np.ndarray, ends: np.ndarray, sizes: np.ndarray, thresholds: list[float], seed: int, resamples: int
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """TAR at each threshold over people drawn with replacement, float64 (R, T), and its interval."""
    if not thresholds:
        return np.empty((resamples, 0)), []
    accepted = np.zeros((len(unit), len(thresholds)))  # of a picture's pairs with later ones of its person
    for rows, last, bins in _blocks(unit, ends):
        columns = np.arange(rows.start, rows.start + bins.shape[1])
        pairs = (columns > np.arange(rows.start, last)[:, None]) & (columns < ends[rows][:, None])
        for t, threshold in enumerate(thresholds):
            accepted[rows, t] = np.count_nonzero(pairs & (bins - OFFSET >= threshold * STEPS), axis=1)
    by_person = np.add.reduceat(accepted, np.cumsum(sizes) - sizes, axis=0)
    several = sizes > 1
    by_person, pairs_of = by_person[several], (sizes * (sizes - 1) // 2)[several].astype(np.float64)

    def statistics(counts: np.ndarray) -> np.ndarray:
        weights = counts.astype(np.float64)
        return weights @ by_person / (weights @ pairs_of)[:, None]

    values = bootstrap(statistics, len(pairs_of), seed=seed, resamples=resamples)
    intervals = []
    for share, low, high in zip(by_person.sum(axis=0) / pairs_of.sum(), *percentile_interval(values), strict=True):
        if share in (0, 1):
            low, high = wilson_interval(int(share) * len(pairs_of), len(pairs_of))
        intervals.append((float(low), float(high)))
    return values, intervals


def _blocks(unit: np.ndarray, ends: np.ndarray) -> Iterator[tuple[slice, int, np.ndarray]]:
    """Scores of some rows with the columns from the first of these rows to the end of the last one's.

    Yields:
        the rows as a slice, their end, and int64 (rows, columns), the scores in steps plus `OFFSET`, valid until the
        next are asked for.
    """
    # exact, as the factor is a power of two: products and sums only change their exponents
    scaled = unit * np.float32(STEPS)
    # kept from block to block: fresh memory costs more than the arithmetic
    size = min(max(BLOCK, len(unit)), len(unit) ** 2)
    products, bin_numbers = np.empty(size, np.float32), np.empty(size, np.int64)
    start = 0
    while start < len(unit):
        # a first guess by the columns of the first row, halved until the columns of the last one fit as well
        rows = min(max(BLOCK // int(ends[start] - start), 1), len(unit) - start)
        while rows > 1 and rows * int(ends[start + rows - 1] - start) > BLOCK:
            rows //= 2
        last = start + rows
        shape = (rows, int(ends[last - 1] - start))
        scores, bins = (buffer[: shape[0] * shape[1]].reshape(shape) for buffer in (products, bin_numbers))
        np.matmul(scaled[start:last], unit[start : ends[last - 1]].T, out=scores)
        np.floor(scores, out=scores)
        bins[:] = scores
        bins += OFFSET
        yield slice(start, last), last, bins
        start = last
