"""Pictures listed in a table (CSV): a row a picture, with its class, its attributes or its person.

    file,breed,split
    photos/1.jpg,pug,train
    photos/2.jpg,beagle,test

A cell without an ending, such as the `id` of many competitions, stands for the picture of that name.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from distill.data.sources.csv_rows import Row, read_rows
from distill.data.sources.folder import SUFFIXES, UNREADABLE
from distill.data.sources.held_out import check_share, shared_out
from distill.data.sources.listing import digest, directory, walk
from distill.data.sources.parts import PARTS, part_of
from distill.data.sources.source import Sample, Split
from distill.data.wordnet import shown
from distill.errors import DistillError, echo
from distill.files.nearby import nearby

FILE_COLUMNS = ("file", "filename", "file_name", "filepath", "path", "image", "image_id", "image_path", "picture", "id")
LABEL_COLUMNS = ("label", "class", "category", "target", "breed", "species")
SPLIT_COLUMNS = ("split", "part", "subset", "partition")

_VALUES = {"1": 1, "1.0": 1, "true": 1, "yes": 1, "0": 0, "0.0": 0, "false": 0, "no": 0, "": -1, "nan": -1, "null": -1}
_MINUS = ("-1", "-1.0")


@dataclass(frozen=True)
class Table:
    """The pictures that a table lists, with what it says of them.

    Of `label`, `attributes` and `tags` at most one is given. Boxes are not read.

    Attributes:
        csv: the table, UTF-8, with a header; its columns are separated by commas, semicolons or tabs.
        root: the directory that the names of the pictures begin in; null: that of the table.
        file: the column of the pictures. null: the first there is of file, filename, path, image, image_id and others.
        label: of classes that exclude each other: the column of the class; an empty cell is not known. null: where no
            other column says what is shown, the first there is of label, class, category and others.
        attributes: a column each, of 1 and 0, 1 and -1, true and false, or yes and no; an empty cell is not known, and
            in a table that says 0 neither is -1.
        tags: one column that lists the attributes a picture has, separated by blanks, commas, semicolons or bars.
        identity: the column of the person shown.
        split: the column that says train, validation or test, in the spellings that folders have. null: the first
            there is of split, part, subset and partition; without one all are for training, or shares are held out.
        validation, test: shares held out where no column says which: of each class's pictures, or of the people.

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
        return self._classes(self._rows())

    def samples(self, height: int, width: int) -> list[Sample]:
        rows = self._rows()
        labels, splits, identities = self._labels(rows), self._splits(rows), self._identities(rows)
        return [
            Sample(name, picture, own, identity, split)
            for (name, picture), own, identity, split in zip(
                self._pictures(rows), labels, identities, splits, strict=True
            )
        ]

    def state(self) -> str:
        # Names of classes are those of no file: another name is other data.
        return hashlib.sha256(f"{digest(self.samples(0, 0))} {self.classes()}".encode()).hexdigest()

    @property
    def _table(self) -> Path:
        if self.csv is None:
            raise DistillError("csv: not set; expected the table, a CSV file with a header.")
        return self.csv.expanduser()

    def _rows(self) -> list[Row]:
        """The rows of a table that has the columns that are named."""
        header, rows = read_rows(self._table)
        named = {"file": self.file, "label": self.label, "tags": self.tags, "identity": self.identity}
        wanted = [*named.items(), ("split", self.split), *(("attributes", name) for name in self.attributes)]
        for key, column in wanted:
            if column is not None and column not in header:
                raise DistillError(
                    f"{key}: {self._table} has no column {echo(column)}, only {echo(', '.join(header))}."
                )
        return rows

    def _label(self, rows: list[Row]) -> str | None:
        """The column of the class; None where other columns say what is on a picture, or none does."""
        others = self.attributes or self.tags or (self.identity and self.label is None)
        return None if others else _column(rows, self.label, LABEL_COLUMNS)

    def _classes(self, rows: list[Row]) -> tuple[str, ...]:
        if self.attributes:
            return tuple(self.attributes)
        if self.tags is not None:
            return tuple(sorted({tag for row in rows for tag in _listed(row.cells[self.tags])}))
        label = self._label(rows)
        if label is None:
            return ()
        classes = tuple(sorted({row.cells[label] for row in rows} - {""}))
        if len(classes) < 2:
            raise DistillError(
                f"label: the column {label} of {self._table} holds {len(classes)} classes ({shown(classes)}); expected "
                "at least two. Name the column of the classes."
            )
        return classes

    def _labels(self, rows: list[Row]) -> list[tuple[int, ...]]:
        classes = self._classes(rows)
        if self.tags is not None:
            own = [set(_listed(row.cells[self.tags])) for row in rows]
            return [tuple(int(name in tags) for name in classes) for tags in own]
        if self.attributes:
            return self._attribute_labels(rows)
        label = self._label(rows)
        named = [row.cells[label] if label is not None else "" for row in rows]
        return [tuple(int(own == one) if own else -1 for one in classes) for own in named]

    def _attribute_labels(self, rows: list[Row]) -> list[tuple[int, ...]]:
        cells = [[row.cells[name].lower() for name in self.attributes] for row in rows]
        # Absent beside 1, as CelebA writes it; where 0 says that, what is left for -1 is that nobody knows.
        zero = any(_VALUES.get(cell) == 0 for own in cells for cell in own)
        values = _VALUES | dict.fromkeys(_MINUS, -1 if zero else 0)
        for row, own in zip(rows, cells, strict=True):
            for name, cell in zip(self.attributes, own, strict=True):
                if cell not in values:
                    raise DistillError(
                        f"{self._table}:{row.number}: {name} is {echo(cell)}, expected 1 or 0, 1 or -1, true or false, "
                        "yes or no, or nothing where it is not known."
                    )
        return [tuple(values[cell] for cell in own) for own in cells]

    def _identities(self, rows: list[Row]) -> list[int]:
        if self.identity is None:
            return [-1] * len(rows)
        own = [row.cells[self.identity] for row in rows]
        numbers = {person: number for number, person in enumerate(sorted(set(own) - {""}))}
        return [numbers.get(person, -1) for person in own]

    def _splits(self, rows: list[Row]) -> list[Split]:
        column = _column(rows, self.split, SPLIT_COLUMNS)
        if column is None:
            return self._held_out(rows)
        if self.validation or self.test:
            raise DistillError(
                f"validation, test: the column {column} of {self._table} says which part each picture is of. Leave the "
                "shares out."
            )
        splits = []
        for row in rows:
            part = part_of(row.cells[column])
            if part is None:
                raise DistillError(
                    f"{self._table}:{row.number}: {column} is {echo(row.cells[column])}, expected one of "
                    f"{', '.join(PARTS)}. Where that column says something else, name another by split."
                )
            splits.append(part)
        return splits

    def _held_out(self, rows: list[Row]) -> list[Split]:
        """Shares of the pictures of each class; of people, who are in one part each, shares of these."""
        label, file = self._label(rows), self._file(rows)
        unit = self.identity if label is None and self.identity is not None else file
        groups: dict[str, set[str]] = {}
        for row in rows:
            groups.setdefault(row.cells[label] if label is not None else "", set()).add(row.cells[unit])
        splits: dict[str, Split] = {}
        for group, names in groups.items():
            if label is not None and not group:  # of unknown class: to transfer on, for nothing can be scored by them
                splits |= dict.fromkeys(names, "train")
                continue
            part = shared_out(names, self.validation, self.test)
            if part is None:
                raise DistillError(
                    f"validation, test: {self._table} has {len(names)} of {group or unit}, too few to hold some out; "
                    "add pictures, or leave these out."
                )
            splits |= part
        return [splits[row.cells[unit]] for row in rows]

    def _file(self, rows: list[Row]) -> str:
        column = _column(rows, self.file, FILE_COLUMNS)
        if column is None:
            raise DistillError(
                f"file: {self._table} has none of the columns {', '.join(FILE_COLUMNS)}, only "
                f"{echo(', '.join(rows[0].cells))}. Name that of the pictures."
            )
        return column

    def _pictures(self, rows: list[Row]) -> list[tuple[str, Path]]:
        """Of each row the picture: what the table calls it, and where it lies."""
        table, column = self._table, self._file(rows)
        root = directory(self.root or table.parent, "root", "the pictures of the table")
        names = [row.cells[column].replace("\\", "/") for row in rows]
        lines: dict[str, int] = {}
        for row, name in zip(rows, names, strict=True):
            if not name:
                raise DistillError(f"{table}:{row.number}: {column} is empty; expected a picture.")
            if lines.setdefault(name, row.number) != row.number:
                raise DistillError(
                    f"{table}:{row.number}: {echo(name)} has a row already, line {lines[name]}; expected one a "
                    "picture. Where the two say different things, neither can be trusted."
                )
        places = {name: root / name for name in names}
        if not all(map(_is_picture, names)):
            by_stem = _by_stem(root)
            places |= {name: by_stem.get(name, root / name) for name in names if not _is_picture(name)}
        missing = [name for name in names if not _lies(places[name])]
        if 2 * len(missing) > len(names):  # fewer are bad pictures, which are counted
            raise DistillError(
                f"root: {len(missing)} of the {len(names)} pictures of {table} are not in {root}: {shown(missing)}. "
                f"{nearby(places[missing[0]])} Name the directory that the column {column} begins in."
            )
        return [(name, places[name]) for name in names]


def _column(rows: list[Row], named: str | None, usual: Sequence[str]) -> str | None:
    """The column that is named, else the first there is of the usual ones, in any case."""
    if named is not None:
        return named
    columns = {name.lower(): name for name in reversed(rows[0].cells)}
    return next((columns[name] for name in usual if name in columns), None)


def _by_stem(root: Path) -> dict[str, Path]:
    """Pictures below a directory by their names without endings, and without folders where one alone is called so.

    Raises:
        DistillError: two pictures of one folder differ in their endings alone.
    """
    places: dict[str, Path] = {}
    for file in walk(root):
        stem = file.relative_to(root).with_suffix("").as_posix()
        if _is_picture(file.name) and places.setdefault(stem, file) != file:
            raise DistillError(f"{file}: {places[stem].name} beside it is called the same; remove one of the two.")
    bare: dict[str, list[Path]] = {}
    for stem, file in places.items():
        bare.setdefault(PurePosixPath(stem).name, []).append(file)
    return {name: files[0] for name, files in bare.items() if len(files) == 1} | places


def _lies(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a null character
        return False


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES | UNREADABLE


def _listed(cell: str) -> list[str]:
    """The entries of a cell."""
    return "".join(" " if character in ",;|" else character for character in cell).split()
