"""A table with its columns found, and what has to be said of how it was read."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.data.sources.csv_rows import Row, Rows
from distill.data.sources.table.boxes import BoxColumns
from distill.data.sources.table.entries import Entry
from distill.data.sources.table.parts import numbered
from distill.data.sources.table.pictures import is_picture
from distill.errors import DistillError, echo

FILE_COLUMNS = (
    *(
        "file",
        "filename",
        "file_name",
        "filepath",
        "file_path",
        "path",
        "image",
        "image_id",
        "image_name",
        "image_path",
    ),
    *("image_file", "picture", "photo", "img", "img_name", "img_path", "id"),
)
LABEL_COLUMNS = (
    *(
        "label",
        "class",
        "category",
        "target",
        "breed",
        "species",
        "label_name",
        "class_name",
        "category_name",
        "labels",
    ),
)
_MARKS = ("|", ";", ",")  # between the entries of a list
SPLIT_COLUMNS = ("split", "part", "subset", "partition")


@dataclass(frozen=True)
class Reading:
    """A table with its columns found.

    Attributes:
        file: the column of the pictures.
        label: that of the class; None where there is none.
        named: whether the recipe says what is shown.
        split: the column of the part; None where there is none.
        boxes: those of the boxes.
        unread: those of boxes that nothing gives a class.
    """

    table: Rows
    file: str
    label: str | None
    named: bool
    split: str | None
    boxes: BoxColumns | None
    unread: BoxColumns | None

    @property
    def rows(self) -> list[Row]:
        return self.table.rows

    def remarks(self, entries: Sequence[Entry]) -> list[str]:
        """What was passed over, or taken for granted.

        Args:
            entries: an entry a picture.
        """
        said = _unlabelled(entries)
        if self.table.nameless:
            places = ", ".join(map(str, self.table.nameless))
            said.append(f"columns without a name (number {places}) are not read")
        if self.boxes is not None:
            boxes = sum(len(entry.boxes) for entry in entries)
            having = sum(bool(entry.boxes) for entry in entries)
            out = "" if self.boxes.named else "; boxes: [] leaves them out"
            said.append(f"read are {self.boxes}: {boxes} in {having} of {len(entries)} pictures{out}")
        if self.unread is not None:
            names = ", ".join(self.unread.names)
            wanted = "for they want a label, and no attributes, tags or identity"
            said.append(f"{names} look like boxes and are not read, {wanted}; boxes: [] says so")
        said += self._said_of_classes()
        if self.split is not None and numbered(self.rows, self.split):
            said.append(f"{self.split} is in numbers, read as CelebA's: 0 train, 1 validation, 2 test")
        return said

    def _said_of_classes(self) -> list[str]:
        if self.label is None and not self.named:
            columns = echo(", ".join(self.table.header))
            return [f"nothing says what is shown: name it by label, attributes, tags or identity, among {columns}"]
        if self.label is None:
            return []
        said = []
        others = [name for name in usual_columns(self.table.header, LABEL_COLUMNS) if name != self.label]
        if others and not self.named:
            said.append(f"the class is read from {self.label}, not from {', '.join(others)}; label names another")
        lists = sorted({cell for row in self.rows if any(mark in (cell := row.cells[self.label]) for mark in _MARKS)})
        if lists:
            first = echo(lists[0])
            said.append(
                f"{len(lists)} classes of {self.label} look like lists, such as {first}, and are classes of their own; "
                f"tags: {self.label} reads them as attributes"
            )
        return said


def column_of(header: Sequence[str], named: str | None, usual: Sequence[str]) -> str | None:
    """The column that is named, else the first there is of the usual ones."""
    return named if named is not None else next(iter(usual_columns(header, usual)), None)


def usual_columns(header: Sequence[str], usual: Sequence[str]) -> list[str]:
    """The columns that are called in one of the usual ways, in any case, with blanks or marks between words or none."""
    columns = {_plain(name): name for name in reversed(header)}
    return list(dict.fromkeys(columns[_plain(name)] for name in usual if _plain(name) in columns))


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.lower())


def file_column(header: Sequence[str], named: str | None, table: Path) -> str:
    """The column of the pictures.

    Raises:
        DistillError: none is named, and there is none of the usual ones.
    """
    column = column_of(header, named, FILE_COLUMNS)
    if column is None:
        first = " Its first line is a row, and a header is expected above it." if any(map(is_picture, header)) else ""
        raise DistillError(
            f"file: {table} has none of the columns {', '.join(FILE_COLUMNS)}, only {echo(', '.join(header))}.{first} "
            "Name that of the pictures."
        )
    return column


def _unlabelled(entries: Sequence[Entry]) -> list[str]:
    """What becomes of pictures of which nothing is known, beside others."""
    counts = Counter(entry.split for entry in entries if entry.unlabelled)
    total = sum(counts.values())
    if not total or total == len(entries):
        return []
    scored = counts["validation"] + counts["test"]
    parts = f"{counts['train']} for training, which are transferred on alone, as unknown"
    unscored = f", and {scored} of validation and test, which are not scored" if scored else ""
    return [f"{total} of {len(entries)} pictures have no label: {parts}{unscored}"]
