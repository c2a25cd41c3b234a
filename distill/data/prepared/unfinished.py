"""A set in the making, beside its place, so that a stop at any moment costs no more than the shard being written.

    .NAME.part/plan.json           what is being prepared
    .NAME.part/entries-00000.json  what came of the pictures up to the end of a shard, and the shard's checksum; on a
                                   second line its own
    .NAME.part/set/                the shards; at the end everything else, and it is renamed to NAME

A shard is finished once its entries are written; whatever else lies there was torn, and is written anew. What was
finished and is damaged is written anew as well, and that is said.
"""

import hashlib
import json
import os
import shutil
from array import array
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from rich.console import Console

from distill.data.prepared.kept import Entry, Kept
from distill.data.prepared.shards import OFFSETS, rows_per_shard, shard_name
from distill.errors import DistillError
from distill.files.atomic import atomic_path, checksum, put
from distill.files.sealed import read_sealed, write_sealed

PLAN = "plan.json"

console = Console(stderr=True, markup=False, emoji=False)


class Unfinished:
    """Writes shards one after another.

    Args:
        place: the directory, which this process holds alone.
        plan: whatever must be the same for finished shards to be of use; others are deleted.
        kept: takes the entries of the finished shards.
    """

    def __init__(self, place: Path, plan: dict[str, Any], kept: Kept, height: int, width: int, encoded: bool) -> None:
        self.place, self.kept, self.encoded = place, kept, encoded
        self.height, self.width, self.rows = height, width, rows_per_shard(height, width)
        self.listed = 0  # pictures of the source that came so far, kept or not
        self.checksums: dict[str, str] = {}
        self._lengths = array("q", [0])  # bytes of each encoded picture, after a first nothing
        self._entries: list[Entry] = []
        self._file: BinaryIO | None = None
        if plan_of(place) != plan:
            _empty(place)
            write_sealed(place / PLAN, plan)
        self.directory.mkdir(exist_ok=True)
        self._take_up()

    @property
    def directory(self) -> Path:
        """Where the set grows."""
        return self.place / "set"

    def add(self, entry: Entry, stored: np.ndarray | bytes | None) -> None:
        """Enter a picture.

        Args:
            stored: its pixels or, in an encoded set, its bytes; None where it is bad.
        """
        self._entries.append(entry)
        self.listed += 1
        if not self.kept.add(entry):
            return
        assert stored is not None
        if self._file is None:
            # Written, not memory-mapped: a full disk is then an error and not a signal that kills.
            self._file = self._shard.open("wb", buffering=1 << 22)
            self._write_header(self._file, self.rows)
        data = stored if isinstance(stored, bytes) else stored.data.cast("B")
        self._file.write(data)
        if self.encoded:
            self._lengths.append(len(data))
        if len(self.kept) % self.rows == 0:
            self._finish_shard()

    def finish(self) -> None:
        """Write what is left of the last shard, and the offsets where pictures are encoded."""
        if self._file is not None:
            self._file.seek(0)
            self._write_header(self._file, len(self.kept) % self.rows)
            self._finish_shard()
        if self.encoded:
            np.save(self.directory / OFFSETS, np.cumsum(self._lengths, dtype=np.int64), allow_pickle=False)
            self.checksums[OFFSETS] = checksum(self.directory / OFFSETS)

    def move_to(self, directory: Path) -> None:
        """Put the finished set in its place, and in that of an older one."""
        for file in self.directory.iterdir():
            with file.open("rb+") as handle:
                os.fsync(handle.fileno())
        put(self.directory, directory)
        shutil.rmtree(self.place)

    def close(self) -> None:
        """Let go of a shard that was not finished."""
        if self._file is not None:
            with suppress(OSError):  # of a full disk; it has been reported
                self._file.close()
            self._shard.unlink(missing_ok=True)

    @property
    def _shard(self) -> Path:
        return self.directory / shard_name(len(self.checksums), self.encoded)

    def _record(self, number: int) -> Path:
        return self.place / f"entries-{number:05d}.json"

    def _finish_shard(self) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        shard, number = self._shard, len(self.checksums)
        found = checksum(shard)
        lengths = self._lengths[1 + number * self.rows :].tolist()
        text = json.dumps({"sha256": found, "lengths": lengths, "entries": self._entries})
        with atomic_path(self._record(number)) as temporary:
            temporary.write_text(f"{text}\n{_checksum(text)}\n")
        self.checksums[shard.name], self._entries = found, []

    def _take_up(self) -> None:
        """Go on after the last of the finished shards that are what was written."""
        while (file := self._record(len(self.checksums))).is_file():
            record, shard = _read(file), self._shard
            if record is None or not shard.is_file() or checksum(shard) != record["sha256"]:
                bad = file if record is None else shard
                console.print(f"{bad}: damaged; the pictures from there on are prepared again.", soft_wrap=True)
                break
            for entry in record["entries"]:
                self.kept.add(Entry(*entry))
            self.listed += len(record["entries"])
            self._lengths.extend(record["lengths"])
            self.checksums[shard.name] = record["sha256"]
        for file in sorted(self.place.glob("entries-*.json"))[len(self.checksums) :]:
            file.unlink()
        for file in self.directory.iterdir():
            if file.name not in self.checksums:
                file.unlink()

    def _write_header(self, file: BinaryIO, count: int) -> None:
        """NumPy pads the header so that the first axis can change: one with another count takes the same place."""
        if not self.encoded:
            shape = (count, self.height, self.width, 3)
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def discard_empty(place: Path) -> None:
    """Leave nothing of a set without a finished shard."""
    if place.is_dir() and not any(place.glob("entries-*.json")):
        shutil.rmtree(place)


def _empty(place: Path) -> None:
    """Delete what is in a directory, not the directory: it is locked."""
    for entry in place.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def plan_of(place: Path) -> Any:
    """What is being prepared in a place; None where nothing is, or where what says so is damaged, which is said."""
    if not (place / PLAN).is_file():
        return None
    try:
        return read_sealed(place / PLAN, dict[str, Any], "All of it is prepared again.")
    except DistillError as error:
        console.print(str(error), soft_wrap=True)
        return None


def _read(file: Path) -> Any:
    """What came of the pictures of a shard; None where that is damaged."""
    text, _, rest = file.read_bytes().decode("utf-8", errors="replace").partition("\n")
    return json.loads(text) if rest == f"{_checksum(text)}\n" else None


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
