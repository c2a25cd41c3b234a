"""Boxes in a table: four columns of a row, found by their names or named in the recipe."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from distill.data.sources.csv_rows import Row
from distill.errors import DistillError, echo, few

_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("x0", "y0", "x1", "y1"),
    ("left", "top", "right", "bottom"),
    ("xtl", "ytl", "xbr", "ybr"),
    ("startx", "starty", "endx", "endy"),
)
_LEFT, _TOP = ("xmin", "x1", "x0", "left", "xtl"), ("ymin", "y1", "y0", "top", "ytl")
_SIZES = (("width", "height"), ("w", "h"))
_CORNER_AND_SIZE = tuple((left, top, *size) for left, top in zip(_LEFT, _TOP, strict=True) for size in _SIZES)
# Of these nobody can tell whether a corner or the middle comes first.
_DOUBTFUL = tuple(
    (x, y, *size) for x, y in (("x", "y"), ("cx", "cy"), ("xc", "yc"), ("xcenter", "ycenter")) for size in _SIZES
)
_ONE_CELL = ("bbox", "bboxes", "box", "boxes", "boundingbox", "boundingboxes", "predictionstring", "encodedpixels")
_LANDMARK = "x3"  # points of a face, which are numbered on
_IGNORED = ("difficult", "iscrowd", "crowd", "ignore", "ignored")
_FLAGS = {"1": 1, "1.0": 1, "true": 1, "yes": 1, "0": 0, "0.0": 0, "false": 0, "no": 0, "": 0, "nan": 0}
_EMPTY = ("", "nan", "null", "none")
_LEAVE_OUT = "boxes: [] leaves them out"


class Box(NamedTuple):
    """A row's: corners x1, y1, x2, y2 in pixels, whether it is not to be counted, and the height and width that the
    table gives its picture."""

    corners: tuple[float, float, float, float]
    ignored: bool
    size: tuple[int, int] | None


@dataclass(frozen=True)
class BoxColumns:
    """Where a table has its boxes.

    Attributes:
        names: of the four columns.
        sized: they are the left upper corner, width and height; else two corners.
        ignored: the column that says which are not to be counted; None where none does.
        picture: the columns of the picture's height and width, beside edges; None where there are none.
        named: whether the recipe names them.
    """

    names: tuple[str, ...]
    sized: bool
    ignored: str | None
    picture: tuple[str, str] | None
    named: bool

    def __str__(self) -> str:
        what = "left upper corner, width and height" if self.sized else "left, upper, right and lower edge"
        ignored = "" if self.ignored is None else f", and {self.ignored} as those not to be counted"
        return f"{', '.join(self.names)} as boxes ({what}, in pixels){ignored}"

    def read(self, file: Path, row: Row) -> Box | None:
        """The box of a row; None where it has none.

        Raises:
            DistillError: it is not whole, or no number.
        """
        cells = [row.cells[name] for name in self.names]
        if all(cell.lower() in _EMPTY for cell in cells):
            return None
        left, top, right, bottom = map(_number, cells)
        if not all(map(math.isfinite, (left, top, right, bottom))):
            raise DistillError(
                f"{file}:{row.number}: {', '.join(self.names)} are {echo(cells)}, expected four numbers, or nothing "
                "where the picture has no box."
            )
        flag = "" if self.ignored is None else row.cells[self.ignored].lower()
        if flag not in _FLAGS:
            raise DistillError(f"{file}:{row.number}: {self.ignored} is {echo(flag)}, expected 1 or 0.")
        corners = (left, top, left + right, top + bottom) if self.sized else (left, top, right, bottom)
        return Box(corners, bool(_FLAGS[flag]), self._size(row))

    def _size(self, row: Row) -> tuple[int, int] | None:
        if self.picture is None:
            return None
        height, width = (_number(row.cells[name]) for name in self.picture)
        return (int(height), int(width)) if height >= 1 and width >= 1 else None


def find_boxes(header: Sequence[str], named: tuple[str, ...] | None, file: Path) -> BoxColumns | None:
    """The columns of boxes.

    Args:
        named: in the recipe; an empty tuple for none, None for whatever is known by its name.

    Raises:
        DistillError: what the columns hold looks like boxes in a form that is not known, or not four are named.
    """
    if named is not None:
        return _named(header, named) if named else None
    by_name = {_plain(name): name for name in reversed(header)}
    for usual, sized in ((_CORNERS, False), (_CORNER_AND_SIZE, True)):
        for names in usual:
            if _LANDMARK not in by_name and all(name in by_name for name in names):
                return _columns(header, tuple(by_name[name] for name in names), sized, named=False)
    for names in _DOUBTFUL:
        if all(name in by_name for name in names):
            columns = ", ".join(by_name[name] for name in names)
            raise DistillError(
                f"boxes: {file} has the columns {columns}, which may be of boxes from their corner or from their "
                f"middle. Name them where they are the left upper corner and the size in pixels (boxes: [{columns}]); "
                f"else write edges: xmin, ymin, xmax, ymax. {_LEAVE_OUT}."
            )
    if cell := next((by_name[name] for name in _ONE_CELL if name in by_name), None):
        raise DistillError(
            f"boxes: {file} has the column {cell}, which may hold boxes in one cell. Write a row for each box, with "
            f"the columns xmin, ymin, xmax, ymax in pixels; {_LEAVE_OUT}."
        )
    return None


def boxes_of(rows: Sequence[Row], columns: BoxColumns, label: str, file: Path) -> list[Box | None]:
    """The box of each row.

    Args:
        label: the column of its class.

    Raises:
        DistillError: one is no box, or has no class; or they are in shares of the picture.
    """
    boxes = [columns.read(file, row) for row in rows]
    for row, box in zip(rows, boxes, strict=True):
        if (box is None) == bool(row.cells[label]):
            has = "no box" if box is None else "a box"
            raise DistillError(
                f"{file}:{row.number}: has {has}, and {label} is {echo(row.cells[label])}; expected a class for each "
                "box, and neither where a picture has none."
            )
    corners = [box.corners for box in boxes if box is not None]
    if corners and max(map(max, corners)) <= 1:
        raise DistillError(
            f"{file}: no number of {few(columns.names)} is above 1, so they are shares of the picture; expected "
            "pixels. Multiply them by its width and height."
        )
    return boxes


def _named(header: Sequence[str], named: tuple[str, ...]) -> BoxColumns:
    if len(named) != 4:
        raise DistillError(
            f"boxes: names {len(named)} columns ({echo(', '.join(named))}), expected four: left, upper, right and "
            "lower edge, or left, top, width and height; or none ([])."
        )
    sized = _plain(named[2]) in [size[0] for size in _SIZES]
    return _columns(header, named, sized, named=True)


def _columns(header: Sequence[str], names: tuple[str, ...], sized: bool, named: bool) -> BoxColumns:
    ignored = next((name for name in header if _plain(name) in _IGNORED), None)
    by_name = {_plain(name): name for name in header if name not in names}
    width, height = (by_name.get(name) for name in _SIZES[0])
    picture = None if sized or width is None or height is None else (height, width)
    return BoxColumns(names, sized, ignored, picture, named)


def _plain(name: str) -> str:
    """A column's name in lower case, without blanks and marks, and without what says that it is of a box."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    return re.sub(r"^(bbox|box|boundingbox|roi|region)(?=(x|y|w|h|left|top|right|bottom|start|end))", "", letters)


def _number(cell: str) -> float:
    """NaN where a cell is no number; a comma in it is what programs write that separate columns by semicolons."""
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return math.nan
