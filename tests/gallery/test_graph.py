"""Arrays of a graph find what faiss's own index finds, and what is no graph is named before faiss sees it."""

from dataclasses import replace

import faiss
import numpy as np
import pytest

from distill.gallery.graph import LINKS, SEARCHING, Graph, build_graph, fault_of, index_of, recall_of


def unit(count: int, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


VECTORS = unit(900)
GRAPH = build_graph(VECTORS)


def test_a_graph_of_arrays_searches_as_the_index_that_was_built() -> None:
    faiss.omp_set_num_threads(1)  # else the order of insertion differs
    try:
        built = faiss.IndexHNSWFlat(16, LINKS, faiss.METRIC_INNER_PRODUCT)
        built.hnsw.efConstruction, built.hnsw.efSearch = 80, SEARCHING
        built.add(VECTORS)
        graph = build_graph(VECTORS)
    finally:
        faiss.omp_set_num_threads(faiss.omp_get_max_threads())
    probes = unit(50, seed=1)
    for expected, found in zip(built.search(probes, 10), index_of(VECTORS, graph).search(probes, 10), strict=True):
        assert np.array_equal(expected, found)
    assert fault_of(graph, 900) is None and graph.levels.max() > 1


def test_without_a_graph_the_search_is_exact() -> None:
    probes = unit(20, seed=2)
    cosines, rows = index_of(VECTORS, None).search(probes, 5)
    assert rows.tolist() == np.argsort(-(probes @ VECTORS.T), axis=1)[:, :5].tolist()
    np.testing.assert_allclose(cosines, -np.sort(-(probes @ VECTORS.T), axis=1)[:, :5], atol=1e-6)


def test_recall_is_the_share_of_the_ten_most_alike_others() -> None:
    links = GRAPH.links.copy()
    links[np.random.default_rng(0).random(len(links)) < 0.9] = -1
    poor = replace(GRAPH, links=links)
    index, shares = index_of(VECTORS, poor), []
    for row, probe in enumerate(VECTORS):
        cosines = VECTORS @ probe
        cosines[row] = -2
        right = set(np.argsort(-cosines)[:10].tolist())
        shares.append(len(right & set(index.search(probe[None], 11)[1][0].tolist())) / 10)
    exact = index_of(VECTORS, None)
    assert recall_of(index, exact, VECTORS) == pytest.approx(np.mean(shares), abs=2e-3)
    assert recall_of(index, exact, VECTORS) < 0.9 < recall_of(index_of(VECTORS, GRAPH), exact, VECTORS)


def changed(**arrays: object) -> Graph:
    return replace(GRAPH, **arrays)  # type: ignore[arg-type]


def with_value(values: np.ndarray, place: int, value: int) -> np.ndarray:
    other = values.copy()
    other[place] = value
    return other


def test_a_link_from_above_to_a_node_that_is_not_there_is_no_graph() -> None:
    high = int(np.flatnonzero(GRAPH.levels > 1)[0])
    low = int(np.flatnonzero(GRAPH.levels == 1)[0])
    start = int((LINKS * (GRAPH.levels[:high].astype(np.int64) + 1)).sum()) + 2 * LINKS
    assert fault_of(changed(links=with_value(GRAPH.links, start, low)), 900) == "links to nodes below their level"


@pytest.mark.parametrize(
    ("graph", "fault"),
    [
        (changed(levels=GRAPH.levels[:-1]), "arrays of another type or length"),
        (changed(links=GRAPH.links.astype(np.int64)), "arrays of another type or length"),
        (changed(levels=with_value(GRAPH.levels, 3, 0)), "levels that no node has"),
        (changed(levels=with_value(GRAPH.levels, 3, 2**30)), "levels that no node has"),
        (changed(links=GRAPH.links[:-1]), "another number of links than its levels have"),
        (changed(entry=900), "no entry on its highest level"),
        (changed(entry=int(np.flatnonzero(GRAPH.levels == 1)[0])), "no entry on its highest level"),
        (changed(links=with_value(GRAPH.links, 5, 900)), "links to nodes that are not there"),
        (changed(links=with_value(GRAPH.links, 5, -2)), "links to nodes that are not there"),
    ],
)
def test_what_is_no_graph_is_named(graph: Graph, fault: str) -> None:
    assert fault_of(graph, 900) == fault
