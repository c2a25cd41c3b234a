"""Neighbours against all cosines sorted; the own picture is left out, listed or not."""

import numpy as np
import pytest

from distill.evaluation.search import Gallery


def unit(count: int, dimensions: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [1, 3, 49])
def test_equals_all_cosines_sorted(k: int) -> None:
    gallery, own = unit(50, 8, seed=0), np.array([4, 0, 49])
    probes = gallery[own]
    neighbours = Gallery(gallery).others(probes, own, k)
    for row, probe in enumerate(own.tolist()):
        cosines = {other: float(gallery[other] @ gallery[probe]) for other in range(50) if other != probe}
        expected = sorted(cosines, key=lambda other: -cosines[other])[:k]
        assert neighbours.rows[row].tolist() == expected
        np.testing.assert_allclose(neighbours.cosines[row], [cosines[other] for other in expected], atol=1e-6)


def test_an_own_picture_that_is_far_from_its_probe_is_not_missed() -> None:
    # By another model a picture is not most alike to itself: then the last of the one too many goes.
    gallery = unit(20, 8, seed=1)
    probes, own = -gallery[:5], np.arange(5)
    neighbours = Gallery(gallery).others(probes, own, 3)
    cosines = probes @ gallery.T
    np.fill_diagonal(cosines[:, :5], -np.inf)
    assert neighbours.rows.tolist() == np.argsort(-cosines, axis=1)[:, :3].tolist()


@pytest.mark.parametrize(("limit", "index"), [(300, "flat"), (299, "hnsw")])
def test_above_its_limit_it_is_a_graph_that_finds_nearly_all(limit: int, index: str) -> None:
    gallery, own = unit(300, 16, seed=2), np.arange(300)
    searched = Gallery(gallery, flat_limit=limit)
    assert searched.index == index
    found, exact = searched.others(gallery, own, 10).rows, Gallery(gallery).others(gallery, own, 10).rows
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), exact.tolist(), strict=True)]
    assert np.mean(shared) > 0.97
