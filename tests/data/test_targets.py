"""Columns of targets: what they hold, what is refused, and what comes of picking, joining and filling them."""

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest

from distill.data.targets import Column, Growing, Ragged, absent, joined, placed, take
from distill.errors import DistillError
from tests.helpers.marked import BOXES, COUNT, KINDS, SPOT


def ragged(lists: list[list[Any]], column: Column) -> Ragged:
    rows = np.array([row for rows in lists for row in rows], column.dtype).reshape(-1, *column.shape)
    return Ragged(rows, np.cumsum([0, *map(len, lists)]))


def lists(values: Any) -> list[Any]:
    return [values[picture].tolist() for picture in range(len(values))]


@pytest.mark.parametrize("column", [SPOT, BOXES, KINDS, COUNT, Column("labels", "int8", (3,), unknown=-2)])
def test_a_declaration_comes_back_from_json(column: Column) -> None:
    again = Column.of(json.loads(json.dumps(column.describe())))
    assert again.describe() == column.describe() and str(again) == str(column)
    assert pickle.loads(pickle.dumps(column)).describe() == column.describe()


@pytest.mark.parametrize(
    ("keys", "refused"),
    [
        ({"name": "Boxes"}, r"column 'Boxes': expected lower-case"),
        ({"name": "a.offsets"}, r"column 'a.offsets': expected lower-case"),
        ({"dtype": "float64"}, r"column c: dtype is 'float64', expected one of \('int8'"),
        ({"ragged": True, "shape": (0,)}, r"rows of shape \(0,\) hold nothing"),
        ({"place": "circles", "shape": (2,)}, r"place is 'circles', expected one of \('points', 'boxes'\)"),
        ({"place": "boxes", "shape": (2,)}, r"holds boxes in shape \(2,\), expected a last axis of 4"),
        ({"place": "points"}, r"holds points in shape \(\), expected a last axis of 2"),
        ({"place": "points", "shape": (2,), "dtype": "int32"}, "holds points, expected float32 with NaN"),
        ({"place": "points", "shape": (2,), "unknown": -1}, "holds points, expected float32 with NaN"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(keys: dict[str, Any], refused: str) -> None:
    with pytest.raises(DistillError, match=refused):
        Column(**{"name": "c", "dtype": "float32", **keys})


@pytest.mark.parametrize(
    ("column", "given", "expected"),
    [
        (COUNT, 3, 3),
        (COUNT, 3.0, 3),
        (COUNT, None, -1),
        (Column("c", "int8", (2,), unknown=7), None, [7, 7]),
        (SPOT, (1, 2.5), [1.0, 2.5]),
        (KINDS, [4, 5], [4, 5]),
        (KINDS, [], []),
        (KINDS, None, []),
        (BOXES, [(0, 1, 2, 3)], [[0, 1, 2, 3]]),
        (BOXES, [], np.empty((0, 4))),
        (BOXES, None, np.empty((0, 4))),
    ],
)
def test_values_as_a_source_gives_them(column: Column, given: Any, expected: Any) -> None:
    value = column.value(given)
    assert value.dtype == column.dtype and np.array_equal(value, np.array(expected))


def test_unknown_floats_are_nan() -> None:
    assert np.isnan(SPOT.value(None)).all() and math.isnan(float(Column("c", "float32").value(None)))


@pytest.mark.parametrize(
    ("column", "given", "refused"),
    [
        (COUNT, [3], r"is int64 \(1,\), expected int32 \(\)"),
        (COUNT, 1.5, "holds numbers that are no int32"),
        (COUNT, 2**40, "holds numbers that are no int32"),
        (COUNT, "three", "expected int32"),
        (SPOT, [1, 2, 3], r"expected float32 \(2,\)"),
        (BOXES, (0, 1, 2, 3), r"is int64 \(4,\), expected float32 \(rows, 4\)"),
        (BOXES, [(0, 1, 2, math.nan)], "holds a row with NaN"),
        (BOXES, [(0, 1, 2, 3), (5, 1, 4, 3)], "right or lower edge before the other"),
    ],
)
def test_other_values_are_refused(column: Column, given: Any, refused: str) -> None:
    with pytest.raises(ValueError, match=refused):
        column.value(given)


def test_picking_and_joining_are_those_of_lists() -> None:
    random = np.random.default_rng(0)
    known = [[random.random(4).tolist() for _ in range(count)] for count in (2, 0, 3, 0, 0, 1, 4)]
    known = [[[float(np.float32(x)) for x in row] for row in rows] for rows in known]
    values = ragged(known, BOXES)
    index = np.array([6, 1, 0, 0, 5, 3])
    assert lists(take(values, index)) == [known[i] for i in index]
    assert lists(take(values, index[:0])) == []
    assert lists(joined([values, take(values, index), values])) == [*known, *(known[i] for i in index), *known]
    assert lists(joined([absent(BOXES, 2), values])) == [[], [], *known]
    fixed = np.arange(6).reshape(3, 2)
    assert take(fixed, np.array([2, 0])).tolist() == [[4, 5], [0, 1]]
    assert joined([fixed, fixed]).tolist() == [*fixed.tolist(), *fixed.tolist()]
    assert absent(COUNT, 3).tolist() == [-1, -1, -1] and absent(SPOT, 3).shape == (3, 2)


@pytest.mark.parametrize("column", [BOXES, KINDS, COUNT, SPOT, Column("labels", "int8", (0,))])
def test_a_column_that_was_filled_and_corrected_holds_what_was_said_last(column: Column) -> None:
    random = np.random.default_rng(1)

    def value() -> np.ndarray:
        shape = (random.integers(0, 4), *column.shape) if column.ragged else column.shape
        return random.integers(0, 99, shape).astype(column.dtype)

    growing, expected = Growing(column), [value() for _ in range(20)]
    for one in expected:
        growing.append(one.ravel().tolist())
    for picture in (3, 19, 3, 0, 7):
        expected[picture] = value()
        growing.replace(picture, expected[picture].ravel().tolist())
    found = growing.values()
    assert len(found) == 20 and all(np.array_equal(found[i], one) for i, one in enumerate(expected))
    numbers = found.rows if isinstance(found, Ragged) else found
    assert numbers.dtype == column.dtype
    empty = Growing(column).values()
    assert len(empty) == 0


def test_a_turned_box_is_the_upright_one_around_its_corners() -> None:
    angle = 0.3
    matrix = np.array([[math.cos(angle), -math.sin(angle), 4.0], [math.sin(angle), math.cos(angle), -2.0]])
    boxes = np.array([[1.0, 2.0, 5.0, 3.0], [0.0, 0.0, 2.0, 2.0]], np.float32)
    for box, found in zip(boxes.tolist(), placed(boxes, "boxes", matrix), strict=True):
        corners = [matrix @ (x, y, 1) for x in box[0::2] for y in box[1::2]]
        xs, ys = zip(*corners, strict=True)
        np.testing.assert_allclose(found, [min(xs), min(ys), max(xs), max(ys)], rtol=1e-6)
    points = placed(boxes.reshape(2, 2, 2), "points", matrix)
    assert points.dtype == np.float32 and points.shape == (2, 2, 2)
    np.testing.assert_allclose(points[0, 1], matrix @ (5.0, 3.0, 1), rtol=1e-6)
    assert placed(boxes[:0], "boxes", matrix).shape == (0, 4)
