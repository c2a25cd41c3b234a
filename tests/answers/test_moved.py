"""Rows that stand elsewhere are the same rows; others are not."""

import numpy as np
import pytest

from distill.answers import Boxes
from distill.answers.moved import rows_apart

SCORES = 2


def rows(seed: int = 0) -> np.ndarray:
    """(3, 6, 4 + 2), every row sure of something."""
    return np.random.default_rng(seed).uniform(0.1, 1, (3, 6, 4 + SCORES)).astype(np.float32)


def test_rows_at_their_places_differ_by_their_largest_difference() -> None:
    given, expected = rows(), rows()
    assert rows_apart(given, expected, SCORES) == 0
    given[1, 2, 3] += 0.25
    given[2, 0, 5] -= 5e-5
    assert rows_apart(given, expected, SCORES) == pytest.approx(0.25)
    assert rows_apart(given[2:], expected[2:], SCORES) == pytest.approx(5e-5, rel=1e-2)


def test_rows_that_moved_on_are_held_to_themselves() -> None:
    given, expected = rows(), rows()
    given[1] = np.roll(given[1], 1, axis=0) + np.float32(2e-5)
    assert rows_apart(given, expected, SCORES) == pytest.approx(2e-5, rel=0.05)
    given[1, 4, 0] += 0.01  # beside rows that moved, one that is another
    assert rows_apart(given, expected, SCORES) == pytest.approx(max(given[1, 4, 4:].max(), expected[1, 3, 4:].max()))


@pytest.mark.parametrize("lacking", ["given", "expected"])
def test_a_row_that_only_one_has_counts_by_its_score_where_anybody_looks_at_it(lacking: str) -> None:
    one, other = rows()[:1], rows()[:1]
    one[0] = np.concatenate([other[0, 1:], np.full((1, 6), 0.003, np.float32)])  # the first is gone
    other[0, 0, 4:] = 0.004, 0.009
    pair = (one, other) if lacking == "given" else (other, one)
    assert rows_apart(*pair, SCORES) == 0
    other[0, 0, 4:] = 0.004, 0.02
    assert rows_apart(*pair, SCORES) == pytest.approx(0.02)


def test_boxes_are_compared_with_their_scores() -> None:
    parts = {"boxes": rows()[..., :4], "scores": rows()[..., 4:]}
    moved = {name: values[:, ::-1] for name, values in parts.items()}
    assert Boxes(("cat", "dog"), 6).apart(moved, parts) == 0
    assert Boxes(("cat", "dog"), 6).apart({**moved, "boxes": parts["boxes"]}, parts) > 0.1
