"""Neighbours against sorting all cosines; places where there is none."""

import numpy as np
import pytest

from distill.evaluation.search import Gallery


def unit(seed: int, count: int, dimensions: int = 8) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [1, 3, 19])
def test_neighbours_are_the_largest_cosines_of_all(k: int) -> None:
    gallery, probes = unit(0, 20), unit(1, 7)
    cosines = probes.astype(np.float64) @ gallery.T
    found = Gallery(gallery).nearest(probes, k)
    order = np.argsort(-cosines, axis=1)[:, :k]
    assert np.array_equal(found.places, order)
    np.testing.assert_allclose(found.cosines, np.take_along_axis(cosines, order, axis=1), atol=1e-6)


def test_a_picture_left_out_is_nobodys_neighbour() -> None:
    gallery = unit(0, 20)
    own = np.arange(20)
    cosines = gallery.astype(np.float64) @ gallery.T
    np.fill_diagonal(cosines, -np.inf)
    expected = np.argsort(-cosines, axis=1)[:, :4]
    assert np.array_equal(Gallery(gallery).nearest(gallery, 4, own).places, expected)
    # asked about the opposite, the own picture is the least alike and never among the first
    opposite = Gallery(gallery).nearest(-gallery, 4, own)
    assert np.array_equal(opposite.places, np.argsort(gallery.astype(np.float64) @ gallery.T, axis=1)[:, :4])


def test_where_there_are_fewer_the_rest_is_marked() -> None:
    found = Gallery(unit(0, 3)).nearest(unit(1, 2), 5)
    assert (found.places[:, 3:] == -1).all() and (found.cosines[:, 3:] == -np.inf).all()
    assert (found.places[:, :3] >= 0).all() and np.isfinite(found.cosines[:, :3]).all()
