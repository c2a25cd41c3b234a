"""Which part each row of a table is of: as a column says, or shares held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from distill.data.sources.csv_rows import Row
from distill.data.sources.held_out import shared_out
from distill.data.sources.parts import PARTS, part_of
from distill.data.sources.source import SPLITS, Split
from distill.errors import DistillError, echo

_NUMBERED: dict[str, Split] = {f"{number}{end}": split for number, split in enumerate(SPLITS) for end in ("", ".0")}
"""Parts as CelebA writes them."""


class Unit(NamedTuple):
    """What a row is shared out by.

    Attributes:
        group: of which each share is taken: a class.
        name: what is in one part alone: a picture, or a person.
        known: whether anything is known of it that could be scored.
    """

    group: str
    name: str
    known: bool


def numbered(rows: Sequence[Row], column: str) -> bool:
    """Whether parts are written in CelebA's numbers, the 2 of test among them; 0 and 1 alone may be any two parts."""
    cells = {row.cells[column] for row in rows}
    return cells <= _NUMBERED.keys() and any(_NUMBERED[cell] == "test" for cell in cells)


def parts_of(rows: Sequence[Row], column: str, table: Path) -> list[Split]:
    """What a column says of each row.

    Raises:
        DistillError: it says something else.
    """
    by_number = numbered(rows, column)
    splits = []
    for row in rows:
        cell = row.cells[column]
        part = _NUMBERED[cell] if by_number else part_of(cell)
        if part is None:
            two = " 0 and 1 without a 2 may be any two parts: write words." if cell in _NUMBERED else ""
            raise DistillError(
                f"{table}:{row.number}: {column} is {echo(cell)}, expected one of {', '.join(PARTS)}, or 0, 1 and 2 as "
                f"CelebA has them.{two} Where that column says something else, name another by split."
            )
        splits.append(part)
    return splits


def shares_of(units: Sequence[Unit], validation: float, test: float, table: Path) -> list[Split]:
    """Shares of each group held out.

    What nothing is known of is for training, to transfer on: nothing can be scored by it. Where nothing is known of
    any, shares are taken all the same.

    Raises:
        DistillError: a group is too small.
    """
    anything = any(unit.known for unit in units)
    groups: dict[str, set[str]] = {}
    for unit in units:
        if unit.known or not anything:
            groups.setdefault(unit.group, set()).add(unit.name)
    splits: dict[str, Split] = {}
    for group, names in groups.items():
        part = shared_out(names, validation, test)
        if part is None:
            raise DistillError(
                f"validation, test: {table} has {len(names)} of {group or 'all'}, too few to hold some out; add "
                "pictures, or leave these out."
            )
        splits |= part
    return [splits[unit.name] if unit.known or not anything else "train" for unit in units]
