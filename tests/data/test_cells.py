"""Cells cut by photographs, against a recursion photograph by photograph."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import s2cell

from distill.data.cells import FINEST, Cells, cut, listed, overlaps
from distill.data.s2 import cells_of, leaf_cells, levels, parents, ranges, tokens
from distill.errors import DistillError
from distill.evaluation.great_circle import great_circle


def photographs(count: int = 3000) -> np.ndarray:
    """Around forty towns, and some at one spot."""
    generator = np.random.default_rng(1)
    towns = np.stack([generator.uniform(-60, 70, 40), generator.uniform(-180, 180, 40)], axis=1)
    around = towns[generator.integers(0, 40, count)] + generator.normal(0, 0.3, (count, 2))
    return np.concatenate([around, np.repeat([[48.2, 16.37]], 300, axis=0)])


def recursed(places: np.ndarray, most: int, least: int) -> dict[str, int]:
    kept: dict[str, int] = {}

    def descend(leaves: list[int], level: int) -> None:
        children: dict[int, list[int]] = {}
        for leaf in leaves:
            children.setdefault(s2cell.cell_id_to_parent_cell_id(leaf, level), []).append(leaf)
        for cell, inside in children.items():
            if len(inside) > most and level < FINEST:
                descend(inside, level + 1)
            elif len(inside) >= least:
                kept[s2cell.cell_id_to_token(cell)] = len(inside)

    descend([s2cell.lat_lon_to_cell_id(*place) for place in places.tolist()], 0)
    return kept


@pytest.mark.parametrize(("most", "least"), [(50, 5), (400, 1), (10, 10)])
def test_cells_are_those_of_the_recursion(most: int, least: int) -> None:
    places = photographs()
    cells, expected = cut(places, most, least), recursed(places, most, least)
    assert dict(zip(cells.tokens, cells.counts.tolist(), strict=True)) == expected


@pytest.mark.real_data
@pytest.mark.parametrize(("most", "least", "count", "share"), [(100, 10, 2374, 0.95), (1000, 50, 271, 0.98)])
def test_a_hundred_thousand_photographs(most: int, least: int, count: int, share: float) -> None:
    file = Path(os.environ["DISTILL_REAL_DATA"]) / "coordinates" / "mp16_100k.csv"
    places = np.loadtxt(file, delimiter=",", skiprows=1)
    started = time.process_time()
    cells = cut(places, most, least)
    assert time.process_time() - started < 2
    assert len(places) == 100_000 and len(cells) == count
    assert cells.counts.sum() / len(places) == pytest.approx(share, abs=0.005)
    assert dict(zip(cells.tokens, cells.counts.tolist(), strict=True)) == recursed(places, most, least)


def test_each_photograph_lies_in_its_cell_and_its_mean_is_near() -> None:
    places = photographs()
    cells = cut(places, 50, 5)
    index = cells.index(places)
    assert (np.bincount(index[index >= 0], minlength=len(cells)) == cells.counts).all()
    far = great_circle(places[index >= 0], cells.places[index[index >= 0]])
    assert (far < 3 * cells.widths[index[index >= 0]]).all()
    for number in range(0, len(cells), 7):
        inside = places[index == number]
        np.testing.assert_allclose(cells.places[number], inside.mean(axis=0), atol=0.2 * cells.widths[number] / 111)
    assert cells.index(np.array([[np.nan, 0.0]])).tolist() == [-1]
    assert (levels(cells.numbers) == FINEST).any()  # the one spot


def test_no_cell_that_is_large_enough() -> None:
    with pytest.raises(DistillError, match=r"cells\.least is 100: .* Lower it"):
        cut(photographs(30)[:30], 100, 100)


def test_smoothing_is_wide_as_the_cells_are() -> None:
    cells = cut(photographs(), 50, 5)
    alone, ones = cells.smoothed(0)
    assert (alone[:, 0] == np.arange(len(cells))).all() and (ones == 1).all()
    near, shares = cells.smoothed(1.0)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    for number in (0, len(cells) // 2):
        distances = great_circle(cells.places[number], cells.places)
        weights = np.exp(-((distances / cells.widths[number]) ** 2) / 2)
        wanted = weights / weights.sum()
        np.testing.assert_allclose(shares[number], wanted[near[number]], atol=2e-3)


def test_a_list_of_cells_keeps_those_with_photographs() -> None:
    places = photographs()
    own = cut(places, 50, 5)
    cells, empty = listed((*own.tokens, "1004"), places, "cells.tokens")
    assert cells.tokens == own.tokens and empty == 1
    inside = tokens(parents(own.numbers[:1], max(0, int(levels(own.numbers[:1])[0]) - 1)))
    with pytest.raises(DistillError, match="overlap"):
        listed((*own.tokens, *inside), places, "cells.tokens")
    with pytest.raises(DistillError, match="none of its 1 cells holds one"):
        listed(("1004",), places[-1:], "cells.tokens")


def test_ground_that_two_cuts_share() -> None:
    places = photographs()
    ours, theirs = cut(places, 50, 1), cut(places, 300, 1)
    rows, columns, parts = overlaps(theirs.numbers, ours.numbers)
    found = dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), parts.tolist(), strict=True))
    for row, their in enumerate(theirs.numbers):
        for column, our in enumerate(ours.numbers):
            (a, b), (c, d) = ((int(end[0]) for end in ranges(np.array([cell]))) for cell in (their, our))
            inside, around = (a <= c and d <= b), (c <= a and b <= d)
            assert ((row, column) in found) == (inside or around)
            if inside:  # as many of the smallest cells as that
                assert found[row, column] == pytest.approx((d - c) / (b - a), rel=1e-6)
            elif around:
                assert found[row, column] == 1


def test_cells_of_one_number_are_no_cells_of_another() -> None:
    cells = Cells(cells_of(("476d07",), ""), np.array([1]), np.array([[48.2, 16.4]]))
    assert cells.index(np.array([[48.2, 16.37], [0, 0]])).tolist() == [
        0
        if ranges(cells.numbers)[0][0] <= leaf_cells(np.array([[48.2, 16.37]]))[0] <= ranges(cells.numbers)[1][0]
        else -1,
        -1,
    ]
