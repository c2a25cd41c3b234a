"""Pictures listed in a table (CSV): a row a picture, with its class, its attributes or its person; or a row a box.

    file,breed,split                    file,label,xmin,ymin,xmax,ymax
    photos/1.jpg,pug,train              street/1.jpg,car,12,30,88,74
    photos/2.jpg,beagle,test            street/1.jpg,dog,90,41,120,70

A cell without an ending, such as the `id` of many competitions, stands for the picture of that name.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.data.sources.csv_rows import read_rows
from distill.data.sources.held_out import check_share
from distill.data.sources.listing import digest
from distill.data.sources.marked import COLUMNS, Marked, Photograph, marked_sample
from distill.data.sources.source import Sample, Split
from distill.data.sources.table.boxes import Box, boxes_of, find_boxes
from distill.data.sources.table.entries import Entry, by_picture
from distill.data.sources.table.labels import attribute_labels, in_order, listed, one_hot
from distill.data.sources.table.parts import Unit, parts_of, shares_of
from distill.data.sources.table.pictures import names_of, places_of, root_of
from distill.data.sources.table.reading import LABEL_COLUMNS, SPLIT_COLUMNS, Reading, column_of, file_column
from distill.data.targets import Column
from distill.data.wordnet import shown
from distill.errors import DistillError, echo


@dataclass(frozen=True)
class Table:
    """The pictures that a table lists, with what it says of them.

    Of `label`, `attributes` and `tags` at most one is given. Several rows may be of one picture: where they say the
    same it counts once, and where they contradict each other it is left out as a contradiction.

    Attributes:
        csv: the table, UTF-8 or UTF-16 with its mark, with a header; its columns are separated by commas, semicolons,
            tabs or bars.
        root: the directory that the names of the pictures begin in; null: that of the table, or the one in it where
            most of them lie, which is said.
        file: the column of the pictures. null: the first there is of file, filename, path, image, image_id and others.
        label: of classes that exclude each other: the column of the class; an empty cell is not known. null: where no
            other column says what is shown, the first there is of label, class, category and others. Classes are in
            the order of their names, and whole numbers in their own.
        attributes: a column each, of 1 and 0, 1 and -1, true and false, or yes and no; an empty cell is not known, and
            in a table that says 0 neither is -1.
        tags: one column that lists the attributes a picture has, separated by blanks, commas, semicolons or bars.
        identity: the column of the person shown.
        boxes: four columns of a box, in pixels from the left upper edge, of which each row has one, its class in
            `label`; a picture without any has a row of empty cells. Left, upper, right and lower edge; or, where the
            third is called width or w, left, top, width and height. null: those known by their names (xmin, ymin, xmax,
            ymax; x1, y1, x2, y2; left, top, right, bottom and others), which is said. []: none.
        split: the column that says train, validation or test, in the spellings that folders have, or 0, 1 and 2 as
            CelebA. null: the first there is of split, part, subset and partition; without one all are for training, or
            shares are held out.
        validation, test: shares held out where no column says which: of each class's pictures, or of the people. What
            is unlabelled stays for training.

    Raises:
        DistillError: the shares are none, or two columns of labels are given.
    """

    name: Literal["table"] = "table"
    csv: Path | None = None
    root: Path | None = None
    file: str | None = None
    label: str | None = None
    attributes: tuple[str, ...] = ()
    tags: str | None = None
    identity: str | None = None
    boxes: tuple[str, ...] | None = None
    split: str | None = None
    validation: float = 0.0
    test: float = 0.0

    def __post_init__(self) -> None:
        check_share("validation", self.validation)
        check_share("test", self.test)
        check_share("validation and test together", self.validation + self.test)
        given = [key for key in ("label", "attributes", "tags") if getattr(self, key)]
        if len(given) > 1:
            raise DistillError(f"{given[0]} and {given[1]} both say what is on a picture; give one of them.")

    def classes(self) -> tuple[str, ...]:
        return self._classes(self._read())

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS if self._read().boxes is not None else ()

    def samples(self, height: int, width: int) -> list[Sample]:
        reading = self._read()
        entries, _ = self._entries(reading)
        names = [entry.picture for entry in entries]
        places = places_of(names, reading.file, self._table, root_of(names, self._table, self.root))
        if reading.boxes is None:
            return [
                Sample(entry.name, places[entry.picture], entry.labels, entry.identity, entry.split)
                for entry in entries
            ]
        classes = self._classes(reading)
        return [
            marked_sample(Photograph(entry.name, places[entry.picture], entry.size, entry.split), entry.boxes, classes)
            for entry in entries
        ]

    def state(self) -> str:
        # Names of classes are those of no file: another name is other data.
        return hashlib.sha256(f"{digest(self.samples(0, 0))} {self.classes()}".encode()).hexdigest()

    def remarks(self) -> tuple[str, ...]:
        """What was passed over in the table, or taken for granted."""
        reading = self._read()
        entries, remarks = self._entries(reading)
        said = [*remarks, *reading.remarks(entries)]
        root = root_of([entry.picture for entry in entries], self._table, self.root)
        if self.root is None and root != self._table.parent:
            said.append(f"its pictures are not beside it but in {root}, which is taken for root")
        return tuple(f"{self._table}: {remark}." for remark in said)

    @property
    def _table(self) -> Path:
        if self.csv is None:
            raise DistillError("csv: not set; expected the table, a CSV file with a header.")
        return self.csv.expanduser()

    def _read(self) -> Reading:
        """A table that has the columns that are named."""
        table = read_rows(self._table)
        header = table.header
        self._check_named(header)
        file = file_column(header, self.file, self._table)
        split = column_of(header, self.split, SPLIT_COLUMNS)
        others = self.attributes or self.tags or (self.identity and self.label is None)
        label = None if others else column_of(header, self.label, LABEL_COLUMNS)
        named = bool(self.label or self.attributes or self.tags or self.identity)
        boxes = find_boxes(header, self.boxes, self._table)
        if boxes is None or (label is not None and self.identity is None):
            return Reading(table, file, label, named, split, boxes, unread=None)
        if self.boxes:
            raise DistillError(
                f"boxes: of those of {self._table} the class alone is read. Name its column as label, and leave out "
                "attributes, tags and identity."
            )
        return Reading(table, file, label, named, split, boxes=None, unread=boxes)

    def _check_named(self, header: Sequence[str]) -> None:
        named = {"file": self.file, "label": self.label, "tags": self.tags, "identity": self.identity}
        wanted = [*named.items(), ("split", self.split), *(("attributes", name) for name in self.attributes)]
        wanted += [("boxes", name) for name in self.boxes or ()]
        for key, column in wanted:
            if column is not None and column not in header:
                raise DistillError(
                    f"{key}: {self._table} has no column {echo(column)}, only {echo(', '.join(header))}."
                )

    def _classes(self, reading: Reading) -> tuple[str, ...]:
        if self.attributes:
            return tuple(self.attributes)
        if self.tags is not None:
            return tuple(sorted({tag for row in reading.rows for tag in listed(row.cells[self.tags])}))
        label = reading.label
        if label is None:
            return ()
        classes = in_order({row.cells[label] for row in reading.rows} - {""})
        least = 2 if reading.boxes is None else 1
        if len(classes) < least:
            raise DistillError(
                f"label: the column {label} of {self._table} holds {len(classes)} classes ({shown(classes)}); expected "
                f"at least {('one', 'two')[least - 1]}. Name the column of the classes."
            )
        return classes

    def _entries(self, reading: Reading) -> tuple[list[Entry], tuple[str, ...]]:
        """What is said of each picture, and what had to be settled."""
        rows = reading.rows
        names = names_of(rows, reading.file, self._table)
        boxes = self._boxes(reading)
        labels, identities = self._labels(reading), self._identities(reading)
        splits = self._splits(reading, names, labels, identities)
        entries = [
            Entry(row.number, name, own, identity, split, *_marked(box, own))
            for row, name, own, identity, split, box in zip(rows, names, labels, identities, splits, boxes, strict=True)
        ]
        return by_picture(entries, boxed=reading.boxes is not None)

    def _boxes(self, reading: Reading) -> list[Box | None]:
        """The box of each row."""
        if reading.boxes is None or reading.label is None:
            return [None] * len(reading.rows)
        return boxes_of(reading.rows, reading.boxes, reading.label, self._table)

    def _labels(self, reading: Reading) -> list[tuple[int, ...]]:
        rows, classes = reading.rows, self._classes(reading)
        if self.tags is not None:
            own = [set(listed(row.cells[self.tags])) for row in rows]
            return [tuple(int(name in tags) for name in classes) for tags in own]
        if self.attributes:
            return attribute_labels(rows, self.attributes, self._table)
        named = [row.cells[reading.label] if reading.label is not None else "" for row in rows]
        # A row without a class is of a picture without a box, which shows none; or of one of which nothing is known.
        return one_hot(named, classes, otherwise=-1 if reading.boxes is None else 0)

    def _identities(self, reading: Reading) -> list[int]:
        rows = reading.rows
        if self.identity is None:
            return [-1] * len(rows)
        own = [row.cells[self.identity] for row in rows]
        numbers = {person: number for number, person in enumerate(sorted(set(own) - {""}))}
        return [numbers.get(person, -1) for person in own]

    def _splits(
        self, reading: Reading, names: Sequence[str], labels: Sequence[tuple[int, ...]], identities: Sequence[int]
    ) -> list[Split]:
        rows, label, column = reading.rows, reading.label, reading.split
        if column is not None and (self.validation or self.test):
            raise DistillError(
                f"validation, test: the column {column} of {self._table} says which part each picture is of. Leave the "
                "shares out."
            )
        if column is not None:
            return parts_of(rows, column, self._table)
        # A person is in one part alone.
        people = self.identity if label is None else None
        units = [
            Unit(
                "" if label is None or reading.boxes is not None else row.cells[label],
                name if people is None else row.cells[people],
                identity >= 0 or max(own, default=-1) >= 0,
            )
            for row, name, own, identity in zip(rows, names, labels, identities, strict=True)
        ]
        return shares_of(units, self.validation, self.test, self._table)


def _marked(box: Box | None, labels: tuple[int, ...]) -> tuple[tuple[Marked, ...], tuple[int, int] | None]:
    """A row's box with the number of its class, and the size of the picture it was marked in."""
    return ((), None) if box is None else ((Marked(box.corners, labels.index(1), box.ignored),), box.size)
