"""What is known of the pictures of a set in the making: rows kept, and the ledger of the others.

It is a pure function of the entries added, in their order, so a set that was stopped is picked up by adding the
entries of its finished shards again.

Shapes: N rows, C classes.
"""

from array import array
from typing import NamedTuple

import numpy as np

_DUPLICATE = "duplicate of "


def duplicate_of(reason: str) -> str | None:
    """Of a reason in the ledger: the picture that is kept in place of the one left out; None where that one is bad."""
    return reason.removeprefix(_DUPLICATE) if reason.startswith(_DUPLICATE) else None


class Entry(NamedTuple):
    """What came of one listed picture.

    Attributes:
        content: 64-bit hash of the picture; None where it is bad.
        file: the same of the whole one, where a box was cut out.
        reason: why it is bad, or "".
        labels: one a class, 1, 0 or -1.
        split: an index into `SPLITS`.
    """

    name: str
    content: int | None
    file: int | None
    reason: str
    labels: tuple[int, ...]
    identity: int
    split: int


class Kept:
    """Rows in columns, so that a million of them take little.

    Of pictures with the same content one is kept: the first of the test split, or else of validation, or else of
    train. The others go to the ledger.
    """

    def __init__(self, classes: int) -> None:
        self.names: list[str] = []
        self.ledger: list[tuple[str, str]] = []
        self._classes = classes
        self._contents, self._files, self._identities = array("Q"), array("Q"), array("q")
        self._labels, self._splits = array("b"), array("B")
        self._row_of: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def add(self, entry: Entry) -> bool:
        """Enter a picture; True where its pixels are to be stored as the next row."""
        if entry.content is None or entry.file is None:
            self.ledger.append((entry.name, entry.reason))
            return False
        row = self._row_of.get(entry.content)
        if row is None:
            self._row_of[entry.content] = len(self)
            self.names.append(entry.name)
            self._contents.append(entry.content)
            self._files.append(entry.file)
            self._identities.append(entry.identity)
            self._labels.extend(entry.labels)
            self._splits.append(entry.split)
            return True
        left, first = entry.name, self.names[row]
        if entry.split > self._splits[row]:  # the pixels are the same: the split that must keep it takes the row over
            left, first = first, left
            self.names[row], self._identities[row], self._splits[row] = entry.name, entry.identity, entry.split
            self._labels[row * self._classes : (row + 1) * self._classes] = array("b", entry.labels)
        self.ledger.append((left, _DUPLICATE + first))
        return False

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays beside the pictures, as `Prepared` has them."""
        return {
            "hashes": np.array(self._contents, np.uint64),
            "files": np.array(self._files, np.uint64),
            "labels": np.array(self._labels, np.int8).reshape(len(self), self._classes),
            "identities": np.array(self._identities, np.int64),
            "splits": np.array(self._splits, np.uint8),
        }
