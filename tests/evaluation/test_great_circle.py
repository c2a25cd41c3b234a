"""Distances on the sphere, held to ways that are known by hand and to vectors in exact arithmetic."""

import math

import numpy as np
import pytest

from distill.evaluation.great_circle import RADIUS, great_circle, mean_place

QUARTER = math.pi / 2 * RADIUS
DEGREE = math.pi / 180 * RADIUS


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ((0, 0), (0, 0), 0),
        ((48.2065, 16.3655), (48.2065, 16.3655), 0),
        ((0, 0), (0, 1), DEGREE),
        ((0, 179.5), (0, -179.5), DEGREE),  # over the date line
        ((0, -180), (0, 180), 0),
        ((10, 370), (10, 10), 0),
        ((90, 0), (90, 123), 0),  # a pole has every longitude
        ((90, 0), (0, 77), QUARTER),
        ((90, 0), (-90, 45), 2 * QUARTER),
        ((0, 0), (0, 180), 2 * QUARTER),
        ((30, 40), (-30, -140), 2 * QUARTER),  # antipodes
        ((12.3456, 78.9), (-12.3456, -101.1), 2 * QUARTER),
        ((89, 0), (89, 180), 2 * DEGREE),  # over the pole
        ((-89.5, 10), (-89.5, -170), DEGREE),
        ((0, 45), (45, 45), QUARTER / 2),
    ],
)
def test_ways_known_by_hand(one: tuple[float, float], other: tuple[float, float], kilometres: float) -> None:
    for pair in ((one, other), (other, one)):
        assert abs(float(great_circle(*map(np.array, pair))) - kilometres) < 1e-6


def test_the_angle_between_vectors_is_the_same_and_never_nan() -> None:
    generator = np.random.default_rng(0)
    one = np.stack([generator.uniform(-90, 90, 5000), generator.uniform(-180, 180, 5000)], axis=1)
    close = one + generator.normal(0, 1e-7, one.shape)
    opposite = np.stack([-one[:, 0], one[:, 1] + 180], axis=1) + generator.normal(0, 1e-7, one.shape)
    for other in (one[::-1], close, opposite, one):
        vectors = [_vector(np.clip(place, [-90, -1e9], [90, 1e9])) for place in (one, other)]
        wide = [vector.astype(np.longdouble) for vector in vectors]
        angle = 2 * np.arctan2(
            np.sqrt(((wide[0] - wide[1]) ** 2).sum(axis=1)), np.sqrt(((wide[0] + wide[1]) ** 2).sum(axis=1))
        )
        found = great_circle(one, np.clip(other, [-90, -1e9], [90, 1e9]))
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, (angle * RADIUS).astype(float), atol=1e-6, rtol=0)


def test_the_middle_of_places_knows_the_date_line_and_the_pole() -> None:
    np.testing.assert_allclose(mean_place(np.array([[0, 179], [0, -177]])), [0, -179], atol=1e-9)
    assert mean_place(np.array([[80.0, 0], [80, 180]]))[0] == pytest.approx(90)
    np.testing.assert_allclose(mean_place(np.array([[10.0, 20], [-10, -160]])), [10, 20])  # antipodes have no middle


def _vector(places: np.ndarray) -> np.ndarray:
    latitude, longitude = np.radians(places.astype(np.longdouble)).T
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
    )
