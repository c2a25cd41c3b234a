"""How long files take, side by side: in turns, so that a busy machine slows all of them alike.

The share of the machine's peak is against what it does best, one large product of float32 matrices (sgemm), in the
same turns.
"""

import math
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

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
