"""S2's cells, many at a time, against the reference implementation of one."""

import os
from pathlib import Path

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
    "4bc": (51.1057136447, -53.9314299693),
    "107": (2.95020298055, 8.68625802406),
    "0713": (-11.5150542248, -39.1678471505),
    "a829": (-45.5665890716, 170.771557275),
    "4d2d": (45.1649039929, -81.4291870122),
    "1774": (2.92895772093, 32.4562589474),
    "959f4": (-34.9065656212, -56.2111249127),
    "6d2e4": (-43.1047281007, 171.733492835),
    "80c89": (36.2288637705, -115.455939803),
    "476d9": (48.1720914173, 15.7118212676),
    "935a3d": (-15.7807139532, -47.8197028078),
    "1dcc44": (-34.0244297849, 18.4709608333),
    "80db04": (33.7424458968, -116.516176636),
    "4653ac": (55.6352528529, 12.6487351918),
    "808579c": (37.9409571224, -122.282912662),
    "340407c": (22.3915993839, 114.17486583),
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


def check_published(pairs: dict[str, tuple[float, float]]) -> None:
    """Each place lies in its cell, as the reference has it and as ranges of numbers do, and in no cell beside it."""
    cells = s2.cells_of(tuple(pairs), "a list")
    assert s2.tokens(cells) == tuple(pairs)
    leaves, levels = s2.leaf_cells(np.array(list(pairs.values()))), s2.levels(cells).tolist()
    first, last = s2.ranges(cells)
    assert ((first <= leaves) & (leaves <= last)).all()
    for (token, place), level in zip(pairs.items(), levels, strict=True):
        assert s2cell.lat_lon_to_token(*place, level) == token
    middles = np.array([s2.centre(int(cell)) for cell in cells])
    assert (np.abs(middles - np.array(list(pairs.values()))).max(axis=1) > 1e-7).mean() > 0.99


def test_published_places_lie_in_their_cells() -> None:
    check_published(PUBLISHED)


@pytest.mark.real_data
def test_all_published_places_lie_in_their_cells() -> None:
    file = Path(os.environ["DISTILL_REAL_DATA"]) / "coordinates" / "mmcommons_15527_s2_cells.txt"
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    pairs = {token: (float(latitude), float(longitude)) for token, latitude, longitude in lines}
    assert len(pairs) == len(lines) == 15527
    check_published(pairs)


def test_all_cells_of_a_level_cover_the_earth() -> None:
    assert 6 * 4**10 * float(s2.width(10)) ** 2 == pytest.approx(4 * np.pi * RADIUS**2)


@pytest.mark.parametrize("name", ["", "zebra", "0", "8644b594ffffffffff"])
def test_what_is_no_token_is_named(name: str) -> None:
    with pytest.raises(DistillError, match=r"cells\.txt: number 2 is"):
        s2.cells_of(("476d07", name), "cells.txt")


def test_a_token_stands_first_in_its_line() -> None:
    assert s2.first_word("5485df\t49.13\t-123.04") == s2.first_word("5485df,49.13") == "5485df"
    assert s2.first_word("") == ""
