"""Bootstrap intervals: how far a score would move had other pictures been drawn.

Pictures are drawn with replacement, as many as there are, R times; a score is recomputed on each draw, and the middle
95 % of its values is the interval (Efron's percentile bootstrap). Two models scored under one seed see the same draws,
so the differences of their values draw by draw give the interval of the *paired* difference, in which the
difficulty of the pictures cancels.

Pictures count as independent. Several pictures of one person are not quite, and make the true interval a little wider.

Shapes: N pictures, C classes, R resamples, B resamples of one block, K statistics.
"""

from collections.abc import Callable

import numpy as np

CONFIDENCE = 0.95
# A block of 16 resamples of 20,000 pictures is about a megabyte, small enough to stay in the cache.
BLOCK = 16
LARGE_BLOCK = 8 * BLOCK
"""For statistics that take one step a picture, whatever the resamples are that it is taken for."""


def bootstrap(
    statistics: Callable[[np.ndarray], np.ndarray], pictures: int, *, seed: int, resamples: int, block: int = BLOCK
) -> np.ndarray:
    """Values of some statistics on resampled pictures.

    Args:
        statistics: from how often each picture was drawn, int32 (B, N), to values (B, K).
        pictures: N.
        seed: of the draws; equal seeds and N give equal draws.
        block: B at most; the draws do not depend on it.

    Returns:
        float64 (R, K).
    """
    generator = np.random.Generator(np.random.Philox(seed))
    blocks = []
    for start in range(0, resamples, block):
        drawn = generator.integers(0, pictures, size=(min(block, resamples - start), pictures))
        counts = np.stack([np.bincount(row, minlength=pictures) for row in drawn]).astype(np.int32)
        blocks.append(statistics(counts))
    return np.concatenate(blocks)


def by_blocks(sums: Callable[..., np.ndarray], *rows: np.ndarray) -> np.ndarray:
    """A function of rows (B, ...) to (B,), in blocks of `BLOCK`.

    Sums of fractions depend in their last bit on how many are taken at once: so they are the same in any block.
    """
    starts = range(0, len(rows[0]), BLOCK)
    return np.concatenate([sums(*(some[start : start + BLOCK] for some in rows)) for start in starts])


def percentile_interval(values: np.ndarray) -> np.ndarray:
    """The middle 95 % of resampled values (R, ...) as (2, ...): low, high.

    A resample that cannot be measured (NaN: it drew no positive of the class) is left out. With few positives these
    are many, and the interval then speaks of draws that hold at least one.
    """
    tail = (1 - CONFIDENCE) / 2
    return np.nanquantile(values, (tail, 1 - tail), axis=0)


def precision_interval(values: np.ndarray, score: np.ndarray | float, lowest: float = 0.0) -> np.ndarray:
    """The interval of an average precision, of their mean, or of the difference of two models' (which can be as low as
    -1), from resampled values (R, ...) as (2, ...): low, high.

    Fewer different pictures rank better: draws, in which some are missing and others double, lie above the score by
    what the score itself, of pictures that are not all there are, lies above the precision of all: the more, the less
    precise the model, so that differences lie off as well. Both are taken off the middle 95 %, which is then stretched
    to hold the score.
    """
    flattered = np.nanmean(values, axis=0) - score
    low, high = percentile_interval(values) - 2 * flattered
    return np.stack([np.minimum(low, score).clip(min=lowest), np.maximum(high.clip(max=1), score)])


def low_high(interval: np.ndarray) -> tuple[float, float]:
    """One interval of those above, (2,), as plain numbers."""
    low, high = interval
    return float(low), float(high)


def mean_over_measured(values: np.ndarray) -> np.ndarray:
    """Row means of (R, C) without the NaNs, NaN where a row holds nothing else."""
    measured = ~np.isnan(values)
    count = measured.sum(axis=1)
    total = np.where(measured, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
