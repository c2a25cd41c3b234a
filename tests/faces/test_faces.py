"""How far a face is turned, by its landmarks, against heads turned in space."""

import math

import numpy as np
import pytest

from distill.faces.faces import Faces

# Eyes, nose and mouth of a head in space: right, down, towards the camera. The nose stands before the line between the
# middles of eyes and mouth as far as an eye is beside it.
HEAD = [(-3.0, -3.0, 0.0), (3.0, -3.0, 0.0), (0.0, 0.5, 3.0), (-2.2, 4.0, 0.0), (2.2, 4.0, 0.0)]


def faces(points: list[tuple[float, float]]) -> Faces:
    landmarks = np.array([points])
    boxes = np.concatenate([landmarks.min(axis=1), landmarks.max(axis=1)], axis=1)
    return Faces(100, 100, 0.9, np.array([0.9]), boxes, landmarks)


def seen(turned: float, rolled: float, scale: float = 7.0) -> list[tuple[float, float]]:
    """The head turned about its upright axis, then rolled in the plane of the picture; degrees."""
    t, r = math.radians(turned), math.radians(rolled)
    flat = [(x * math.cos(t) + z * math.sin(t), y) for x, y, z in HEAD]
    return [
        (50 + scale * (x * math.cos(r) - y * math.sin(r)), 50 + scale * (x * math.sin(r) + y * math.cos(r)))
        for x, y in flat
    ]


@pytest.mark.parametrize("turned", [0, 10, -30, 60, -85])
@pytest.mark.parametrize("rolled", [0, 30, -90, 180])
def test_a_turned_head_is_told_and_one_that_is_rolled_is_not_turned(turned: float, rolled: float) -> None:
    assert faces(seen(turned, rolled)).turns[0] == pytest.approx(abs(turned), abs=1e-6)


def test_one_whose_far_eye_is_hidden_has_ninety_degrees_at_most() -> None:
    assert faces([(50, 40), (50, 40), (70, 50), (52, 60), (52, 60)]).turns[0] == pytest.approx(90)


def test_size_is_the_shorter_side_and_points_have_names() -> None:
    found = faces(seen(0, 0))
    assert found.sizes[0] == pytest.approx(7 * min(6.0, 7.0))
    assert found.points(0)["nose"] == pytest.approx((50, 50 + 3.5))
    assert list(found.points(0)) == ["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"]
