"""What is known of the pictures of a set in the making: rows kept, and the ledger of the others.

It is a pure function of the entries added, in their order, so a set that was stopped is picked up by adding the
entries of its finished shards again.

Shapes: N rows.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from distill.data.sources.source import SPLITS
from distill.data.targets import Column, Growing, Values

_DUPLICATE = "duplicate of "
_CONTRADICTION = "contradiction: "
_ROW = "left out: "
_LABELS = ("labels", "identities")
UNUSED = len(SPLITS)
"""The split of a row that is in none: its photograph is labelled in contradiction."""


def duplicate_of(reason: str) -> str | None:
    """The picture kept in place of one that was left out as its duplicate, by the reason in the ledger; None where that
    one was bad."""
    return reason.removeprefix(_DUPLICATE) if reason.startswith(_DUPLICATE) else None


def contradicts(reason: str) -> bool:
    """Whether a picture was left out because its photograph is labelled in another way too, by the ledger's reason."""
    return reason.startswith(_CONTRADICTION)


def of_a_row(reason: str) -> bool:
    """Whether a box or another row of a picture's targets was left out, and not the picture, by the ledger's reason."""
    return reason.startswith(_ROW)


def pictures_of(ledger: Sequence[tuple[str, str]]) -> int:
    """How many pictures a ledger has, without those of which a row alone was left out."""
    return sum(not of_a_row(reason) for _, reason in ledger)


class Entry(NamedTuple):
    """What came of one listed picture.

    Attributes:
        content: 64-bit hash of the picture; None where it is bad.
        file: the same of the whole one, where a box was cut out.
        reason: why it is bad, or "".
        split: an index into `SPLITS`.
        targets: of each column the numbers of the picture's value, end to end; none where it is bad.
        left_out: of each row of its targets that could not be used, what it is and why.
    """

    name: str
    content: int | None
    file: int | None
    reason: str
    split: int
    targets: dict[str, list[float]]
    left_out: Sequence[str] = ()


class Kept:
    """Rows in columns, so that a million of them take little.

    Of pictures with the same content one is kept: the first of the test split, or else of validation, or else of
    train. The others go to the ledger.

    Where one photograph is labelled in two ways, of classes, attributes or people, all of its files go to the ledger:
    no order says which is right. Its row stays, in no split and with nothing known of it.

    Args:
        columns: of the targets; `labels` and `identities` first.
        classes: names of the labels, for the ledger.
    """

    def __init__(self, columns: Sequence[Column], classes: Sequence[str] = ()) -> None:
        self.classes = tuple(classes)
        self.contradicted = 0  # rows
        self.names: list[str] = []
        self.ledger: list[tuple[str, str]] = []
        self._contents, self._files, self._splits = array("Q"), array("Q"), array("B")
        self._targets = {column.name: Growing(column) for column in columns}
        self._row_of: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def add(self, entry: Entry) -> bool:
        """Enter a picture; True where its pixels are to be stored as the next row."""
        if entry.content is None or entry.file is None:
            self.ledger.append((entry.name, entry.reason))
            return False
        self.ledger += [(entry.name, _ROW + reason) for reason in entry.left_out]
        row = self._row_of.get(entry.content)
        if row is None:
            self._row_of[entry.content] = len(self)
            self.names.append(entry.name)
            self._contents.append(entry.content)
            self._files.append(entry.file)
            self._splits.append(entry.split)
            for name, column in self._targets.items():
                column.append(entry.targets[name])
            return True
        if self._splits[row] == UNUSED or self._differ(row, entry):
            self._contradict(row, entry)
            return False
        left, first = entry.name, self.names[row]
        if entry.split > self._splits[row]:  # the pixels are the same: the split that must keep it takes the row over
            left, first = first, left
            self.names[row], self._splits[row] = entry.name, entry.split
            for name, column in self._targets.items():
                column.replace(row, entry.targets[name])
        self.ledger.append((left, _DUPLICATE + first))
        return False

    def _differ(self, row: int, entry: Entry) -> bool:
        """Whether a row and another file of its photograph are known to show different things."""
        pairs = [
            pair for name in _LABELS for pair in zip(self._targets[name].value(row), entry.targets[name], strict=True)
        ]
        return any(own != other and own >= 0 and other >= 0 for own, other in pairs)

    def _contradict(self, row: int, entry: Entry) -> None:
        """Leave out a photograph that is labelled in two ways, and name both files."""
        first = self.names[row]
        if self._splits[row] == UNUSED:
            self.ledger.append(
                (entry.name, f"{_CONTRADICTION}the same photograph as {first}, which is labelled in two ways")
            )
            return
        own = {name: self._targets[name].value(row) for name in _LABELS}
        here, there = self._said(own, entry.targets), self._said(entry.targets, own)
        self.ledger.append((first, f"{_CONTRADICTION}{here} here, {there} in {entry.name}"))
        self.ledger.append((entry.name, f"{_CONTRADICTION}{there} here, {here} in {first}"))
        self._splits[row] = UNUSED
        self.contradicted += 1
        for name in _LABELS:
            self._targets[name].replace(row, [-1] * len(own[name]))

    def _said(self, own: Mapping[str, Sequence[float]], other: Mapping[str, Sequence[float]]) -> str:
        """What is said of a photograph that the other does not say."""
        differing = [
            (name, value)
            for name, value, there in zip(self.classes, own["labels"], other["labels"], strict=True)
            if value != there and min(value, there) >= 0
        ]
        present = [name for name, value in differing if value == 1]
        if differing:
            return " and ".join(present[:3]) or f"not {differing[0][0]}"
        return f"person {int(own['identities'][0])}"

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays beside the pictures that are no targets, as `Prepared` has them."""
        return {
            "hashes": np.array(self._contents, np.uint64),
            "files": np.array(self._files, np.uint64),
            "splits": np.array(self._splits, np.uint8),
        }

    def targets(self) -> dict[str, Values]:
        """The targets by column."""
        return {name: column.values() for name, column in self._targets.items()}
