"""A prepared set on disk: every usable picture of a source at one size, behind an index.

    pictures-00000.npy ...  the pictures, raw or encoded; see `distill.data.prepared.shards`
    hashes.npy      uint64 (N,), of the picture's content
    files.npy       uint64 (N,), the same but for the box that was cut out of it
    labels.npy      int8 (N, C): 1 present, 0 absent, -1 unknown
    identities.npy  int64 (N,), -1 unknown
    splits.npy      uint8 (N,), an index into `SPLITS`
    names.json      what the source calls each picture
    index.json      count, size, pictures a shard, classes, checksums, the key of what it was prepared from
    ledger.csv      the pictures left out, each with its reason

Shapes: N pictures, C classes, H W pixels.
"""

import csv
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from distill.data.prepared.shards import Shards, rows_per_shard
from distill.data.sources.source import SPLITS, Split
from distill.errors import DistillError
from distill.files.atomic import checksum, read_json, write_json

VERSION = 3  # of these files; raise it when their layout changes
PIXELS = 1  # of the pictures in them; raise it when they change by more than rounding
ARRAYS = {"hashes": "<u8", "files": "<u8", "labels": "|i1", "identities": "<i8", "splits": "|u1"}
INDEX = "index.json"
LEDGER = "ledger.csv"
NAMES = "names.json"
READERS = 4  # files verified at a time


@dataclass(frozen=True, eq=False)
class Prepared:
    """An opened set. Pickling it stores its place alone, so it can be sent to the workers of a loader.

    Attributes:
        pictures: uint8 (N, H, W, 3), RGB, gathered from shards.
        hashes: uint64 (N,), 64-bit BLAKE2b of the encoded file, or of shape and pixels where there was none, and of the
            box that was cut out of it.
        files: uint64 (N,), the same without the box: equal where two pictures are of one photograph.
        labels: int8 (N, C): 1 present, 0 absent, -1 unknown.
        identities: int64 (N,), -1 where unknown.
        splits: uint8 (N,), an index into `SPLITS`.
        pixels: what a content hash does not say of the pixels: their version, and what faces were aligned by.
        fingerprint: hex sha256 of all the above but `files`: equal where a network is shown the same.
    """

    directory: Path
    pictures: Shards
    hashes: np.ndarray
    files: np.ndarray
    labels: np.ndarray
    identities: np.ndarray
    splits: np.ndarray
    classes: tuple[str, ...]
    pixels: str
    fingerprint: str

    @classmethod
    def open(cls, directory: Path) -> "Prepared":
        """Open and verify a set; every file is read once.

        Raises:
            DistillError: there is no prepared set, or a file of it is not the one that was written.
        """
        index = _read_index(directory)

        def verify(name: str) -> None:
            file = directory / name
            if not file.is_file() or checksum(file) != index["checksums"].get(name):
                raise DistillError(
                    f"{file}: missing, or not what {INDEX} has the checksum of: damaged after it was written. "
                    f"Delete {directory} to prepare the set afresh."
                )

        files = [*(f"{name}.npy" for name in ARRAYS), NAMES, *_shards(directory, index).files]
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(verify, files))
        return reopen(directory)

    def __len__(self) -> int:
        return len(self.hashes)

    def __reduce__(self) -> tuple[Any, ...]:
        return reopen, (self.directory.absolute(), self.fingerprint)

    @cached_property
    def names(self) -> list[str]:
        """What the source calls each picture; read when asked for.

        Raises:
            DistillError: another set was put in this one's place.
        """
        try:
            with os.fdopen(self.pictures.open(NAMES), encoding="utf-8") as file:
                return list(json.load(file))
        except FileNotFoundError:
            raise _afresh(self.directory) from None

    @property
    def ledger(self) -> list[tuple[str, str]]:
        """The pictures left out by name, each with its reason; those of which another is kept among them.

        Raises:
            DistillError: it is missing.
        """
        try:
            with os.fdopen(self.pictures.open(LEDGER), encoding="utf-8", newline="") as file:
                return [(name, reason) for name, reason in list(csv.reader(file))[1:]]
        except FileNotFoundError:
            raise DistillError(
                f"{self.directory / LEDGER}: missing, so the set is damaged. Delete {self.directory}, and it is "
                "prepared again."
            ) from None

    def indices(self, split: Split) -> np.ndarray:
        """int64, the rows of one split in ascending order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))


def write_index(
    directory: Path,
    arrays: dict[str, np.ndarray],
    names: list[str],
    content: dict[str, Any],
    checksums: dict[str, str],
) -> None:
    """Complete a set whose shards are written.

    Args:
        arrays: those of `ARRAYS`.
        content: what the index holds beside counts and checksums; classes, height, width and encoded among it.
        checksums: of the shards' files.
    """
    for name, array in arrays.items():
        np.save(directory / f"{name}.npy", array.astype(ARRAYS[name]), allow_pickle=False)
    (directory / NAMES).write_text(json.dumps(names, ensure_ascii=False, indent=0), encoding="utf-8")
    small = [*(f"{name}.npy" for name in ARRAYS), NAMES]
    index = {
        "version": VERSION,
        **content,
        "count": len(names),
        "shard": rows_per_shard(content["height"], content["width"]),
        "checksums": checksums | {name: checksum(directory / name) for name in small},
        "fingerprint": _fingerprint(arrays, content),
    }
    write_json(directory / INDEX, index)


def reopen(directory: Path, fingerprint: str | None = None) -> Prepared:
    """Open a set this run has written or verified, without reading all of it again.

    Args:
        fingerprint: of the set that is expected there.

    Raises:
        DistillError: there is no prepared set, or its index or small arrays are not those that were written.
    """
    index = _read_index(directory)
    try:
        arrays = {name: _mapped(directory / f"{name}.npy") for name in ARRAYS}
        pictures = _shards(directory, index).hold()
    except FileNotFoundError:
        raise _afresh(directory) from None
    if _read_index(directory) != index:
        raise _afresh(directory)
    prepared = Prepared(
        directory,
        pictures,
        **arrays,
        classes=tuple(index["classes"]),
        pixels=_pixels(index),
        fingerprint=_fingerprint(arrays, index),
    )
    if prepared.fingerprint != index["fingerprint"] or len(prepared) != len(prepared.pictures):
        raise DistillError(
            f"{directory / INDEX}: does not fit the arrays beside it. Delete {directory} to prepare afresh."
        )
    if fingerprint not in (None, prepared.fingerprint):
        raise _afresh(directory)
    return prepared


def _afresh(directory: Path) -> DistillError:
    return DistillError(f"{directory}: was prepared afresh while it was in use; start the run again.")


def _mapped(file: Path) -> np.ndarray:
    """An array the system may drop from memory again; one without elements cannot be mapped."""
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    return np.asarray(array)


def _read_index(directory: Path) -> dict[str, Any]:
    if not (directory / INDEX).is_file():
        raise DistillError(f"{directory}: not a prepared set ({INDEX} is missing).")
    index = read_json(directory / INDEX)
    if not isinstance(index, dict) or index.get("version") != VERSION:
        raise DistillError(f"{directory / INDEX}: not of version {VERSION}. Delete {directory} to prepare afresh.")
    return index


def _shards(directory: Path, index: dict[str, Any]) -> Shards:
    shape = (index["count"], index["height"], index["width"], 3)
    return Shards(directory, shape, index["shard"], index["encoded"])


def _pixels(content: dict[str, Any]) -> str:
    align = content.get("align")
    return f"version {PIXELS}" + ("" if align is None else f", aligned by {align}")


def _fingerprint(arrays: dict[str, np.ndarray], content: dict[str, Any]) -> str:
    known = (_pixels(content), content["height"], content["width"], list(content["classes"]))
    digest = hashlib.sha256(repr(known).encode())
    for name in (name for name in ARRAYS if name != "files"):
        digest.update(np.ascontiguousarray(arrays[name].astype(ARRAYS[name], copy=False)).data)
    return digest.hexdigest()
