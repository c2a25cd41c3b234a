"""The printed tables, and the explanation of each cell that does not agree: `paper_tables.json`.

A table, its rows and their cells say what is counted (the keys of `Reading`); the inner one has the last word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from distill.files.atomic import read_json

PAPER_TABLES = Path(__file__).with_name("paper_tables.json")
_MILLION = 1_000_000


class State(StrEnum):
    """What is to be said of a cell."""

    AGREES = "agrees"
    TRUNCATED = "truncated"
    ROUNDED = "rounded"
    ERRATUM = "erratum"
    VARIANT = "another variant"
    UNREPRODUCED = "cannot be reproduced"
    UNEXPLAINED = "disagrees, unexplained"


@dataclass(frozen=True)
class Reading:
    """What to count.

    Args:
        network: a student's full name, or a key of `distill.audit.networks.BUILDERS`; None: nothing to count.
        resolution: pixels of a side; None for that of the student's name.
        within: only the weights of the layers inside this module.
        kind: only the weights of the layers of this kind, in per cent of all (table 2).
        without: left out: a kind of layer, or `normalisation and biases`.
        times: each mult-add or parameter counts that many.
        unit: of the printed number.
        index: of the row in table 1.
    """

    network: str | None = None
    resolution: int | None = None
    outputs: int = 1000
    within: str = ""
    kind: str = ""
    without: str = ""
    times: float = 1
    unit: int = _MILLION
    index: int = 0


@dataclass(frozen=True)
class OtherReading:
    """Another way to count a cell, and what it gives.

    Args:
        gives: as many digits as are claimed.
        to: what it is rounded to in print; None for the printed digits.
        truncated: it is cut there, not rounded.
    """

    reading: Reading
    gives: str
    to: int | None
    truncated: bool


@dataclass(frozen=True)
class Explanation:
    """Why a cell does not show what is counted; every number in it is recomputed by the audit.

    Args:
        computed: what is counted instead, with as many digits as are claimed.
        to: what the printed number is truncated or rounded to; None for its last digit.
        readings: other ways to count. Those of an erratum or a variant must give the printed number; those of a cell
            that cannot be reproduced were tried and must not. An erratum without any has its digits in another order.
    """

    state: State
    reason: str
    computed: str | None
    to: int | None
    readings: tuple[OtherReading, ...]


@dataclass(frozen=True)
class Cell:
    """One printed figure.

    Args:
        quantity: `mult_adds`, `parameters`, or `layer`: a whole row of table 1.
    """

    table: str
    row: str
    quantity: str
    printed: str
    reading: Reading
    explanation: Explanation | None


@dataclass(frozen=True)
class Table:
    """Its cells in the order of print."""

    name: str
    title: str
    cells: tuple[Cell, ...]


def read_tables(path: Path = PAPER_TABLES) -> tuple[Table, ...]:
    """The tables of the paper that the audit recomputes."""
    return tuple(
        Table(
            table["name"],
            table["title"],
            tuple(
                _cell(table["name"], row["model"], quantity, table | row | cell)
                for row in table["rows"]
                for quantity, cell in row["cells"].items()
            ),
        )
        for table in read_json(path)["tables"]
    )


def _cell(table: str, row: str, quantity: str, keys: Mapping[str, Any]) -> Cell:
    explained = keys.get("explanation")
    return Cell(
        table,
        row,
        quantity,
        keys["printed"],
        _reading(keys),
        None
        if explained is None
        else Explanation(
            State(explained["state"]),
            explained["reason"],
            explained.get("computed"),
            explained.get("to"),
            tuple(
                OtherReading(
                    _reading({**keys, **other}), other["gives"], other.get("to"), other.get("truncated", False)
                )
                for other in explained.get("readings", ())
            ),
        ),
    )


def _reading(keys: Mapping[str, Any]) -> Reading:
    return Reading(**{field.name: keys[field.name] for field in fields(Reading) if field.name in keys})
