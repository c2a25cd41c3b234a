"""A graph for approximate search (HNSW, arXiv 1603.09320) as plain arrays: faiss builds and searches it, reads no file.

A file of faiss's own is read by code that trusts what stands in it. Here two arrays of whole numbers are read, held to
what such a graph can be, and given to faiss beside the vectors.

Shapes: N vectors, D dimensions, L links of all nodes together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

LINKS = 16
"""Of a node, twice as many on the lowest level; recall about 0.97 among a million."""
BUILDING, SEARCHING = 80, 64
"""Candidates kept while a node is placed, and while a probe is looked up."""
NEIGHBOURS = 10
"""Of these the recall is measured."""
PROBES = 1000
"""On so many of the vectors."""


@dataclass(frozen=True, eq=False)
class Graph:
    """How nodes are linked.

    Attributes:
        levels: int32 (N,), on how many levels each node is, at least one.
        links: int32 (L,), of each node those of its lowest level and then of the others, -1 where there is none.
        entry: the node that a search begins at.
    """

    levels: np.ndarray
    links: np.ndarray
    entry: int


def build_graph(vectors: np.ndarray) -> Graph:
    """Of float32 (N, D) of unit length."""
    import faiss

    index: Any = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILDING
    index.add(np.ascontiguousarray(vectors, np.float32))
    levels, links = (faiss.vector_to_array(values) for values in (index.hnsw.levels, index.hnsw.neighbors))
    return Graph(levels.astype(np.int32), links.astype(np.int32), int(index.hnsw.entry_point))


def fault_of(graph: Graph, count: int) -> str | None:
    """What makes arrays no graph of so many nodes, in words; None where nothing does."""
    levels, links = graph.levels, graph.links
    if levels.dtype != np.int32 or links.dtype != np.int32 or levels.shape != (count,) or links.ndim != 1:
        return "arrays of another type or length"
    if count == 0 or levels.min() < 1 or levels.max() > _MOST_LEVELS:
        return "levels that no node has"
    if len(links) != int(_links_up_to(levels).sum()):
        return "another number of links than its levels have"
    if not 0 <= graph.entry < count or levels[graph.entry] != levels.max():
        return "no entry on its highest level"
    if links.min() < -1 or links.max() >= count:
        return "links to nodes that are not there"
    # From a level, only nodes that are on it too may be reached: beyond its own links lie those of another.
    starts = np.cumsum(np.append(0, _links_up_to(levels)))[:-1]
    for level in range(1, int(levels.max())):
        nodes = np.flatnonzero(levels > level)
        first = starts[nodes] + _links_up_to(np.array([level]))
        there = links[first[:, None] + np.arange(LINKS)]
        if (levels[there[there >= 0]] <= level).any():
            return "links to nodes below their level"
    return None


def index_of(vectors: np.ndarray, graph: Graph | None) -> Any:
    """faiss's index of float32 (N, D): exact without a graph, else one that `fault_of` finds nothing in."""
    import faiss

    vectors = np.ascontiguousarray(vectors, np.float32)
    index: Any
    if graph is None:
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return index
    index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    faiss.downcast_index(index.storage).add(vectors)
    index.ntotal = len(vectors)
    offsets = np.cumsum(np.append(0, _links_up_to(graph.levels))).astype(np.uint64)
    for values, place in (
        (graph.levels, index.hnsw.levels),
        (offsets, index.hnsw.offsets),
        (graph.links, index.hnsw.neighbors),
    ):
        faiss.copy_array_to_vector(values, place)
    index.hnsw.entry_point, index.hnsw.max_level = graph.entry, int(graph.levels.max()) - 1
    index.hnsw.efSearch = SEARCHING
    return index


def recall_of(approximate: Any, exact: Any, vectors: np.ndarray) -> float:
    """The share of the 10 most alike others that a search finds, the mean over a thousand of the vectors (N, D) spread
    evenly, or over all.

    Args:
        approximate, exact: `index_of` them.
    """
    probes = np.unique(np.linspace(0, len(vectors) - 1, PROBES).astype(np.int64))
    k = min(NEIGHBOURS + 1, len(vectors))
    found, right = (index.search(vectors[probes], k)[1] for index in (approximate, exact))
    shares = []
    for own, some, all_of_them in zip(probes.tolist(), found.tolist(), right.tolist(), strict=True):
        others = [row for row in all_of_them if row != own][: k - 1]
        shares.append(len(set(some) & set(others)) / len(others) if others else 1.0)
    return float(np.mean(shares))


_MOST_LEVELS = 32
"""More than faiss draws among any number of nodes."""


def _links_up_to(levels: np.ndarray) -> np.ndarray:
    """How many links a node has that is on so many levels."""
    return LINKS * (levels.astype(np.int64) + 1)
