"""What a detector found in a set of photographs, on disk: a second run detects nothing again.

    faces-00000.csv ...  the faces of `ROWS` photographs each, in the order of their source, the last of fewer; a row a
                         face, as `COLUMNS` names them, and one with a score alone of a photograph without any
    index.json           what was looked for in what (`key`), photographs so far, whether these are all, checksums of
                         the other files, and its own

It is written after each file, so that a stop costs no more than the file being written. Which of the faces are used is
no matter of these files: another choice detects nothing again.
"""

import csv
import shutil
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np

from distill.errors import DistillError
from distill.faces.faces import Faces
from distill.files.atomic import atomic_path, checksum
from distill.files.sealed import read_sealed, write_sealed

VERSION = 1  # of these files; raise it when what is found changes
ROWS = 4096
INDEX = "index.json"
LANDMARK_COLUMNS = tuple(f"{axis}{number}" for number in range(1, 6) for axis in "xy")
COLUMNS = ("file", "height", "width", "best", "score", "left", "top", "right", "bottom", *LANDMARK_COLUMNS)


class FacesIndex(TypedDict):
    """The content of `index.json`."""

    version: int
    key: str
    photographs: int
    finished: bool
    checksums: dict[str, str]


class Looked(NamedTuple):
    """A photograph and its faces; None where it cannot be read."""

    name: str
    faces: Faces | None


class KeptFaces:
    """The files of one set.

    Args:
        directory: where they are or will be; what was found of something else is deleted.
        key: of what is looked for in what.

    Raises:
        DistillError: a file is not the one that was written.
    """

    def __init__(self, directory: Path, key: str) -> None:
        self.directory, self._key = directory, key
        self._index: FacesIndex = _empty(key)
        if (directory / INDEX).is_file():
            written: FacesIndex = read_sealed(directory / INDEX, FacesIndex, self._remedy, VERSION)
            if written["key"] == key:
                self._index = written
        for name, expected in self._index["checksums"].items():
            file = directory / name
            if not file.is_file() or checksum(file) != expected:
                raise DistillError(f"{file}: missing, or not what {INDEX} has the checksum of. {self._remedy}")

    @property
    def finished(self) -> bool:
        """Whether all photographs were looked at."""
        return self._index["finished"]

    @property
    def photographs(self) -> int:
        """How many were looked at."""
        return self._index["photographs"]

    def begin(self) -> None:
        """Leave nothing of another set, or of a file that was being written."""
        for file in self.directory.iterdir():
            if file.name not in self._index["checksums"] and file.name != INDEX:
                shutil.rmtree(file) if file.is_dir() else file.unlink()
        write_sealed(self.directory / INDEX, self._index)

    def add(self, looked: Iterable[Looked]) -> None:
        """Write the faces of the next photographs."""
        name, count = f"faces-{len(self._index['checksums']):05d}.csv", 0
        with atomic_path(self.directory / name) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for one in looked:
                count += 1
                writer.writerows(_rows(one))
        checksums = {**self._index["checksums"], name: checksum(self.directory / name)}
        self._write(checksums=checksums, photographs=self.photographs + count)

    def finish(self) -> None:
        """Say that these are all."""
        self._write(finished=True)

    def read(self) -> Iterator[Looked]:
        """Each photograph that could be read with its faces, as written: so every run chooses from the same numbers."""
        for name in self._index["checksums"]:
            with (self.directory / name).open(newline="", encoding="utf-8") as file:
                rows = csv.DictReader(file)
                for picture, group in groupby(rows, lambda row: row["file"]):
                    yield Looked(picture, _faces(list(group)))

    @property
    def _remedy(self) -> str:
        return f"Delete {self.directory}, and the faces are looked for again."

    def _write(self, **changed: Any) -> None:
        self._index = {**self._index, **changed}  # type: ignore[typeddict-item]
        write_sealed(self.directory / INDEX, self._index)


def _empty(key: str) -> FacesIndex:
    return {"version": VERSION, "key": key, "photographs": 0, "finished": False, "checksums": {}}


def _rows(looked: Looked) -> Iterator[list[object]]:
    faces = looked.faces
    if faces is None:  # what prepares it says why
        return
    facts = [looked.name, faces.height, faces.width, f"{faces.best:.4f}"]
    if not len(faces):
        yield facts
    for score, box, landmarks in zip(faces.scores, faces.boxes, faces.landmarks, strict=True):
        yield [*facts, f"{score:.4f}", *(f"{value:.3f}" for value in (*box, *landmarks.ravel()))]


def _faces(rows: list[dict[str, str]]) -> Faces:
    first = rows[0]
    numbers = [[float(row[column]) for column in COLUMNS[4:]] for row in rows if row["score"]]
    table = np.array(numbers, np.float64).reshape(-1, len(COLUMNS) - 4)
    landmarks = table[:, 5:].reshape(-1, 5, 2)
    return Faces(int(first["height"]), int(first["width"]), float(first["best"]), table[:, 0], table[:, 1:5], landmarks)
