"""What the cells of a table say of attributes and classes."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from distill.data.sources.csv_rows import Row
from distill.errors import DistillError, echo

_VALUES = {"1": 1, "1.0": 1, "true": 1, "yes": 1, "0": 0, "0.0": 0, "false": 0, "no": 0, "": -1, "nan": -1, "null": -1}
_MINUS = ("-1", "-1.0")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Classes in the order of their names; where all are whole numbers, in theirs: 10 comes after 2."""
    found = set(names)
    if all(name.isdecimal() for name in found):
        return tuple(sorted(found, key=lambda name: (int(name), name)))
    return tuple(sorted(found))


def one_hot(names: Sequence[str], classes: Sequence[str], otherwise: int) -> list[tuple[int, ...]]:
    """Labels of pictures of one class each.

    Args:
        otherwise: the label of every class where a name is none of them.
    """
    known = {own: tuple(int(own == one) for one in classes) for own in classes}
    return [known.get(name, (otherwise,) * len(classes)) for name in names]


def listed(cell: str) -> list[str]:
    """The entries of a cell."""
    return "".join(" " if character in ",;|" else character for character in cell).split()


def attribute_labels(rows: Sequence[Row], attributes: Sequence[str], table: Path) -> list[tuple[int, ...]]:
    """Labels of a column each.

    Raises:
        DistillError: a cell says neither yes nor no.
    """
    cells = [[row.cells[name].lower() for name in attributes] for row in rows]
    # Absent beside 1, as CelebA writes it; where 0 says that, what is left for -1 is that nobody knows.
    zero = any(_VALUES.get(cell) == 0 for own in cells for cell in own)
    values = _VALUES | dict.fromkeys(_MINUS, -1 if zero else 0)
    for row, own in zip(rows, cells, strict=True):
        for name, cell in zip(attributes, own, strict=True):
            if cell not in values:
                raise DistillError(
                    f"{table}:{row.number}: {name} is {echo(cell)}, expected 1 or 0, 1 or -1, true or false, yes or "
                    "no, or nothing where it is not known."
                )
    return [tuple(values[cell] for cell in own) for own in cells]
