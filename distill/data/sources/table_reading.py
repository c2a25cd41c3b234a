"""A table with its columns found, and what has to be said of how it was read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.data.sources.csv_rows import Row, Rows
from distill.data.sources.table_boxes import BoxColumns
from distill.data.sources.table_entries import Entry
from distill.data.sources.table_parts import numbered
from distill.data.sources.table_pictures import is_picture
from distill.errors import DistillError, echo

FILE_COLUMNS = ("file", "filename", "file_name", "filepath", "path", "image", "image_id", "image_path", "picture", "id")
LABEL_COLUMNS = ("label", "class", "category", "target", "breed", "species")
SPLIT_COLUMNS = ("split", "part", "subset", "partition")


@dataclass(frozen=True)
class Reading:
    """A table with its columns found.

    Attributes:
        file: the column of the pictures.
        label, split: those of class and part; None where there is none.
        boxes: those of the boxes.
        unread: those of boxes that nothing gives a class.
    """

    table: Rows
    file: str
    label: str | None
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
        if self.split is not None and numbered(self.rows, self.split):
            said.append(f"{self.split} is in numbers, read as CelebA's: 0 train, 1 validation, 2 test")
        return said


def column_of(header: Sequence[str], named: str | None, usual: Sequence[str]) -> str | None:
    """The column that is named, else the first there is of the usual ones, in any case."""
    if named is not None:
        return named
    columns = {name.lower(): name for name in reversed(header)}
    return next((columns[name] for name in usual if name in columns), None)


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
