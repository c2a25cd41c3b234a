"""A prepared set on disk: every usable picture of a source at one size, behind an index.

    pictures-00000.npy ...  the pictures, raw or encoded; see `distill.data.prepared.shards`
    hashes.npy      uint64 (N,), of the picture's content
    files.npy       uint64 (N,), the same but for the box that was cut out of it
    labels.npy      int8 (N, C): 1 present, 0 absent, -1 unknown
    identities.npy  int64 (N,), -1 unknown
    splits.npy      uint8 (N,), an index into `SPLITS`; `UNUSED` of a photograph that is labelled in two ways
    NAME.npy        a further column of targets (N, ...), or the rows (R, ...) of a ragged one, whose
    NAME.offsets.npy are int64 (N + 1,)
    names.json      what the source calls each picture
    ledger.csv      the pictures left out, each with its reason, and pictures of which a box was left out
    index.json      count, size, pictures a shard, classes, further columns, the key of what it was prepared from, the
                    checksums of all other files, and its own

Shapes: N pictures, C classes, R rows of a ragged column, H W pixels.
"""

import csv
import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import numpy as np

from distill.data.prepared.kept import UNUSED, pictures_of
from distill.data.prepared.shards import Shards, rows_per_shard
from distill.data.sources.source import SPLITS, Split
from distill.data.targets import IDENTITIES, Column, Ragged, Values, labels_column
from distill.errors import DistillError, echo
from distill.files.arrays import read_array
from distill.files.atomic import checksum
from distill.files.sealed import read_sealed, write_sealed

VERSION = 4  # of these files; raise it when their layout changes, or which rows they hold
PIXELS = 1  # of the pictures in them; raise it when they change by more than rounding
ARRAYS = {"hashes": "<u8", "files": "<u8", "labels": "|i1", "identities": "<i8", "splits": "|u1"}
INDEX = "index.json"
LEDGER = "ledger.csv"
NAMES = "names.json"
RESERVED = (*ARRAYS, "names", "index", "ledger", "pictures", "offsets")  # no names of further columns
READERS = 4  # files verified at a time


class Index(TypedDict):
    """The content of `index.json`; what it was prepared from (`source`, `state`) stands beside."""

    version: int
    key: str
    height: int
    width: int
    classes: list[str]
    columns: NotRequired[list[dict[str, Any]]]
    align: str | None
    fit: NotRequired[str]
    encoded: bool
    count: int
    shard: int
    checksums: dict[str, str]
    fingerprint: str


@dataclass(frozen=True, eq=False)
class Prepared:
    """An opened set. Pickling it stores its place alone, so it can be sent to the workers of a loader.

    Attributes:
        pictures: uint8 (N, H, W, 3), RGB, gathered from shards.
        hashes: uint64 (N,), 64-bit BLAKE2b of the encoded file, or of shape and pixels where there was none, and of the
            box that was cut out of it.
        files: uint64 (N,), the same without the box: equal where two pictures are of one photograph.
        splits: uint8 (N,), an index into `SPLITS`, or `UNUSED`: labelled in two ways, in no split, with nothing known.
        columns: what is known of the pictures: `labels`, `identities`, and whatever else the source declares.
        targets: of each column the values. Places are shares of the prepared picture.
        pixels: what a content hash does not say of the pixels: their version, what faces were aligned by, and how
            others were fitted where they were not cropped.
        fingerprint: hex sha256 of all the above but `files`: equal where a network is shown the same.
    """

    directory: Path
    pictures: Shards
    hashes: np.ndarray
    files: np.ndarray
    splits: np.ndarray
    columns: tuple[Column, ...]
    targets: Mapping[str, Values]
    classes: tuple[str, ...]
    pixels: str
    fingerprint: str

    @classmethod
    def open(cls, directory: Path) -> "Prepared":
        """Open and verify a set; every file is read once.

        Raises:
            DistillError: there is no prepared set, or a file of it is not the one that was written.
        """
        index = read_index(directory)

        def verify(name: str) -> None:
            file = directory / name
            if not file.is_file() or checksum(file) != index["checksums"].get(name):
                raise DistillError(
                    f"{file}: missing, or not what {INDEX} has the checksum of: damaged after it was written. "
                    f"Delete {directory} to prepare the set afresh."
                )

        files = [*_small(index), *_shards(directory, index).files]
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(verify, files))
        return reopen(directory)

    def __len__(self) -> int:
        return len(self.hashes)

    def __reduce__(self) -> tuple[Any, ...]:
        return reopen, (self.directory.absolute(), self.fingerprint)

    @property
    def labels(self) -> np.ndarray:
        """int8 (N, C): 1 present, 0 absent, -1 unknown."""
        return cast(np.ndarray, self.targets["labels"])

    @property
    def identities(self) -> np.ndarray:
        """int64 (N,), -1 where unknown."""
        return cast(np.ndarray, self.targets["identities"])

    @cached_property
    def names(self) -> list[str]:
        """What the source calls each picture; read when asked for.

        Raises:
            DistillError: another set was put in this one's place, or they are damaged.
        """
        try:
            with os.fdopen(self.pictures.open(NAMES), encoding="utf-8") as file:
                names = json.load(file)
        except FileNotFoundError:
            raise _afresh(self.directory) from None
        except (RecursionError, ValueError):
            names = None
        if not isinstance(names, list) or len(names) != len(self) or not all(isinstance(name, str) for name in names):
            raise self._damaged(NAMES, "no list of a name a picture")
        return names

    @property
    def ledger(self) -> list[tuple[str, str]]:
        """The pictures left out by name, each with its reason; those of which another is kept among them, and those of
        which a box alone was left out.

        Raises:
            DistillError: it is missing or damaged.
        """
        try:
            with os.fdopen(self.pictures.open(LEDGER), encoding="utf-8", newline="") as file:
                return [(name, reason) for name, reason in list(csv.reader(file))[1:]]
        except FileNotFoundError:
            raise self._damaged(LEDGER, "missing, so the set is damaged") from None
        except (csv.Error, ValueError):
            raise self._damaged(LEDGER, "no table of names and reasons") from None

    @property
    def listed(self) -> int:
        """The pictures its source listed, used or not."""
        unused = int((self.splits == UNUSED).sum())  # they are in the ledger too
        return len(self) - unused + pictures_of(self.ledger)

    def _damaged(self, name: str, why: str) -> DistillError:
        return DistillError(f"{self.directory / name}: {why}. Delete {self.directory}, and it is prepared again.")

    def indices(self, split: Split) -> np.ndarray:
        """int64, the rows of one split in ascending order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))


def write_index(
    directory: Path,
    arrays: Mapping[str, Values],
    names: list[str],
    content: dict[str, Any],
    checksums: dict[str, str],
) -> None:
    """Complete a set whose shards are written.

    Args:
        directory: with the ledger in it.
        arrays: those of `ARRAYS`, and the values of further columns.
        content: what the index holds beside counts and checksums; classes, height, width and encoded among it, and the
            further columns, where there are any.
        checksums: of the shards' files.
    """
    files = _arrays_of(arrays, content)
    for name, array in files.items():
        np.save(directory / f"{name}.npy", array, allow_pickle=False)
    (directory / NAMES).write_text(json.dumps(names, ensure_ascii=False, indent=0), encoding="utf-8")
    index = {
        "version": VERSION,
        **content,
        "count": len(names),
        "shard": rows_per_shard(content["height"], content["width"]),
        "checksums": checksums | {name: checksum(directory / name) for name in _small(content)},
        "fingerprint": _fingerprint(files, content),
    }
    write_sealed(directory / INDEX, index)


def reopen(directory: Path, fingerprint: str | None = None) -> Prepared:
    """Open a set this run has written or verified, without reading all of it again.

    Args:
        fingerprint: of the set that is expected there.

    Raises:
        DistillError: there is no prepared set, or its index or small arrays are not those that were written.
    """
    index = read_index(directory)
    try:
        arrays = {name: _mapped(directory / f"{name}.npy", dtype) for name, dtype in _names(index).items()}
        pictures = _shards(directory, index).hold()
    except FileNotFoundError:
        raise _afresh(directory) from None
    if read_index(directory) != index:
        raise _afresh(directory)
    further = _further(index)
    targets: dict[str, Values] = {name: arrays[name] for name in ("labels", "identities")}
    for column in further:
        rows = arrays[column.name]
        targets[column.name] = Ragged(rows, arrays[f"{column.name}.offsets"]) if column.ragged else rows
    prepared = Prepared(
        directory,
        pictures,
        hashes=arrays["hashes"],
        files=arrays["files"],
        splits=arrays["splits"],
        columns=(labels_column(len(index["classes"])), IDENTITIES, *further),
        targets=targets,
        classes=tuple(index["classes"]),
        pixels=_pixels(index),
        fingerprint=_fingerprint(arrays, index),
    )
    count = (len(prepared.pictures),)
    if prepared.fingerprint != index["fingerprint"] or not prepared.hashes.shape == prepared.files.shape == count:
        raise DistillError(
            f"{directory / INDEX}: does not fit the arrays beside it. Delete {directory} to prepare afresh."
        )
    if fingerprint not in (None, prepared.fingerprint):
        raise _afresh(directory)
    return prepared


def _afresh(directory: Path) -> DistillError:
    return DistillError(f"{directory}: was prepared afresh while it was in use; start the run again.")


def _mapped(file: Path, dtype: str) -> np.ndarray:
    remedy = f"Delete {file.parent} to prepare afresh."
    array = read_array(file, remedy, mapped=True)
    if array.dtype != np.dtype(dtype):
        raise DistillError(f"{file}: is of {array.dtype}, expected {np.dtype(dtype)}. {remedy}")
    return np.asarray(array)


def read_index(directory: Path) -> dict[str, Any]:
    """What a set says of itself.

    Raises:
        DistillError: there is none, or it is damaged or of another version.
    """
    if not (directory / INDEX).is_file():
        raise DistillError(f"{directory}: not a prepared set ({INDEX} is missing).")
    index: dict[str, Any] = read_sealed(directory / INDEX, Index, f"Delete {directory} to prepare afresh.", VERSION)
    sizes = {key: index[key] for key in ("height", "width", "shard", "count")}
    for key, size in sizes.items():
        if size < (key != "count"):
            raise DistillError(f"{directory / INDEX}: {key} is {size}. Delete {directory} to prepare afresh.")
    if -(-index["count"] // index["shard"]) > len(index["checksums"]):  # a list of their names may fill the memory
        raise DistillError(
            f"{directory / INDEX}: count is {echo(index['count'])}, more than its {len(index['checksums'])} files hold "
            f"by {echo(index['shard'])} a file. Delete {directory} to prepare afresh."
        )
    try:
        _further(index)
    except (AttributeError, DistillError, KeyError, TypeError, ValueError) as error:
        raise DistillError(
            f"{directory / INDEX}: its columns cannot be read ({error}). Delete {directory} to prepare afresh."
        ) from None
    return index


def _shards(directory: Path, index: dict[str, Any]) -> Shards:
    shape = (index["count"], index["height"], index["width"], 3)
    return Shards(directory, shape, index["shard"], index["encoded"])


def _further(content: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns beside those that every set has."""
    return tuple(map(Column.of, content.get("columns", ())))


def _names(content: Mapping[str, Any]) -> dict[str, str]:
    """Of each file of an array, by its name without ending, the type of its numbers."""
    names = dict(ARRAYS)
    for column in _further(content):
        names[column.name] = np.dtype(column.dtype).newbyteorder("<").str
        if column.ragged:
            names[f"{column.name}.offsets"] = "<i8"
    return names


def _small(content: Mapping[str, Any]) -> list[str]:
    """The files beside shards and index."""
    return [*(f"{name}.npy" for name in _names(content)), NAMES, LEDGER]


def _arrays_of(values: Mapping[str, Values], content: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What is written, by the names of its files."""
    arrays: dict[str, np.ndarray] = {}
    for name, one in values.items():
        if isinstance(one, Ragged):
            arrays |= {name: one.rows, f"{name}.offsets": one.offsets}
        else:
            arrays[name] = one
    return {name: arrays[name].astype(dtype) for name, dtype in _names(content).items()}


def _pixels(content: Mapping[str, Any]) -> str:
    align, fit = content.get("align"), content.get("fit", "crop")
    aligned = "" if align is None else f", aligned by {align}"
    return f"version {PIXELS}{aligned}" + ("" if fit == "crop" else f", fitted by {fit}")


def _fingerprint(arrays: Mapping[str, np.ndarray], content: Mapping[str, Any]) -> str:
    known: tuple[Any, ...] = (_pixels(content), content["height"], content["width"], list(content["classes"]))
    if further := _further(content):
        known = (*known, [column.describe() for column in further])
    digest = hashlib.sha256(repr(known).encode())
    for name, dtype in _names(content).items():
        if name != "files":
            digest.update(np.ascontiguousarray(arrays[name].astype(dtype, copy=False)).data)
    return digest.hexdigest()
