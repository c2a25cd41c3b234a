"""Photographs and where they were taken: from a table (CSV) of latitudes and longitudes, or from the photographs' EXIF.

file,latitude,longitude,split,author
1.jpg,48.2065,16.3655,train,anna
2.jpg,-33.8568,151.2153,test,ben
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.data.sources.csv_rows import Row, read_rows
from distill.data.sources.degrees import COORDINATES, Position, check_positions, degrees, without_null_island
from distill.data.sources.folder import pictures_below
from distill.data.sources.gps import gps_position
from distill.data.sources.held_out import check_share
from distill.data.sources.listing import digest
from distill.data.sources.source import Sample, Split
from distill.data.sources.table.parts import Unit, parts_of, shares_of
from distill.data.sources.table.pictures import names_of, places_of, root_of
from distill.data.sources.table.reading import SPLIT_COLUMNS, column_of, file_column
from distill.data.targets import Column
from distill.errors import DistillError, echo

LATITUDES, LONGITUDES = ("latitude", "lat"), ("longitude", "lon", "lng", "long")
AUTHORS = ("author", "photographer", "owner", "user", "user_id")
_SHARE = 0.1


@dataclass(frozen=True)
class Coordinates:
    """Photographs with latitude and longitude in degrees; those whose place is not known are transferred on alone.

    Attributes:
        csv: the table, with a header; None reads GPS positions from the EXIF of every photograph below `root`.
        root: where the names of its pictures begin; None for the table's directory.
        file: the column of the pictures, latitude, longitude: those of the place. None for the usual names.
        split: the column of the part: train, validation or test; None for `split`, where there is one.
        author: the column of who took it: shares are held out by author, so that nobody's is in two parts. None for
            `author`, `user` or the like, where there is one.
        validation, test: shares held out where no column says which; None for 0.1 each.

    Raises:
        DistillError: the shares are none.
    """

    name: Literal["coordinates"] = "coordinates"
    csv: Path | None = None
    root: Path | None = None
    file: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    split: str | None = None
    author: str | None = None
    validation: float | None = None
    test: float | None = None

    def __post_init__(self) -> None:
        for key in ("validation", "test"):
            check_share(key, getattr(self, key) or 0.0)
        check_share("validation and test together", sum(self._shares))

    def classes(self) -> tuple[str, ...]:
        return ()

    def columns(self) -> tuple[Column, ...]:
        return (COORDINATES,)

    def samples(self, height: int, width: int) -> list[Sample]:
        return self._of_exif() if self.csv is None else self._of_table()

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def remarks(self) -> tuple[str, ...]:
        """What was passed over, or taken for granted."""
        if self.csv is None:
            samples = self._of_exif()
            unknown = sum(not sample.targets for sample in samples)
            told = f"{self.root}: {unknown} of {len(samples)} photographs have no GPS position in their EXIF"
            return (f"{told}; they are transferred on, not scored, and named in the ledger.",) if unknown else ()
        rows, positions, islands = self._positions()
        unknown = sum(position is None for position in positions)
        said = []
        if islands:
            said.append(f"{islands} rows say 0, 0, where no land is: taken for a place that is not known")
        if unknown:
            said.append(f"the place of {unknown} of {len(rows)} photographs is not known: transferred on, not scored")
        said += self._said_of_authors(rows)
        return tuple(f"{self.csv}: {remark}." for remark in said)

    @property
    def _shares(self) -> tuple[float, float]:
        validation, test = (_SHARE if share is None else share for share in (self.validation, self.test))
        return validation, test

    def _of_table(self) -> list[Sample]:
        table = self._table
        rows, positions, _ = self._positions()
        column = file_column(tuple(rows[0].cells), self.file, table)
        names = names_of(rows, column, table)
        if len(set(names)) < len(names):
            repeated, _ = Counter(names).most_common(1)[0]
            raise DistillError(f"{table}: {echo(repeated)} has several rows; expected one a photograph.")
        places = places_of(names, column, table, root_of(names, table, self.root))
        splits = self._splits(rows, names, positions)
        return [
            Sample(name, places[name], split=split, targets={} if position is None else {"coordinates": position})
            for name, position, split in zip(names, positions, splits, strict=True)
        ]

    def _of_exif(self) -> list[Sample]:
        samples = pictures_below(self.root, "root")
        found = [gps_position(sample.picture) for sample in samples if isinstance(sample.picture, Path)]
        units = [Unit("", sample.name, at is not None) for sample, (at, _) in zip(samples, found, strict=True)]
        if not any(unit.known for unit in units):
            raise DistillError(
                f"root: none of the {len(samples)} photographs in {self.root} has a GPS position in its EXIF. Give a "
                "table of their places as csv; programs that shrink photographs often drop what EXIF says."
            )
        assert self.root is not None  # pictures_below
        splits = shares_of(units, *self._shares, self.root)
        return [
            Sample(sample.name, sample.picture, split=split, targets={"coordinates": at})
            if at is not None
            else Sample(sample.name, sample.picture, left_out=(reason,))
            for sample, (at, reason), split in zip(samples, found, splits, strict=True)
        ]

    @property
    def _table(self) -> Path:
        assert self.csv is not None  # else EXIF is read
        return self.csv.expanduser()

    def _positions(self) -> tuple[list[Row], list[Position], int]:
        """The rows, where each photograph was taken, and how many of those were said to be at 0, 0."""
        table = self._table
        rows = read_rows(table).rows
        header = tuple(rows[0].cells)
        columns = []
        for key, usual in (("latitude", LATITUDES), ("longitude", LONGITUDES)):
            named = getattr(self, key)
            column = column_of(header, named, usual)
            if column is None or column not in header:
                wanted = echo(named) if named else f"called {', '.join(usual)}"
                raise DistillError(f"{key}: {table} has no column {wanted}, only {echo(', '.join(header))}.")
            columns.append(column)
        positions: list[Position] = []
        for row in rows:
            latitude, longitude = (degrees(row.cells[name], f"{table}:{row.number}: {name}") for name in columns)
            positions.append(None if latitude is None or longitude is None else (latitude, longitude))
        check_positions(positions, [row.number for row in rows], f"latitude, longitude: {table}")
        kept, islands = without_null_island(positions)
        if all(position is None for position in kept):
            raise DistillError(f"latitude, longitude: {table} knows the place of none of its {len(rows)} photographs.")
        return rows, kept, islands

    def _splits(self, rows: Sequence[Row], names: Sequence[str], positions: Sequence[Position]) -> list[Split]:
        column = self._column(rows, "split", SPLIT_COLUMNS)
        if column is not None:
            if self.validation is not None or self.test is not None:
                raise DistillError(
                    f"validation, test: the column {column} of {self._table} says which part each photograph is of. "
                    "Leave the shares out."
                )
            return parts_of(rows, column, self._table)
        author = self._column(rows, "author", AUTHORS)
        owners = names if author is None else [row.cells[author] or name for row, name in zip(rows, names, strict=True)]
        units = [Unit("", owner, at is not None) for owner, at in zip(owners, positions, strict=True)]
        return shares_of(units, *self._shares, self._table)

    def _said_of_authors(self, rows: Sequence[Row]) -> list[str]:
        """Whose photographs a column of the part has put into several."""
        split, author = self._column(rows, "split", SPLIT_COLUMNS), self._column(rows, "author", AUTHORS)
        if split is None or author is None:
            return []
        parts: dict[str, set[str]] = {}
        for row in rows:
            if row.cells[author]:
                parts.setdefault(row.cells[author], set()).add(row.cells[split])
        both = sum(len(own) > 1 for own in parts.values())
        said = f"{both} of {len(parts)} authors have photographs in several parts; scores may be of remembered places"
        return [said] if both else []

    def _column(self, rows: Sequence[Row], key: str, usual: Sequence[str]) -> str | None:
        header, named = tuple(rows[0].cells), getattr(self, key)
        if named is not None and named not in header:
            raise DistillError(f"{key}: {self._table} has no column {echo(named)}, only {echo(', '.join(header))}.")
        return column_of(header, named, usual)
