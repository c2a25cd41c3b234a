"""How long files take, side by side: in turns, so that a busy machine slows all of them alike.

The share of the machine's peak is against what it does best, one large product of float32 matrices (sgemm), in the
same turns.
"""

import math
import statistics
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import torch

K = TypeVar("K", bound=Hashable)

_TURN = 0.02  # seconds a way runs in one turn at least
_SIZE = 768  # of the matrices: large enough for the peak, small enough to take its turn


def turns(ways: Mapping[K, Callable[[], object]], rounds: int) -> dict[K, list[float]]:
    """Seconds of one call of each way, turn by turn.

    Each turn begins with a call that is not timed, for what the others left in the caches.
    """
    times: dict[K, list[float]] = {name: [] for name in ways}
    calls: dict[K, int] = {}
    for name, way in ways.items():
        way()
        started = time.perf_counter()
        way()
        calls[name] = max(1, math.ceil(_TURN / max(time.perf_counter() - started, 1e-6)))
    for _ in range(rounds):
        for name, way in ways.items():
            way()
            started = time.perf_counter()
            for _ in range(calls[name]):
                way()
            times[name].append((time.perf_counter() - started) / calls[name])
    return times


def medians(ways: Mapping[K, Callable[[], object]], rounds: int = 11) -> dict[K, float]:
    """Seconds of one call of each way: the median over its turns."""
    return {name: statistics.median(seconds) for name, seconds in turns(ways, rounds).items()}


def sgemm() -> tuple[Callable[[], object], float]:
    """A product of float32 matrices on one thread, and its floating-point operations."""
    a, b, out = (torch.ones(_SIZE, _SIZE) for _ in range(3))

    def multiply() -> object:
        with one_thread():
            return torch.mm(a, b, out=out)

    return multiply, 2.0 * _SIZE**3


@contextmanager
def one_thread() -> Iterator[None]:
    """Of torch, while it lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
