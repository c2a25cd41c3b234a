"""The share within 750 km of a validation pass, counted picture by picture from chords in space."""

import math

import numpy as np
import pytest

from distill.evaluation.great_circle import RADIUS
from distill.tasks.places.metric import Within

Place = tuple[float, float]


def kilometres(one: Place, other: Place) -> float:
    """By the chord between two points of the unit sphere."""
    points = [
        (math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a))
        for a, b in (map(math.radians, place) for place in (one, other))
    ]
    return 2 * RADIUS * math.asin(min(1.0, math.dist(*points) / 2))


def test_likeliest_cells_within_750_km_of_the_pictures_whose_place_is_known() -> None:
    generator = np.random.default_rng(0)
    cells = np.stack([generator.uniform(-60, 70, 40), generator.uniform(-180, 180, 40)], axis=1)
    logits = generator.normal(size=(200, 40)).astype(np.float32)
    near = cells[logits.argmax(axis=1)] + generator.normal(0, 6, (200, 2))
    truths = near.astype(np.float32)
    truths[::7] = np.nan
    truths[3, 1] = np.nan  # half a place is none
    within = known = 0
    for row, truth in zip(logits.tolist(), truths.tolist(), strict=True):
        if not any(map(math.isnan, truth)):
            known += 1
            within += kilometres(tuple(cells[row.index(max(row))].tolist()), tuple(truth)) <= 750
    assert 20 < within < known - 20
    metric = Within(cells)
    assert metric({"logits": logits}, {"coordinates": truths}) == pytest.approx(within / known)
    assert metric.name == "within 750 km"


def test_the_date_line_parts_no_neighbours() -> None:
    metric = Within(np.array([[0.0, 179.9], [0.0, 0.0]]))
    logits = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    assert metric({"logits": logits}, {"coordinates": np.array([[0, -179.9], [0, -179.9]], np.float32)}) == 0.5
