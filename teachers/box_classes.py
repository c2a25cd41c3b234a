"""Which classes of a detector are the data's, by their names.

Shapes: W classes of the detector, C of the data.
"""

import csv
from pathlib import Path
from typing import Literal

from distill.data.wordnet import shown
from distill.errors import DistillError, echo
from teachers.teacher import read_classes

NameMap = Literal["coco_to_voc"] | Path
"""What the data calls a detector's classes: that of COCO's 80 names to VOC's 20, or a CSV file of `teacher,data`."""
ClassNames = Literal["coco"] | tuple[str, ...] | Path
"""COCO's 80 in their order; or names in a list or a file."""

_HERE = Path(__file__).with_name("class_names")
_HEADING = ["teacher", "data"]


def class_names(given: ClassNames) -> tuple[str, ...]:
    """The names (W,) in their order.

    Raises:
        DistillError: a file holds no names.
    """
    return read_classes(_HERE / "coco.txt" if given == "coco" else given) or ()


def columns_of(classes: tuple[str, ...], names: tuple[str, ...], name_map: NameMap | None) -> tuple[int, ...]:
    """Which of the detector's `names` (W,) each of the data's `classes` is, (C,).

    Raises:
        DistillError: the detector does not know one of them, or knows it twice.
    """
    called = {} if name_map is None else _read(name_map)
    if called and not set(called) & set(names):
        raise DistillError(
            f"teacher.class_map: {name_map} renames {shown(list(called))}, and the detector has no class of these "
            f"names. It has {shown(list(names))}. Give a map of its own names."
        )
    renamed = [called.get(name, name) for name in names]
    if absent := [name for name in classes if name not in renamed]:
        near = "" if name_map else " Where it calls them otherwise, give teacher.class_map, a CSV file of teacher,data."
        raise DistillError(
            f"teacher.classes: the detector does not know {len(absent)} of the data's {len(classes)} classes: "
            f"{shown(absent)}. It knows {shown(renamed)}.{near}"
        )
    for name in classes:
        if renamed.count(name) > 1:
            raise DistillError(
                f"teacher.classes: {renamed.count(name)} of the detector's classes are called {name!r}; one can be."
            )
    return tuple(map(renamed.index, classes))


def _read(name_map: NameMap) -> dict[str, str]:
    """From the detector's name to the data's."""
    file = _HERE / f"{name_map}.csv" if isinstance(name_map, str) else name_map.expanduser()
    try:
        rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DistillError(f"teacher.class_map: {file} cannot be read as CSV of teacher,data ({error}).") from error
    first = echo(rows[0] if rows else "")
    if not rows or [cell.strip() for cell in rows[0]] != _HEADING:
        raise DistillError(f"teacher.class_map: {file} begins with {first}, expected teacher,data.")
    called: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(_HEADING) or row[0].strip() in called:
            raise DistillError(f"{file}, line {number}: {echo(row)}, expected two names, the first not given before.")
        called[row[0].strip()] = row[1].strip()
    if not called:
        raise DistillError(
            f"teacher.class_map: {file} names no class after its heading. Give a line for each, or no map."
        )
    return called
