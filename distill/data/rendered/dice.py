"""Uniform numbers for what is rendered: a picture's own, whatever is drawn beside it.

Shapes: N pictures.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.data.views.philox import philox4x32, uniform


class Dice:
    """Numbers that depend only on (seed, stream, counter) and on how many were asked for before.

    Args:
        seed: 0 to 2**63 - 1.
        stream: what they are for; each stream has numbers of its own.
        counters: int64 (N,), not negative.
        draws: how many may be asked for; a multiple of 4. The numbers themselves do not depend on it.
    """

    def __init__(self, seed: int, stream: int, counters: NDArray[np.int64], draws: int) -> None:
        counter = np.empty((len(counters), draws // 4, 4), dtype=np.uint32)
        counter[..., 0] = (counters & 0xFFFFFFFF)[:, None]
        counter[..., 1] = (counters >> 32)[:, None]
        counter[..., 2] = np.arange(draws // 4)
        counter[..., 3] = stream
        key = np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint32)
        self._columns = iter(uniform(philox4x32(counter, key)).reshape(-1, draws).T)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> NDArray[np.floating[Any]]:
        """(N,) between low and high."""
        return (low + (high - low) * next(self._columns)).astype(np.float32)

    def chance(self, probability: NDArray[np.float64] | float) -> NDArray[np.bool_]:
        """(N,) true with the probability given, alone or (N,)."""
        return next(self._columns) < probability
