"""Wilson's interval for a share: what k of n says about the rate behind it, where cases count as independent.

Unlike the normal approximation it stays inside 0..1 and does not shrink to a point at k = 0 or k = n, where rates of a
good verifier often lie (Wilson 1927).
"""

import math
from collections.abc import Sequence

# two-sided 95 %
Z = 1.959963984540054


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Low and high end of the 95 % interval of successes / trials; trials at least 1."""
    share, spread = successes / trials, Z * Z / trials
    centre = share + spread / 2
    half = Z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    # the ends are exactly 0 and 1 at k = 0 and k = n; rounding would leave them a little outside
    low = 0.0 if successes == 0 else (centre - half) / (1 + spread)
    high = 1.0 if successes == trials else (centre + half) / (1 + spread)
    return low, high


def wilson_of_mean(successes: Sequence[int], trials: Sequence[int]) -> tuple[float, float]:
    """The same of the mean of several shares: the means of their ends, wide enough for shares that err together."""
    ends = [wilson_interval(right, among) for right, among in zip(successes, trials, strict=True)]
    low, high = (sum(end) / len(ends) for end in zip(*ends, strict=True))
    return low, high
