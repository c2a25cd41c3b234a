"""Reading a store: answers by picture and view, from memory maps.

Shapes: N pictures in views, M pictures shown whole, n pictures asked for, C outputs.
"""

import errno
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.files.arrays import read_array
from distill.files.atomic import checksum
from distill.store.codec import Codec
from distill.store.manifest import MANIFEST, PICTURES, WHOLE, Manifest, view_file, whole_file

BUILDING = ".building"
"""What the directory of an unfinished store is called after."""


def named_place(place: Path) -> Path:
    """By its own name, of which those of what stands beside a store are made; `.` is none.

    Raises:
        DistillError: it is the root of the file system.
    """
    if place.name in ("", ".."):
        place = place.resolve()
    if not place.name:
        raise DistillError(f"{place}: no place for a store of teacher answers, which needs a name of its own.")
    return place


def building_place(directory: Path) -> Path:
    """Where a store is written until it is complete."""
    return directory.with_name(directory.name + BUILDING)


@dataclass(frozen=True, eq=False)
class Store:
    """A complete store. Pickling it stores its place alone, so it can be sent to the workers of a loader.

    `distill store` puts a larger one in its place, also while this one is in use: files that are mapped stay as they
    were, and one that is first read after that is refused.

    Attributes:
        fingerprint: sha256 over the manifest, and so over every answer.
        viewed: uint64 (N,), rising: pictures whose views were answered.
        whole: uint64 (M,), rising: pictures answered whole.
    """

    directory: Path
    fingerprint: str
    manifest: Manifest
    viewed: np.ndarray
    whole: np.ndarray

    @classmethod
    def open(cls, directory: Path) -> "Store":
        """Open a store and check its lists of pictures; `distill.store.verify` reads the rest.

        Raises:
            DistillError: there is none, it is not complete, or a file is missing or not what was written.
        """
        if not (directory / MANIFEST).is_file():
            begun = building_place(directory)
            if begun.is_dir():
                raise DistillError(
                    f"{directory}: not complete; what was answered so far is in {begun}. The `distill store` command "
                    "that began it goes on."
                )
            raise DistillError(f"{directory}: not a store of teacher answers ({MANIFEST} is missing).")
        fingerprint, manifest = checksum(directory / MANIFEST), Manifest.read(directory / MANIFEST)
        # Counted first: of counts that no disk holds, a list of files would fill the memory.
        counted = manifest.file_count + len((PICTURES, WHOLE)) == len(manifest.checksums)
        if not counted or {PICTURES, WHOLE, *manifest.files()} != manifest.checksums.keys():
            raise DistillError(f"{directory / MANIFEST}: its list of files is not that of its counts: it was altered.")
        for name in (PICTURES, WHOLE):
            check_file(directory, name, manifest)
        facts = manifest.pictures
        lists = [_hashes(directory / name, count) for name, count in ((PICTURES, facts.viewed), (WHOLE, facts.whole))]
        return cls(directory, fingerprint, manifest, *lists)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.directory.absolute(), self.fingerprint)

    def map_all(self) -> None:
        """Map every file, so that a larger store put in this one's place changes nothing."""
        for view in (None, *range(self.manifest.count)):
            codec = self.manifest.codec(view)
            for name in self.manifest.files_of(view):
                self._map(name, codec)

    def view_answers(self, rows: np.ndarray, view: int) -> np.ndarray:
        """Answers to one view of pictures, by their rows of `viewed` (n,): (n, *row) of the codec's type."""
        return self._gather(rows, lambda part: view_file(view, part), self.manifest.codec(view))

    def whole_answers(self, rows: np.ndarray) -> np.ndarray:
        """Answers to whole pictures, by their rows of `whole` (n,): (n, C)."""
        return self._gather(rows, whole_file, self.manifest.codec(None))

    def _gather(self, rows: np.ndarray, name: Callable[[int], str], codec: Codec) -> np.ndarray:
        part, place = np.divmod(rows, self.manifest.rows)
        out = np.empty((len(rows), *codec.row), codec.dtype)
        for number in np.unique(part):
            here = part == number
            out[here] = self._map(name(int(number)), codec)[place[here]]
        return out

    def _map(self, name: str, codec: Codec) -> np.ndarray:
        maps: dict[str, np.ndarray] = self.__dict__.setdefault("_maps", {})
        if name not in maps:
            file = self.directory / name
            try:
                answers = read_array(file, REPAIR, mapped=True)
            except OSError as error:
                if error.errno == errno.EMFILE:
                    raise DistillError(
                        f"{file}: cannot be opened beside as many others. Allow more: `ulimit -n` is now "
                        f"{resource.getrlimit(resource.RLIMIT_NOFILE)[0]}, and the store has "
                        f"{len(self.manifest.files())} files."
                    ) from None
                raise DistillError(f"{file}: cannot be read ({error.strerror or error}). {REPAIR}") from None
            self._check_unchanged()
            shape = (self._rows_of(name), *codec.row)
            if answers.dtype != codec.dtype or answers.shape != shape:
                raise DistillError(
                    f"{file}: is {answers.dtype} {answers.shape}, and {MANIFEST} says {codec.dtype} {shape}. {REPAIR}"
                )
            maps[name] = answers
        return maps[name]

    def _rows_of(self, name: str) -> int:
        """The rows of a file of answers: as many as all but the last have."""
        facts = self.manifest.pictures
        count = facts.whole if name.startswith("whole") else facts.viewed
        number = int(name.removesuffix(".npy").rpartition("-")[2])
        return min(self.manifest.rows, count - number * self.manifest.rows)

    def _check_unchanged(self) -> None:
        manifest = self.directory / MANIFEST
        if not manifest.is_file() or checksum(manifest) != self.fingerprint:
            raise DistillError(
                f"{self.directory}: answers were stored there anew while it was in use, and stand in other places now. "
                "Run the same command again."
            )


def _reopen(directory: Path, fingerprint: str) -> Store:
    store = replace(Store.open(directory), fingerprint=fingerprint)
    store.map_all()
    store._check_unchanged()
    return store


REPAIR = "Run the `distill store` command that wrote it again: it keeps what is whole and asks for the rest."


def _hashes(file: Path, count: int) -> np.ndarray:
    """A list of pictures: uint64 (count,), rising.

    Raises:
        DistillError: it is none.
    """
    hashes = read_array(file, REPAIR)
    if hashes.dtype != np.uint64 or hashes.shape != (count,) or (hashes[1:] <= hashes[:-1]).any():
        raise DistillError(
            f"{file}: is {hashes.dtype} {hashes.shape}, expected {count} content hashes, uint64 and rising. {REPAIR}"
        )
    return hashes


def find(hashes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Rows of `wanted` (n,) in rising `hashes` (N,): int64 (n,), -1 where one is not there."""
    if len(hashes) == 0:
        return np.full(len(wanted), -1)
    rows = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
    return np.where(hashes[rows] == wanted, rows, -1)


def check_file(directory: Path, name: str, manifest: Manifest) -> None:
    """Compare one file with its checksum.

    Raises:
        DistillError: it is missing or not what was written.
    """
    file = directory / name
    if not file.is_file() or checksum(file) != manifest.checksums.get(name):
        raise DistillError(f"{file}: missing, or not what {MANIFEST} has the checksum of: damaged. {REPAIR}")


def find_manifest(directory: Path) -> Manifest | None:
    """The manifest of a complete store, None where there is none."""
    return Manifest.read(directory / MANIFEST) if (directory / MANIFEST).is_file() else None
