"""Similarity transforms between sets of landmarks, against a search over angles and the published positions."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from distill.preprocess.landmarks import ARCFACE, CELEBA, LANDMARKS, Point, similarity


def moved(points: Mapping[str, Point], degrees: float, scale: float, right: float, down: float) -> dict[str, Point]:
    """Each point turned about (0, 0), scaled and shifted, by school trigonometry."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return {
        name: (scale * (cosine * x - sine * y) + right, scale * (sine * x + cosine * y) + down)
        for name, (x, y) in points.items()
    }


def squares(matrix: np.ndarray, points: Mapping[str, Point], wanted: Mapping[str, Point]) -> float:
    total = 0.0
    for name in points.keys() & wanted.keys():
        (x, y), (wanted_x, wanted_y) = points[name], wanted[name]
        found_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
        found_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
        total += (found_x - wanted_x) ** 2 + (found_y - wanted_y) ** 2
    return total


@pytest.mark.parametrize("degrees", [0, 0.3, 30, 90, -170])
def test_a_known_transform_is_found(degrees: float) -> None:
    wanted = moved(ARCFACE.points, degrees, 0.7, -20, 300)
    angle = math.radians(degrees)
    expected = [
        [0.7 * math.cos(angle), -0.7 * math.sin(angle), -20],
        [0.7 * math.sin(angle), 0.7 * math.cos(angle), 300],
    ]
    np.testing.assert_allclose(similarity(ARCFACE.points, wanted), expected, atol=1e-9)


def test_no_other_similarity_has_smaller_squares() -> None:
    """A search over angles, each with the best scale and shift by ordinary least squares."""
    random = np.random.default_rng(0)
    wanted = {name: (x + random.normal(0, 3), y + random.normal(0, 3)) for name, (x, y) in ARCFACE.points.items()}
    found = squares(similarity(CELEBA.points, wanted), CELEBA.points, wanted)
    start, end = (np.array([one[name] for name in CELEBA.points]) for one in (CELEBA.points, wanted))
    best = math.inf
    for degrees in np.arange(-5, 5, 0.01):
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        turned = start @ np.array([[cosine, sine], [-sine, cosine]])
        columns = np.zeros((8, 3))
        columns[:, 0], columns[::2, 1], columns[1::2, 2] = turned.reshape(-1), 1, 1
        best = min(best, float(np.linalg.lstsq(columns, end.reshape(-1), rcond=None)[1][0]))
    assert found == pytest.approx(best, rel=1e-5) and found <= best


def test_celeba_to_arcface() -> None:
    """A third of a degree, nine tenths of the size; no point further off than two pixels."""
    matrix = similarity(CELEBA.points, ARCFACE.points)
    assert math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) == pytest.approx(-1 / 3, abs=0.05)
    assert math.hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(0.92, abs=0.05)
    assert squares(matrix, CELEBA.points, ARCFACE.points) < 4 * 2**2


def test_a_resized_picture_keeps_its_edges() -> None:
    """At half size a centre at 69.5 is at (69.5 + 0.5) / 2 - 0.5, for the first edge stays at -0.5."""
    assert CELEBA.stretched(109, 89)["left_eye"] == (34.5, 55.25)
    assert CELEBA.stretched(218, 178) == dict(CELEBA.points)
    assert ARCFACE.cut(112, 112) == dict(ARCFACE.points)


def test_a_narrower_picture_is_cut_from_the_middle() -> None:
    assert ARCFACE.cut(112, 96)["nose"] == (48.0, 71.7)  # the template's columns 8 to 104
    assert ARCFACE.cut(96, 112)["nose"] == pytest.approx((56.0, 63.7))
    doubled = ARCFACE.cut(224, 192)
    assert doubled["nose"] == pytest.approx((2 * 48.5 - 0.5, 2 * 72.2 - 0.5))


def test_points_that_are_no_face() -> None:
    with pytest.raises(ValueError, match="on one place"):
        similarity(dict.fromkeys(LANDMARKS, (5.0, 5.0)), ARCFACE.points)
    exchanged = {"left_eye": "right_eye", "right_eye": "left_eye", "left_mouth": "right_mouth", "nose": "nose"}
    mirrored = {exchanged.get(name, "left_mouth"): point for name, point in ARCFACE.points.items()}
    with pytest.raises(ValueError, match="mirrored"):
        similarity(mirrored, ARCFACE.points)
