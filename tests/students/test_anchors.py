"""The anchors of TensorFlow's detector, written out as its configuration says, and their number."""

import math

import pytest

from students.anchors import grid_anchors, shapes_of_cells
from students.pyramid import sides

SIDES = (19, 10, 5, 3, 2, 1)  # of 300 pixels


def plainly(side: int, scale: float, following: float, finest: bool) -> list[tuple[float, ...]]:
    """The anchors of one map as ssd_anchor_generator makes them of min_scale, max_scale and aspect_ratios."""
    pairs = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1 / 3)] + [(math.sqrt(scale * following), 1.0)]
    pairs = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)] if finest else pairs  # reduce_boxes_in_lowest_layer
    return [
        ((column + 0.5) / side, (row + 0.5) / side, size * math.sqrt(ratio), size / math.sqrt(ratio))
        for row in range(side)
        for column in range(side)
        for size, ratio in pairs
    ]


def test_anchors_are_those_of_the_configuration() -> None:
    scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0]
    wanted = [
        anchor
        for number, side in enumerate(SIDES)
        for anchor in plainly(side, scales[number], scales[number + 1], number == 0)
    ]
    found = grid_anchors(SIDES).tolist()
    assert len(found) == 1917
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_three_anchors_a_cell_of_the_finest_map_and_six_of_others() -> None:
    assert [len(cell) for cell in shapes_of_cells(6)] == [3, 6, 6, 6, 6, 6]


def test_sides_of_maps_round_up() -> None:
    assert sides(300) == SIDES
    assert sides(160) == (10, 5, 3, 2, 1, 1)
    assert sides(32) == (2, 1, 1, 1, 1, 1)
