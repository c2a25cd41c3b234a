"""S2's cells, many at a time, against the reference implementation of one."""

import numpy as np
import pytest
import s2cell

from distill.data import s2
from distill.errors import DistillError
from distill.evaluation.great_circle import RADIUS

# Published beside places in them: neither is the middle of the cell.
PUBLISHED = {
    "8644b594": (30.2835162512, -97.7271641272),
    "5485df": (49.1354647709, -123.046665145),
    "48760533": (51.5124301266, -0.155697789992),
    "600364": (35.1609052643, 137.053795231),
}


def places(count: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    drawn = np.stack([generator.uniform(-90, 90, count), generator.uniform(-180, 180, count)], axis=1)
    edges = [(90, 0), (-90, 0), (0, 0), (0, 180), (0, -180), (45, 45), (-45, 135), (35.264389682754654, 45), (0, 90)]
    return np.concatenate([drawn, np.array(edges, float)])


def test_leaf_cells_are_those_of_the_reference() -> None:
    some = places(2000)
    expected = [s2cell.lat_lon_to_cell_id(*place) for place in some.tolist()]
    np.testing.assert_array_equal(s2.leaf_cells(some), np.array(expected, np.uint64))


def test_parents_and_levels_are_those_of_the_reference() -> None:
    leaves = s2.leaf_cells(places(50))
    for level in (0, 1, 7, 16, 29, 30):
        above = s2.parents(leaves, level)
        assert [s2cell.cell_id_to_parent_cell_id(int(leaf), level) for leaf in leaves] == above.tolist()
        assert (s2.levels(above) == level).all()
        first, last = s2.ranges(above)
        assert ((first <= leaves) & (leaves <= last)).all()


def test_published_places_lie_in_their_cells() -> None:
    cells = s2.cells_of(tuple(PUBLISHED), "a list")
    first, last = s2.ranges(cells)
    leaves = s2.leaf_cells(np.array(list(PUBLISHED.values())))
    assert ((first <= leaves) & (leaves <= last)).all()
    assert s2.tokens(cells) == tuple(PUBLISHED)


def test_all_cells_of_a_level_cover_the_earth() -> None:
    assert 6 * 4**10 * float(s2.width(10)) ** 2 == pytest.approx(4 * np.pi * RADIUS**2)


@pytest.mark.parametrize("name", ["", "zebra", "0", "8644b594ffffffffff"])
def test_what_is_no_token_is_named(name: str) -> None:
    with pytest.raises(DistillError, match=r"cells\.txt: number 2 is"):
        s2.cells_of(("476d07", name), "cells.txt")


def test_a_token_stands_first_in_its_line() -> None:
    assert s2.first_word("5485df\t49.13\t-123.04") == s2.first_word("5485df,49.13") == "5485df"
    assert s2.first_word("") == ""
