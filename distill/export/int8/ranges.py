"""Which range of a tensor its 256 levels cover, from a histogram of what calibration pictures excite.

Wider than it need be, every value is rounded more coarsely; narrower, the largest are cut off.

Shapes: B bins.
"""

from dataclasses import dataclass

import numpy as np

LEVELS = 255
PERCENTILE = 99.99
"""Share of the values that the range covers on each side, in per cent, of method `percentile`."""

_GRID = np.linspace(0.2, 1.0, 17)  # shares of the whole range that are tried on each side

Range = tuple[float, float]


@dataclass(frozen=True)
class Histogram:
    """Values of a tensor.

    Attributes:
        counts: float64 (B,) over equal bins.
        low, high: the smallest and largest value, with zero between them.
    """

    counts: np.ndarray
    low: float
    high: float

    @property
    def centers(self) -> np.ndarray:
        return self.low + (np.arange(len(self.counts)) + 0.5) * self.width

    @property
    def width(self) -> float:
        """Of a bin."""
        return (self.high - self.low) / len(self.counts)


def percentile_range(histogram: Histogram, percentile: float = PERCENTILE) -> Range:
    """The range outside of which a share of the values lies on each side; zero is inside."""
    below = np.cumsum(histogram.counts) / histogram.counts.sum()
    low = histogram.low + histogram.width * np.searchsorted(below, 1 - percentile / 100)
    high = histogram.low + histogram.width * (np.searchsorted(below, percentile / 100) + 1)
    return min(0.0, float(low)), max(0.0, min(float(high), histogram.high))


def least_error_range(histogram: Histogram, slope: float = 1.0) -> Range:
    """The range in which rounding and cutting off make the least squared error.

    Args:
        slope: of the activation below zero, after which the error is measured: 0 for ReLU, 0.1 for a LeakyReLU. Much of
            a convolution's output is negative, and little of that gets through.
    """
    kept = histogram.counts > 0
    values, counts = histogram.centers[kept], histogram.counts[kept]
    best, least = (histogram.low, histogram.high), np.inf
    for low in histogram.low * _GRID if histogram.low < 0 else (0.0,):
        for high in histogram.high * _GRID if histogram.high > 0 else (0.0,):
            if high <= low:
                continue
            step = (high - low) / LEVELS
            zero = np.round(-low / step)
            rounded = (np.clip(np.round(values / step) + zero, 0, LEVELS) - zero) * step
            error = float(counts @ (_activated(rounded, slope) - _activated(values, slope)) ** 2)
            if error < least:
                best, least = (float(low), float(high)), error
    return best


def _activated(values: np.ndarray, slope: float) -> np.ndarray:
    return np.where(values < 0, slope * values, values)
