"""Sets of the Hugging Face hub, or of a local directory in one of its layouts, through `datasets.load_dataset`.

Pictures come out encoded, as they were stored: decoding, and refusing what cannot be decoded, is left to `prepare`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from distill.data.sources.degrees import COORDINATES, Position, check_positions, degrees, without_null_island
from distill.data.sources.listing import digest, walk
from distill.data.sources.marked import COLUMNS, Photograph, marked_sample
from distill.data.sources.objects_column import ObjectsColumn
from distill.data.sources.source import Sample, Split
from distill.data.targets import Column
from distill.errors import NAMED, DistillError, echo, few

HUB_ADVICE = (
    "check the name and the network. Without a network, name a directory the set was saved to (`Dataset.to_parquet`), "
    "or set HF_HUB_OFFLINE=1 to use what an earlier load left in the cache without waiting."
)


@dataclass(frozen=True)
class Hub:
    """A set named on the hub, or a directory of parquet files or of pictures (with `metadata.csv` for their labels).

    Attributes:
        path: the hub's name of the set (`owner/set`), or the directory.
        config, revision: which of the set's configurations and versions; the set's own default where not given.
        image: the column of the pictures.
        attributes: the columns of the labels; each holds booleans, 0 and 1, or -1 and 1, and null where unknown.
        label: of classes that exclude each other: the column of the class, an enumeration (`datasets.ClassLabel`).
        objects: of boxes: the column of the objects, each with a `bbox` of left, top, width, height in pixels and a
            category.
        coordinates: of places: the two columns of latitude and longitude in degrees, null where they are not known.
        identity: the column of the person's number.
        train, validation, test: the set's names for the splits; a split without a name is not used.
        streaming: read without keeping a copy in the cache of `datasets`.
    """

    name: Literal["hub"] = "hub"
    path: str | None = None
    config: str | None = None
    revision: str | None = None
    image: str = "image"
    attributes: tuple[str, ...] = ()
    label: str | None = None
    objects: str | None = None
    coordinates: tuple[str, str] | None = None
    identity: str | None = None
    train: str | None = "train"
    validation: str | None = None
    test: str | None = None
    streaming: bool = False

    def __post_init__(self) -> None:
        if self.label is not None and self.attributes:
            raise DistillError(f"label is {self.label} and attributes {list(self.attributes)}; give one of the two.")
        if self.objects is not None and (self.label is not None or self.attributes):
            raise DistillError(f"objects is {self.objects}, and label or attributes too; give one of the three.")
        if self.objects is not None and self.coordinates is not None:
            raise DistillError(f"objects is {self.objects}, and coordinates too; give one of the two.")

    def columns(self) -> tuple[Column, ...]:
        if self.coordinates is not None:
            return (COORDINATES,)
        return () if self.objects is None else COLUMNS

    def classes(self) -> tuple[str, ...]:
        if self.objects is not None:
            objects = self._objects(self._splits())
            return () if objects is None else objects.classes
        if self.label is None:
            return tuple(self.attributes)
        import datasets

        names: list[tuple[str, ...]] = []
        for rows in self._splits().values():
            feature = (rows.features or {}).get(self.label)
            if not isinstance(feature, datasets.ClassLabel):
                raise DistillError(
                    f"label: the column {self.label!r} of {self.path} is {feature or 'not there'}, expected an "
                    f"enumeration of classes. There are: {few(rows.column_names or [])}. Text and numbers become "
                    "one by `Dataset.class_encode_column`."
                )
            names.append(tuple(feature.names))
        if len(set(names)) > 1:
            raise DistillError(f"label: the splits of {self.path} have other classes, or in another order.")
        return names[0] if names else ()

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        """Every picture of the named splits.

        Raises:
            DistillError: the set cannot be reached or read; a split or column is not there; a label is no label.
        """
        path, local = self._path()
        splits = self._splits()
        objects = None if self.objects is None else self._objects(splits)
        self._check_positions(splits)
        for split, rows in splits.items():
            yield from self._rows(rows, split, Path(path) if local else None, objects)

    def state(self) -> str:
        """The commit of a set on the hub; sizes and times of the files of a local one."""
        import datasets

        path, local = self._path()
        if local:
            files = sorted(walk(Path(path)))
            return digest(Sample(file.as_posix(), file) for file in files)
        with self._explained():
            return str(datasets.load_dataset_builder(path, self.config, revision=self.revision).hash)

    def _splits(self) -> dict[Split, Any]:
        """The named splits of the set, loaded."""
        import datasets

        path, _ = self._path()
        splits: dict[Split, str | None] = {"train": self.train, "validation": self.validation, "test": self.test}
        with self._explained():
            loaded = datasets.load_dataset(path, self.config, revision=self.revision, streaming=self.streaming)
        for split, stored in splits.items():
            if stored is not None and stored not in loaded:
                raise DistillError(f"{split}: {self.path} has no split {stored!r}, only {few(loaded)}.")
        return {split: loaded[stored] for split, stored in splits.items() if stored is not None}

    def _objects(self, splits: dict[Split, Any]) -> ObjectsColumn | None:
        """The column of objects, which is alike in all splits; None where there is no split."""
        assert self.objects is not None
        for rows in splits.values():
            if self.objects not in (rows.column_names or []):
                raise DistillError(
                    f"objects: {self.path} has no column {self.objects!r}, only {few(rows.column_names or [])}."
                )
        features = {str(rows.features[self.objects]): rows.features[self.objects] for rows in splits.values()}
        if len(features) > 1:
            raise DistillError(f"objects: the splits of {self.path} have other classes, or in another order.")
        with self._explained():
            values = (row[self.objects] for rows in splits.values() for row in rows.select_columns([self.objects]))
            for feature in features.values():
                return ObjectsColumn.of(self.objects, feature, values)
        return None

    def _position(self, row: Any, where: str) -> Position:
        """Latitude and longitude of a row; None where they are not known, or 0, 0, as programs write what they lack."""
        if self.coordinates is None:
            return None
        latitude, longitude = (degrees(row[name], f"coordinates: {where}: {name}") for name in self.coordinates)
        if latitude is None or longitude is None:
            return None
        return without_null_island([(latitude, longitude)])[0][0]

    def _check_positions(self, splits: dict[Split, Any]) -> None:
        """Refuse what is no place on the Earth, before any picture is read.

        Raises:
            DistillError: as it says, or a column is not there.
        """
        if self.coordinates is None:
            return
        for split, rows in splits.items():
            for column in self.coordinates:
                if column not in (rows.column_names or []):
                    there = ", ".join(rows.column_names or [])
                    raise DistillError(f"coordinates: {self.path} has no column {column!r}, only {there}.")
            with self._explained():
                columns = rows.select_columns(list(self.coordinates))
                positions = [self._position(row, f"{self.path}, row {n} of {split}") for n, row in enumerate(columns)]
            check_positions(positions, range(len(positions)), f"coordinates: {self.path}, {split}")

    def _path(self) -> tuple[str, bool]:
        """What to load, and whether it is a directory here."""
        if self.path is None:
            raise DistillError("path: not set; expected the name of a set on the hub or a directory.")
        place = Path(self.path).expanduser()
        if place.is_dir():
            return str(place.absolute()), True  # as `datasets` names the files in it
        if self.path.startswith(("/", ".", "~")):
            raise DistillError(f"path: {place} is not a directory; expected one of parquet files or pictures.")
        return self.path, False

    def _rows(self, rows: Any, split: Split, root: Path | None, objects: ObjectsColumn | None) -> Iterator[Sample]:
        import datasets

        columns = rows.column_names or []  # None where a stream does not tell before it is read
        wanted = [("image", self.image), *(("attributes", name) for name in self.attributes)]
        wanted += [
            (key, name)
            for key, name in (("label", self.label), ("objects", self.objects), ("identity", self.identity))
            if name is not None
        ]
        wanted += [("coordinates", name) for name in self.coordinates or ()]
        for key, column in wanted:
            if column not in columns:
                raise DistillError(f"{key}: {self.path} has no column {column!r}, only {few(columns)}.")
        with self._explained():
            rows = rows.select_columns([column for _, column in wanted])
            values = {name: _values(rows.features[name]) for name in self.attributes}
            for number, row in enumerate(rows.cast_column(self.image, datasets.Image(decode=False))):
                where = f"{self.path}, row {number} of {split}"
                labels = tuple(_lookup(values[name], row[name], name, where) for name in self.attributes)
                if self.label is not None:
                    labels = _one_hot(row[self.label], rows.features[self.label].num_classes)
                identity = -1 if self.identity is None else _identity(row[self.identity], self.identity, where)
                picture = _picture(row[self.image])
                name = f"{split}/{number}"
                if root is not None and isinstance(picture, Path) and picture.is_relative_to(root):
                    name = picture.relative_to(root).as_posix()
                if objects is None:
                    position = self._position(row, where)
                    targets = {} if position is None else {COORDINATES.name: position}
                    yield Sample(name, picture, labels, identity, split, targets=targets)
                elif (value := row[objects.name]) is None:  # nobody looked
                    yield Sample(name, picture, identity=identity, split=split)
                else:
                    photograph = Photograph(name, picture, None, split)
                    sample = marked_sample(photograph, objects.boxes(value, where), objects.classes)
                    yield replace(sample, identity=identity)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        # `datasets` passes on whatever pyarrow, fsspec, httpx and the file systems behind them raise.
        try:
            yield
        except DistillError:
            raise
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            advice = "expected parquet files or pictures `datasets` can read." if self._path()[1] else HUB_ADVICE
            raise DistillError(
                f"path: {self.path} cannot be loaded ({type(error).__name__}: {reason[:NAMED]}); {advice}"
            ) from error


def _values(feature: Any) -> dict[Any, int]:
    """How a column's values read as labels: -1 is absent beside 1, but unknown in an enumeration."""
    import datasets

    return {1: 1, 0: 0, -1: -1 if isinstance(feature, datasets.ClassLabel) else 0, None: -1}


def _lookup(values: dict[Any, int], value: object, column: str, where: str) -> int:
    try:
        return values[value]
    except (KeyError, TypeError):
        raise DistillError(
            f"attributes: {where}: {column} is {echo(value)}, expected a boolean, 0 or 1, -1 or 1, or null."
        ) from None


def _one_hot(number: int | None, classes: int) -> tuple[int, ...]:
    """The class of an enumeration as labels; -1, and null, is unknown."""
    if number is None or number < 0:
        return (-1,) * classes
    return tuple(int(number == one) for one in range(classes))


def _identity(value: object, column: str, where: str) -> int:
    if value is None:
        return -1
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # so a CSV file's numbers are read where one of them is missing
    if not isinstance(value, int) or isinstance(value, bool):
        raise DistillError(f"identity: {where}: {column} is {echo(value)}, expected a whole number or null.")
    return value


def _picture(stored: dict[str, Any] | None) -> Path | bytes:
    """An entry of the image column; one without a picture is as good as an empty file."""
    if stored is None:
        return b""
    if stored["bytes"] is not None:
        return bytes(stored["bytes"])
    if stored["path"] is None:
        return b""
    if "://" not in stored["path"]:
        return Path(stored["path"])
    import fsspec  # a stream names pictures inside archives and on the hub by their address

    with fsspec.open(stored["path"], "rb") as file:
        return bytes(file.read())
