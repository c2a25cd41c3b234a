"""Printed against computed, cell by cell, and every explanation put to the test."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from distill.audit.printed import Cell, Explanation, State, Table
from distill.audit.recount import recount

TOLERANCE = Fraction(5, 1000)
"""Of the printed number: what agrees although a digit differs."""


@dataclass(frozen=True)
class Finding:
    """What is to be said of one cell.

    Args:
        computed: with one digit more than printed; None where there is no network to count.
        reason: why printed and computed differ; where that is unexplained, what is wrong with the explanation.
    """

    cell: Cell
    computed: str | None
    state: State
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "table": self.cell.table,
            "row": self.cell.row,
            "quantity": self.cell.quantity,
            "printed": self.cell.printed,
            "computed": self.computed,
            "state": str(self.state),
            "reason": self.reason,
        }


def audit(tables: Iterable[Table]) -> tuple[Finding, ...]:
    """One finding a cell, in the order of print.

    A cell agrees where its printed digits, or it within half a per cent, are what is counted. Any other needs an
    explanation, and the numbers of an explanation must be what is counted, too.
    """
    return tuple(_judge(cell) for table in tables for cell in table.cells)


def _judge(cell: Cell) -> Finding:
    value, explanation = recount(cell.reading, cell.quantity), cell.explanation
    computed = _text(value, cell.printed)
    if explanation is None:
        return Finding(cell, computed, State.AGREES if _agrees(value, cell.printed) else State.UNEXPLAINED)
    flaw = _flaw(cell, value, explanation)
    if flaw:
        return Finding(cell, computed, State.UNEXPLAINED, f"explained as {explanation.state}, but {flaw}")
    others = ", ".join(other.gives for other in explanation.readings)
    how = "not reproduced by" if explanation.state is State.UNREPRODUCED else "counted so:"
    return Finding(cell, computed, explanation.state, explanation.reason + (f" ({how} {others})" if others else ""))


def _flaw(cell: Cell, value: Fraction | str | None, explanation: Explanation) -> str:
    """What is wrong with an explanation; empty where it holds."""
    printed, state, claimed = cell.printed, explanation.state, explanation.computed
    if value is None:
        return "" if state is State.UNREPRODUCED and claimed is None else "there is nothing to count"
    if claimed is None or not _shows(value, claimed):
        return f"{claimed} is not what is counted"
    if _shows(value, printed):
        return "the printed digits are what is counted"
    if isinstance(value, str):
        return "" if state is State.ERRATUM else "only an erratum can be a text"
    if state in (State.TRUNCATED, State.ROUNDED):
        shown = _shows(value, printed, explanation.to, truncated=state is State.TRUNCATED)
        return "" if shown else "that gives another number"
    if state is State.VARIANT and not any(r.reading.network != cell.reading.network for r in explanation.readings):
        return "no variant is named"
    if state is State.ERRATUM and not explanation.readings and sorted(printed) != sorted(claimed):
        return "no other reading gives what is printed, nor do the same digits in another order"
    reproduced = state is not State.UNREPRODUCED
    if not reproduced and _agrees(value, printed):
        return "it is reproduced"
    for other in explanation.readings:
        recounted = recount(other.reading, cell.quantity)
        if not _shows(recounted, other.gives):
            return f"another reading does not give {other.gives}"
        agrees = (
            _shows(recounted, printed, other.to, truncated=True)
            if other.truncated
            else _agrees(recounted, printed, other.to)
        )
        if agrees != reproduced:
            return f"{other.gives} {'disagrees' if reproduced else 'agrees'} with what is printed"
    return ""


def _agrees(value: Fraction | str | None, printed: str, to: int | None = None) -> bool:
    if _shows(value, printed, to):
        return True
    return isinstance(value, Fraction) and abs(value - Fraction(printed)) <= TOLERANCE * Fraction(printed)


def _shows(value: Fraction | str | None, printed: str, to: int | None = None, truncated: bool = False) -> bool:
    """Whether `printed` is the value, rounded or truncated to its last digit or to `to`."""
    if not isinstance(value, Fraction):
        return value == printed
    unit = to or _last_digit(printed)
    half = Fraction(0) if truncated else Fraction(1, 2)
    return math.floor(value / unit + half) * unit == Fraction(printed)


def _last_digit(printed: str) -> Fraction:
    return Fraction(1, 10 ** len(printed.partition(".")[2]))


def _text(value: Fraction | str | None, printed: str) -> str | None:
    if not isinstance(value, Fraction):
        return value
    return f"{float(value):.{len(printed.partition('.')[2]) + 1}f}"
