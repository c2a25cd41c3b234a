"""Which face is taken, and what is said of one that cannot be."""

from pathlib import Path

import numpy as np
import pytest

from distill.faces.choice import about_a_face, choose, kind_of
from distill.faces.faces import Faces
from distill.faces.settings import Detect

FRONTAL = np.array([[-8.0, -8], [8, -8], [0, 0], [-6, 8], [6, 8]])


def faces(*found: tuple[float, float, float, float], turned: int | None = None) -> Faces:
    """Of (x, y, size, score) each, in a photograph of 200 x 100 pixels."""
    boxes = [[x - size / 2, y - size / 2, x + size / 2, y + size / 2] for x, y, size, _ in found]
    landmarks = np.array([FRONTAL * size / 40 + (x, y) for x, y, size, _ in found]).reshape(-1, 5, 2)
    if turned is not None:
        landmarks[turned, 2, 0] += 1000
    scores = np.array([score for *_, score in found])
    return Faces(100, 200, 0.25, scores, np.array(boxes).reshape(-1, 4), landmarks)


def settings(**keys: object) -> Detect:
    return Detect(file=Path("detector.onnx"), **keys)  # type: ignore[arg-type]


SEVERAL = faces((30, 30, 40, 0.9), (100, 50, 30, 0.8), (160, 50, 60, 0.7), (20, 20, 90, 0.5))


@pytest.mark.parametrize(
    ("which", "every", "expected"),
    [
        ("largest", False, [2]),
        ("central", False, [1]),
        ("every", True, [2, 0, 1]),
        ("every", False, [1]),
        ("largest", True, [2, 0, 1]),
    ],
)
def test_the_face_that_is_asked_for_among_the_sure(which: str, every: bool, expected: list[int]) -> None:
    chosen = choose(SEVERAL, settings(face=which), every)
    assert [choice.number for choice in chosen] == expected and not any(choice.reason for choice in chosen)


def test_one_in_the_background_is_not_taken_for_standing_in_the_middle() -> None:
    found = faces((100, 50, 29, 0.9), (150, 50, 60, 0.9), (60, 50, 50, 0.9))
    assert [choice.number for choice in choose(found, settings(), False)] == [2]


def test_none_found_is_said_with_the_best_score() -> None:
    (choice,) = choose(faces(), settings(), False)
    assert choice == (None, "face: none found (best score 0.25)")


def test_a_doubtful_one_is_named_with_its_score() -> None:
    (choice,) = choose(faces((50, 50, 40, 0.55)), settings(), False)
    assert choice.reason == "face: doubtful, score 0.55, below least_score 0.6"
    assert choose(faces((50, 50, 40, 0.55)), settings(least_score=0.5), False)[0].reason == ""


def test_a_small_one_is_named_with_its_size() -> None:
    (choice,) = choose(faces((50, 50, 19, 0.9)), settings(), False)
    assert choice.reason == "face: small, 19 pixels, below least_size 20 (score 0.90)"


def test_one_turned_away_is_refused_and_no_other_is_taken_in_its_place() -> None:
    pair = faces((110, 50, 60, 0.9), (20, 50, 40, 0.9), turned=0)
    (choice,) = choose(pair, settings(), False)
    assert (
        choice.number == 0
        and choice.reason.startswith("face: turned away by about 89 degrees")
        and "80" in choice.reason
    )
    assert [bool(one.reason) for one in choose(pair, settings(), True)] == [True, False]
    assert not choose(pair, settings(largest_turn=90), False)[0].reason


def test_reasons_are_told_from_those_of_pictures_that_cannot_be_read() -> None:
    (choice,) = choose(faces((50, 50, 19, 0.9)), settings(), False)
    assert about_a_face(choice.reason) and kind_of(choice.reason) == "small"
    assert not about_a_face("damaged or truncated (broken data stream)")
