"""How long a probe waits in a gallery, exactly and approximately.

Shapes: N vectors, D dimensions.
"""

import statistics
import time
from typing import Any

import numpy as np

from distill.gallery.graph import NEIGHBOURS, build_graph, index_of, recall_of

DIMENSIONS = 128
INTRINSIC = 32
"""Of drawn vectors, as faces have fewer than the numbers that describe them; recall is worse with more."""


def speeds_of_search(count: int, rounds: int, probes: int) -> dict[str, Any]:
    """Milliseconds of one probe alone, looked up for its 10 most alike: the medians of each way, which take turns.

    Args:
        count: N, drawn.
        probes: in one turn, one after another.
    """
    generator = np.random.default_rng(0)
    plane = generator.normal(size=(INTRINSIC, DIMENSIONS)).astype(np.float32)
    vectors = generator.normal(size=(count + probes, INTRINSIC)).astype(np.float32) @ plane
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors, asked = vectors[:count], vectors[count:]
    started = time.perf_counter()
    graph = build_graph(vectors)
    built = time.perf_counter() - started
    ways = {"exact": index_of(vectors, None), "approximate": index_of(vectors, graph)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, index in ways.items():
            for probe in asked:
                started = time.perf_counter()
                index.search(probe[None], NEIGHBOURS)
                times[name].append(time.perf_counter() - started)
    return {
        "vectors": count,
        "dimensions": DIMENSIONS,
        "intrinsic_dimensions": INTRINSIC,
        "milliseconds": {name: 1000 * statistics.median(seconds) for name, seconds in times.items()},
        "recall": recall_of(ways["approximate"], ways["exact"], vectors),
        "built_in_s": built,
    }
