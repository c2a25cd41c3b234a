"""Rendered places: the same alone or in any batch, and alike where places are near."""

import numpy as np
import pytest

from distill.data.rendered.places import RenderedPlaces
from distill.data.rendered.towns import TOWNS, look, outlook
from distill.errors import DistillError
from distill.evaluation.great_circle import great_circle


def test_a_picture_does_not_depend_on_its_batch() -> None:
    source = RenderedPlaces()
    together = source.draw(np.arange(40), 48, 48)
    assert together.shape == (40, 48, 48, 3) and together.dtype == np.uint8
    for index in (0, 7, 39):
        np.testing.assert_array_equal(source.draw(np.array([index]), 48, 48)[0], together[index])
    assert (RenderedPlaces(seed=1).draw(np.arange(4), 48, 48) != together[:4]).any(axis=(1, 2, 3)).all()


def test_samples_carry_their_places() -> None:
    source = RenderedPlaces(train=30, validation=5, test=5)
    samples = list(source.samples(32, 32))
    assert [sample.split for sample in samples].count("validation") == 5
    places = outlook(np.arange(40), 0)
    np.testing.assert_allclose([sample.targets["coordinates"] for sample in samples], places.places)
    away = great_circle(places.places, TOWNS[places.town])
    assert (away[places.inside] < 4).all() and (away < 320).all() and (away[~places.inside] > 4).any()


def test_what_is_near_looks_alike_and_hemispheres_differ() -> None:
    vienna = np.array([[48.2, 16.37]], np.float32)
    here, near, far = (look(vienna + np.array([shift], np.float32)) for shift in ((0, 0), (0.02, 0.02), (-80, 100)))
    assert np.abs(here.walls - near.walls).max() < 0.01 and np.abs(here.walls - far.walls).max() > 0.1
    assert here.north.all() and not far.north.any()


def test_counts_and_seeds_are_checked() -> None:
    with pytest.raises(DistillError, match="train: -1"):
        RenderedPlaces(train=-1)
    with pytest.raises(DistillError, match="seed"):
        RenderedPlaces(seed=-1)
