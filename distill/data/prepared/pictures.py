"""The pictures of one split, over one or more prepared sets: what a loader gathers from.

Shapes: N pictures, C classes, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Split
from distill.data.targets import (
    PICTURE_SIZE,
    Column,
    Place,
    Ragged,
    Values,
    absent,
    joined,
    labels_column,
    placed,
    take,
)
from distill.data.wordnet import match, relabel, wordnet_id
from distill.errors import DistillError

_MIRRORED = np.uint64(0x9E3779B97F4A7C15)  # any constant: it keeps a mirror image's hash from that of the picture


@dataclass(frozen=True, eq=False)
class Pictures:
    """Rows of prepared sets under one consecutive index.

    Attributes:
        sets: prepared sets of one picture size.
        rows: for each set the rows that belong, int64.
        classes: columns of the labels. Another set's are matched by WordNet id, or by name where there are none; one
            that shares no class, or that has no labels, is unknown (-1) in all of them.
        hidden: numbers of the sets whose labels and further targets are not to be used: unknown throughout.
        mirrored: whether left and right are exchanged: to a network, other pictures, and so of other hashes.
        learnt: what else was found out about the pictures, such as what a teacher sees in them: columns with the values
            of all N, places as shares of the picture that is not mirrored.
    """

    sets: tuple[Prepared, ...]
    rows: tuple[np.ndarray, ...]
    classes: tuple[str, ...]
    mirrored: bool = False
    hidden: frozenset[int] = frozenset()
    learnt: tuple[tuple[Column, Values], ...] = ()

    @classmethod
    def of(cls, labelled: Prepared, split: Split, unlabelled: Sequence[Prepared] = ()) -> Self:
        """One split of a set, and every picture of the unlabelled ones that is not in the set already.

        Raises:
            DistillError: the sets were prepared at different sizes.
        """
        shape = labelled.pictures.shape[1:]
        for other in unlabelled:
            if other.pictures.shape[1:] != shape:
                raise DistillError(
                    f"{other.directory}: its pictures are {other.pictures.shape[1:]}, those of {labelled.directory} "
                    f"are {shape}. Prepare both at one size (prepare.height, prepare.width)."
                )
        # A picture that is scored must not be transferred on, though it came in a second time without its labels, or
        # without the box that it is cut to.
        known = labelled.files
        rows = [labelled.indices(split)]
        for other in unlabelled:
            rows.append(np.flatnonzero(~np.isin(other.files, known)))
            known = np.union1d(known, other.files)
        return cls((labelled, *unlabelled), tuple(rows), labelled.classes)

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.cumsum([0, *(len(rows) for rows in self.rows)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the prepared pictures in pixels."""
        return self.sets[0].pictures.shape[1:3]

    @cached_property
    def source_sizes(self) -> np.ndarray | None:
        """int32 (N, 2), height and width in pixels of the pictures that these were made of; None where it is not known
        of all."""
        sizes = self.targets.get(PICTURE_SIZE.name)
        return sizes if isinstance(sizes, np.ndarray) and (sizes > 0).all() else None

    @property
    def pixels(self) -> str:
        """What a content hash does not say of the pixels; the same in all sets."""
        return self.sets[0].pixels

    def every(self, step: int) -> Self:
        """Each ``step``-th picture of each set: a smaller sample of the same mixture."""
        kept = np.concatenate([np.arange(len(rows)) % step == 0 for rows in self.rows])
        return self.where(kept)

    def where(self, kept: np.ndarray) -> Self:
        """Those for which bool (N,) holds."""
        parts = np.split(kept, self._starts[1:-1])
        rows = tuple(rows[part] for rows, part in zip(self.rows, parts, strict=True))
        chosen = np.flatnonzero(kept)
        learnt = tuple((column, take(values, chosen)) for column, values in self.learnt)
        return replace(self, rows=rows, learnt=learnt)

    def knowing(self, column: Column, values: Values) -> Self:
        """The same pictures with a column of which the sets know nothing: the values of all N, in their order."""
        return replace(self, learnt=(*self.learnt, (column, values)))

    def labelled(self) -> Self:
        """Those that some class is known to be on."""
        return self.where((self.labels == 1).any(axis=1))

    def mirror(self) -> Self:
        """The same pictures, left and right exchanged."""
        return replace(self, mirrored=not self.mirrored)

    @cached_property
    def hashes(self) -> np.ndarray:
        """uint64 (N,)."""
        hashes = _joined([_taken(part.hashes, rows) for part, rows in zip(self.sets, self.rows, strict=True)])
        return hashes ^ _MIRRORED if self.mirrored else hashes

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What is known of the pictures: the labels of `classes`, whatever the first set knows beside its own, and what
        was learnt of them."""
        learnt = (column for column, _ in self.learnt)
        return labels_column(len(self.classes)), *self.sets[0].columns[1:], *learnt

    @cached_property
    def targets(self) -> dict[str, Values]:
        """Of each column the values; of sets that lack one, unknown or empty, and empty of sets of other classes where
        it is ragged. Places are shares of the picture.

        Raises:
            DistillError: another set has a column of the same name that holds something else; or as `labels`.
        """
        known: dict[str, Values] = {"labels": self.labels, "identities": self.identities}
        further: list[tuple[Column, Values]] = []
        for column in self.sets[0].columns[len(known) :]:
            parts = enumerate(zip(self.sets, self.rows, strict=True))
            values = [self._further(column, part, rows, number in self.hidden) for number, (part, rows) in parts]
            further.append((column, joined(values)))
        for column, whole in (*further, *self.learnt):
            known[column.name] = _mirror(whole, column.place) if self.mirrored and column.place else whole
        return known

    def _further(self, column: Column, part: Prepared, rows: np.ndarray, hidden: bool) -> Values:
        declared = next((other for other in part.columns if other.name == column.name), None)
        # Rows may be of classes by number, as boxes are, and another set's numbers are other classes.
        if declared is None or hidden or (column.ragged and part.classes != self.classes):
            return absent(column, len(rows))
        if declared.describe() != column.describe():
            raise DistillError(
                f"{part.directory}: its column {column.name} holds {declared.describe()}, that of "
                f"{self.sets[0].directory} {column.describe()}. Give the two different names."
            )
        values = part.targets[column.name]
        return take(values, rows) if isinstance(values, Ragged) else _taken(values, rows)

    @cached_property
    def identities(self) -> np.ndarray:
        """int64 (N,), the number of the person shown, -1 where unknown. Two sets' numbers are different people's."""
        blocks, before = [], 0
        for part, rows in zip(self.sets, self.rows, strict=True):
            blocks.append(np.where(part.identities[rows] < 0, -1, part.identities[rows] + before))
            before += int(part.identities.max(initial=-1)) + 1
        return np.concatenate(blocks)

    @cached_property
    def labels(self) -> np.ndarray:
        """int8 (N, C).

        Raises:
            DistillError: of another set some classes have WordNet ids and some have not.
        """
        parts = enumerate(zip(self.sets, self.rows, strict=True))
        return _joined([self._labels(part, rows, number in self.hidden) for number, (part, rows) in parts])

    @property
    def of_no_class(self) -> int:
        """Pictures that are labelled in their own set, but with a class that is not among these."""
        pairs = zip(self.sets, self.rows, strict=True)
        before = sum(int((part.labels[rows] == 1).any(axis=1).sum()) for part, rows in pairs)
        return before - int((self.labels == 1).any(axis=1).sum())

    def _labels(self, part: Prepared, rows: np.ndarray, hidden: bool) -> np.ndarray:
        if hidden:
            return np.full((len(rows), len(self.classes)), -1, np.int8)
        labels = _taken(part.labels, rows)
        if part.classes == self.classes:
            return labels
        if any(map(wordnet_id, self.classes)) and any(map(wordnet_id, part.classes)):
            return relabel(labels, match(self.classes, part.classes, str(part.directory)), len(self.classes))
        names = self.classes
        columns = np.array([names.index(name) if name in names else -1 for name in part.classes], np.int64)
        exclusive = all(((some == 1).sum(axis=1) <= 1).all() for some in (self.sets[0].labels, labels))
        if (columns >= 0).any() and exclusive:  # of attributes, one that the other set does not have is unknown
            return relabel(labels, columns, len(self.classes))
        return np.full((len(rows), len(self.classes)), -1, np.int8)

    def name(self, index: int) -> str:
        """What the source calls one picture."""
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self.sets[part].names[self.rows[part][index - self._starts[part]]]

    def __getitem__(self, rows: slice) -> np.ndarray:
        """uint8 (n, H, W, 3), a slice of the pictures."""
        return self.gather(np.arange(len(self))[rows])

    def gather(self, index: np.ndarray) -> np.ndarray:
        """uint8 (len(index), H, W, 3), in the order of ``index``."""
        numbers = np.searchsorted(self._starts, index, side="right") - 1
        out = np.empty((len(index), *self.sets[0].pictures.shape[1:]), np.uint8)
        for number, (part, rows) in enumerate(zip(self.sets, self.rows, strict=True)):
            here = np.flatnonzero(numbers == number)
            part.pictures.gather(rows[index[here] - self._starts[number]], out, here.tolist())
        return out[:, :, ::-1].copy() if self.mirrored else out


def _mirror(values: Values, place: Place) -> Values:
    """Places in pictures whose left and right are exchanged."""
    exchanged = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    if isinstance(values, Ragged):
        return Ragged(placed(values.rows, place, exchanged), values.offsets)
    return placed(values, place, exchanged)


def _taken(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Some rows of a set's array; a run of them is left in its file."""
    if len(rows) and (np.diff(rows) == 1).all():
        return array[rows[0] : rows[-1] + 1]
    return array[rows]


def _joined(blocks: list[np.ndarray]) -> np.ndarray:
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
