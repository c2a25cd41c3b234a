"""InsightFace's training sets, such as CASIA-WebFace, MS1M and Glint360K, as published: `train.rec` and `train.idx`.

Record 0 has no picture. Its two labels are numbers of records: pictures are those from 1 to before the first, and from
there to before the second stand the people, each with the range of its pictures, which the pictures' own labels say as
well. A file without such a record holds pictures alone. `train.lst` and `property` are not needed. MXNet is not used.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from distill.data.sources.listing import directory
from distill.data.sources.recordio import Record, opened, read_index
from distill.data.sources.source import Sample
from distill.errors import DistillError
from distill.files.nearby import nearby

_USUAL = "train.rec"
_LARGEST = 2**31  # people, as the numbers are stored


@dataclass(frozen=True)
class Records:
    """The pictures of a file, one after another: there may be more than fit into memory.

    Attributes:
        numbers, offsets: int64, of each picture's record.
    """

    file: Path
    numbers: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Sample]:
        with opened(self.file) as stream:
            for number, offset in zip(self.numbers.tolist(), self.offsets.tolist(), strict=True):
                record = Record(self.file, number, offset)
                person = record.labels(stream)[0]
                if not (person.is_integer() and 0 <= person < _LARGEST):
                    raise DistillError(
                        f"{self.file}: record {number} at byte {offset} has the label {person:g}, expected the number "
                        "of a person, 0 or more. Leave who is shown out of it, or number them."
                    )
                yield Sample(f"{self.file.name}/{number}", record, identity=int(person))


@dataclass(frozen=True)
class InsightfaceRec:
    """The pictures of a .rec file, with the people on them; all of them are for training.

    Attributes:
        root: the directory of `train.rec` and `train.idx`, or of the only .rec file and its index; or that file.
    """

    name: Literal["insightface_rec"] = "insightface_rec"
    root: Path | None = None

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> Records:
        file = self._file()
        rows = read_index(file.with_suffix(".idx"), file)
        numbers, offsets = _pictures(file, rows).T
        return Records(file, numbers, offsets)

    def state(self) -> str:
        """Of the sizes and times of both files: to read them takes too long."""
        file = self._file()
        state = hashlib.sha256()
        for part in (file, file.with_suffix(".idx")):
            if part.exists():
                status = part.stat()
                state.update(f"{part.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        return state.hexdigest()

    def _file(self) -> Path:
        if self.root is not None and (named := self.root.expanduser()).is_file():
            return named
        root = directory(self.root, "root", f"{_USUAL} and its index")
        files = sorted(root.glob("*.rec"))
        if (usual := root / _USUAL) in files:
            return usual
        if len(files) != 1:
            raise DistillError(
                f"root: {root} holds {len(files)} .rec files, expected {_USUAL} or the only one. Name the file as the "
                f"root. {nearby(root)}"
            )
        return files[0]


def _pictures(file: Path, rows: np.ndarray) -> np.ndarray:
    """The rows of an index that are of pictures."""
    number, offset = rows[0].tolist()
    if number != 0:
        return rows
    with opened(file) as stream:
        labels, picture = Record(file, 0, offset).content(stream)
    if picture:
        return rows
    people = labels[0]
    if not people.is_integer() or people < 2:
        raise DistillError(
            f"{file}: record 0 at byte {offset} has the label {people:g}, expected the number of the first record "
            "after the pictures, 2 or more. Download the file again."
        )
    pictures = rows[(rows[:, 0] >= 1) & (rows[:, 0] < people)]
    if len(pictures) != int(people) - 1:
        missing = np.setdiff1d(np.arange(1, int(people)), pictures[:, 0])
        raise DistillError(
            f"{file.with_suffix('.idx')}: {len(missing)} of {int(people) - 1} pictures are not in it, the first of "
            f"them record {missing[0]}. Download the file again."
        )
    return pictures
