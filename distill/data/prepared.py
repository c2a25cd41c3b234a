"""A prepared set on disk: every usable picture of a source at one size, behind an index.

    pictures.npy    uint8 (N, H, W, 3), RGB
    hashes.npy      uint64 (N,), of the picture's content
    labels.npy      int8 (N, C): 1 present, 0 absent, -1 unknown
    identities.npy  int64 (N,), -1 unknown
    splits.npy      uint8 (N,), an index into `SPLITS`
    index.json      names, classes, checksums, the key of what it was prepared from
    ledger.csv      the pictures left out, each with its reason

Shapes: N pictures, C classes, H W pixels.
"""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill.data.source import SPLITS, Split
from distill.errors import DistillError
from distill.files import read_json, write_json

VERSION = 1  # of these files and of the pixels in them; raise it with either
ARRAYS = {"pictures": "|u1", "hashes": "<u8", "labels": "|i1", "identities": "<i8", "splits": "|u1"}
INDEX = "index.json"
LEDGER = "ledger.csv"


@dataclass(frozen=True, eq=False)
class Prepared:
    """An opened set. Pickling it stores its place alone, so it can be sent to the workers of a loader.

    Attributes:
        pictures: uint8 (N, H, W, 3), RGB, a read-only memory map.
        hashes: uint64 (N,), 64-bit BLAKE2b of the encoded file, or of shape and pixels where there was none.
        labels: int8 (N, C): 1 present, 0 absent, -1 unknown.
        identities: int64 (N,), -1 where unknown.
        splits: uint8 (N,), an index into `SPLITS`.
        fingerprint: hex sha256 of all the above but the names: equal where a network is shown the same.
    """

    directory: Path
    pictures: np.ndarray
    hashes: np.ndarray
    labels: np.ndarray
    identities: np.ndarray
    splits: np.ndarray
    names: list[str]
    classes: tuple[str, ...]
    fingerprint: str

    @classmethod
    def open(cls, directory: Path) -> "Prepared":
        """Open and verify a set; every file is read once.

        Raises:
            DistillError: there is no prepared set, or a file of it is not the one that was written.
        """
        checksums = _read_index(directory)["checksums"]
        for name in ARRAYS:
            file = directory / f"{name}.npy"
            if not file.is_file() or _checksum(file) != checksums.get(file.name):
                raise DistillError(
                    f"{file}: missing, or not what {INDEX} has the checksum of: damaged after it was written. "
                    f"Delete {directory} to prepare the set afresh."
                )
        return reopen(directory)

    def __len__(self) -> int:
        return len(self.names)

    def __reduce__(self) -> tuple[Any, ...]:
        return reopen, (self.directory.absolute(), self.fingerprint)

    @property
    def left_out(self) -> int:
        """Pictures the ledger names."""
        with (self.directory / LEDGER).open(encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.reader(file)) - 1

    def indices(self, split: Split) -> np.ndarray:
        """int64, the rows of one split in ascending order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))


def write_index(directory: Path, arrays: dict[str, np.ndarray], content: dict[str, Any]) -> None:
    """Complete a set whose `pictures.npy` is written.

    Args:
        arrays: the other arrays of `Prepared`.
        content: what the index holds beside the checksums; names, classes, height and width among it.
    """
    for name, array in arrays.items():
        np.save(directory / f"{name}.npy", array.astype(ARRAYS[name]), allow_pickle=False)
    checksums = {f"{name}.npy": _checksum(directory / f"{name}.npy") for name in ARRAYS}
    index = {"version": VERSION, **content, "checksums": checksums, "fingerprint": _fingerprint(arrays, content)}
    write_json(directory / INDEX, index)


def reopen(directory: Path, fingerprint: str | None = None) -> Prepared:
    """Open a set this run has written or verified, without reading all of it again.

    Args:
        fingerprint: of the set that is expected there.

    Raises:
        DistillError: there is no prepared set, or its index or small arrays are not those that were written.
    """
    index = _read_index(directory)
    arrays = {
        name: np.load(directory / f"{name}.npy", mmap_mode="r" if name == "pictures" else None, allow_pickle=False)
        for name in ARRAYS
    }
    prepared = Prepared(
        directory,
        **arrays,
        names=index["names"],
        classes=tuple(index["classes"]),
        fingerprint=_fingerprint(arrays, index),
    )
    if prepared.fingerprint != index["fingerprint"] or len(prepared.names) != len(prepared.pictures):
        raise DistillError(
            f"{directory / INDEX}: does not fit the arrays beside it. Delete {directory} to prepare afresh."
        )
    if fingerprint not in (None, prepared.fingerprint):
        raise DistillError(f"{directory}: was prepared afresh while it was in use; start the run again.")
    return prepared


def _read_index(directory: Path) -> dict[str, Any]:
    if not (directory / INDEX).is_file():
        raise DistillError(f"{directory}: not a prepared set ({INDEX} is missing).")
    index = read_json(directory / INDEX)
    if not isinstance(index, dict) or index.get("version") != VERSION:
        raise DistillError(f"{directory / INDEX}: not of version {VERSION}. Delete {directory} to prepare afresh.")
    return index


def _checksum(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _fingerprint(arrays: dict[str, np.ndarray], content: dict[str, Any]) -> str:
    known = (VERSION, content["height"], content["width"], list(content["classes"]))
    digest = hashlib.sha256(repr(known).encode())
    for name in ("hashes", "labels", "identities", "splits"):
        digest.update(arrays[name].astype(ARRAYS[name]).tobytes())
    return digest.hexdigest()
