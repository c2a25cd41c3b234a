"""How long files take, side by side: in turns, so that a busy machine slows all of them alike.

The share of the machine's peak is against what it does best, one large product of float32 matrices (sgemm), in the
same turns.
"""

import math
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

K = TypeVar("K", bound=Hashable)

_TURN = 0.02  # seconds a way runs in one turn at least
_SIZE = 768  # of the matrices: large enough for the peak, small enough to take its turn
_WIDE = 0.25  # of the median: a spread past it tells no file from one that is a quarter faster


@dataclass(frozen=True)
class Latency:
    """How long a call takes, over some turns.

    Attributes:
        median: seconds.
        spread: (low, high), seconds: the turns' quartiles, between which half of them lie.
    """

    median: float
    spread: tuple[float, float]

    @classmethod
    def of(cls, seconds: list[float]) -> "Latency":
        """Of two turns or more."""
        low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
        return cls(median, (low, high))

    def milliseconds(self) -> tuple[float, list[float]]:
        """The median and the spread as results.json has them."""
        return 1000 * self.median, [1000 * end for end in self.spread]


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


def latencies(ways: Mapping[K, Callable[[], object]], rounds: int = 11) -> dict[K, Latency]:
    """How long one call of each way takes, over its turns."""
    return {name: Latency.of(seconds) for name, seconds in turns(ways, rounds).items()}


def is_wide(median: float, spread: tuple[float, float] | list[float]) -> bool:
    """Whether a spread is too wide for its median to be compared with another's, in whatever unit both are.

    Args:
        spread: (low, high).
    """
    return spread[1] - spread[0] > _WIDE * median


def sgemm() -> tuple[Callable[[], object], float]:
    """A product of float32 matrices on one thread, and its floating-point operations.

    By onnxruntime, which on some processors is twice as fast as the libraries that torch and numpy call.
    """
    import onnxruntime as ort
    from onnx import TensorProto, helper

    shape = (_SIZE, _SIZE)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "abc"]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "sgemm", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    matrices = {name: np.ones(shape, np.float32) for name in "ab"}
    return lambda: session.run(None, matrices)[0], 2.0 * _SIZE**3
