"""RecordIO, MXNet's file of records, and the header that it puts before a picture; read as bytes, nothing is run.

A record in a .rec file, from a multiple of 4 bytes on, little-endian:

    uint32 0xced7230a
    uint32 part << 29 | length        part: 0 a whole record; 1, 2, 3 the first, another, the last of several
    length bytes, and zeros up to the next multiple of 4

A record whose content holds the first number at a multiple of 4 bytes is cut there: the number between its parts is
not written, and put back when it is read. The content of a picture's record:

    uint32 flag, float32 label, uint64 id, uint64 id2       the label alone where flag is 0
    flag float32 labels                                     in its place, where it is not
    the encoded picture

An .idx file has a line for each record: its number, a tab, and the byte it begins at.
"""

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from distill.errors import DistillError, shortened
from distill.files.nearby import nearby

MAGIC = 0xCED7230A
_MAGIC_BYTES = MAGIC.to_bytes(4, "little")
_PART = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_LENGTH_BITS = 29
_REMEDY = "Download the file again, and the .idx file that belongs to it."


class Content(NamedTuple):
    """A picture's record: its labels, and the bytes of the picture, of which there may be none."""

    labels: tuple[float, ...]
    picture: bytes


@dataclass(frozen=True)
class Record:
    """One record, known by its place.

    Attributes:
        file: the .rec file. number: of the record in the .idx file. offset: the byte it begins at.
    """

    file: Path
    number: int
    offset: int

    def read(self) -> bytes:
        """The encoded picture.

        Raises:
            DistillError: the record is damaged, named by its number and offset.
        """
        with opened(self.file) as stream:
            return self.content(stream).picture

    def labels(self, stream: BinaryIO) -> tuple[float, ...]:
        """The labels alone: of a whole record no more is read.

        Raises:
            DistillError: as `read` does.
        """
        stream.seek(self.offset)
        part, length = self._part(stream)
        if part != _WHOLE:
            return self.content(stream).labels
        head = stream.read(min(length, _HEADER.size))
        if len(head) == _HEADER.size:
            head += stream.read(min(4 * _HEADER.unpack(head)[0], length - len(head)))
        return self._unpack(head).labels

    def content(self, stream: BinaryIO) -> Content:
        """All of it.

        Args:
            stream: of the file.

        Raises:
            DistillError: as `read` does.
        """
        stream.seek(self.offset)
        return self._unpack(_MAGIC_BYTES.join(self._parts(stream)))

    def _parts(self, stream: BinaryIO) -> Iterator[bytes]:
        part, length = self._part(stream)
        if part not in (_WHOLE, _FIRST):
            raise self._fault("begins inside a record of several parts")
        yield self._bytes(stream, length)
        while part in (_FIRST, _MIDDLE):
            stream.seek(-length % 4, 1)
            part, length = self._part(stream)
            if part not in (_MIDDLE, _LAST):
                raise self._fault("has no last part")
            yield self._bytes(stream, length)

    def _part(self, stream: BinaryIO) -> tuple[int, int]:
        """Which part of a record begins here, and its length."""
        magic, packed = _PART.unpack(self._bytes(stream, _PART.size))
        if magic != MAGIC:
            raise self._fault(f"{magic:#010x} stands where a record begins, expected {MAGIC:#x}")
        return packed >> _LENGTH_BITS, packed & (1 << _LENGTH_BITS) - 1

    def _bytes(self, stream: BinaryIO, length: int) -> bytes:
        data = stream.read(length)
        if len(data) < length:
            raise self._fault(f"is cut short: the file ends {length - len(data)} bytes before the record does")
        return data

    def _unpack(self, content: bytes) -> Content:
        if len(content) < _HEADER.size:
            raise self._fault(f"has {len(content)} bytes, expected a header of {_HEADER.size}")
        flag, label, _, _ = _HEADER.unpack_from(content)
        end = _HEADER.size + 4 * flag
        if len(content) < end:
            raise self._fault(f"has {len(content)} bytes, expected {flag} labels in {end}")
        labels = struct.unpack_from(f"<{flag}f", content, _HEADER.size) if flag else (label,)
        if not np.isfinite(labels).all():
            raise self._fault(f"has the label {', '.join(map(str, labels[:4]))}, expected finite numbers")
        return Content(labels, content[end:])

    def _fault(self, what: str) -> DistillError:
        return DistillError(f"{self.file}: record {self.number} at byte {self.offset} {what}. {_REMEDY}")


def opened(file: Path) -> BinaryIO:
    """The stream of a .rec file.

    Raises:
        DistillError: it is missing or cannot be read.
    """
    try:
        return file.open("rb")
    except FileNotFoundError:
        raise DistillError(f"{file}: no such file; expected records of MXNet's. {nearby(file)}") from None
    except OSError as error:
        raise DistillError(f"{file}: cannot be read ({error.strerror}).") from None


def read_index(index: Path, file: Path) -> np.ndarray:
    """Numbers and offsets of an .idx file: int64 (records, 2), by rising number.

    Args:
        file: the .rec file that they are of.

    Raises:
        DistillError: the index is missing, malformed or empty, has a number twice, or an offset outside the file.
    """
    with opened(file) as stream:
        size = stream.seek(0, 2)
    if not index.is_file():
        raise DistillError(f"{index}: no such file; expected the index beside {file.name}. {nearby(index)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an empty file, which is refused below
            rows = np.loadtxt(index, dtype=np.int64, ndmin=2, encoding="utf-8", comments=None)
    except (OSError, ValueError, OverflowError) as error:
        raise DistillError(
            f"{index}: is no index ({shortened(error)}), expected a number and an offset in each line. {_REMEDY}"
        ) from None
    if not rows.size or rows.shape[1] != 2:
        raise DistillError(f"{index}: {len(rows)} lines of {rows.shape[1]} numbers, expected some of two. {_REMEDY}")
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    numbers, offsets = rows.T
    if (twice := numbers[1:] == numbers[:-1]).any():
        raise DistillError(f"{index}: record {numbers[1:][twice][0]} stands in it twice, expected once. {_REMEDY}")
    outside = (offsets < 0) | (offsets > size - _PART.size)
    if outside.any():
        number, offset = rows[outside][0]
        raise DistillError(
            f"{index}: record {number} begins at byte {offset}, and {file.name} has {size}: one of the two is cut "
            f"short, or of another set. {_REMEDY}"
        )
    return rows
