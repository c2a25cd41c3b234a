"""The pictures of a prepared set, cut into files of a stated number of rows: gathered, whatever shard they are in.

    pictures-00000.npy ...  uint8 (rows, H, W, 3), RGB; every shard but the last holds `rows_per_shard` rows
or, in a set that keeps its pictures encoded,
    pictures-00000.bin ...  the encoded pictures of as many rows, end to end
    offsets.npy             int64 (N + 1,): row i is bytes offsets[i] to offsets[i + 1] of all shards laid end to end

An encoded row is the source's own file where that was of the stored size already, and else the stored pixels as
lossless WebP; decoded, both are what a raw set holds.

Shapes: N pictures, H W pixels.
"""

import io
import os
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from distill.data.prepared.decode import BadPicture, decode
from distill.errors import DistillError
from distill.files.arrays import read_array

SHARD_BYTES = 2**29  # of raw pixels in a shard: what a stop can cost, a few thousand pictures
OPEN = 256  # shards kept open
OFFSETS = "offsets.npy"


def rows_per_shard(height: int, width: int) -> int:
    """Pictures a shard, raw or encoded."""
    return max(1, SHARD_BYTES // (3 * height * width))


def shard_name(number: int, encoded: bool) -> str:
    return f"pictures-{number:05d}.{'bin' if encoded else 'npy'}"


def lossless(pixels: np.ndarray) -> bytes:
    """uint8 (H, W, 3) as WebP, from which the same pixels come back: smaller and sooner decoded than PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, exact=True, method=0)
    return file.getvalue()


@dataclass(frozen=True, eq=False)
class Shards:
    """The pictures of a set, read as they are asked for; memory does not grow with their number.

    Attributes:
        shape: N, H, W, 3.
        rows: pictures a shard.
        encoded: whether pictures are decoded as they are read.
    """

    directory: Path
    shape: tuple[int, int, int, int]
    rows: int
    encoded: bool

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def files(self) -> list[str]:
        """Names of the shards and, where there is one, of the list of offsets."""
        shards = [shard_name(number, self.encoded) for number in range(-(-len(self) // self.rows))]
        return [*shards, OFFSETS] if self.encoded else shards

    def gather(self, rows: np.ndarray, out: np.ndarray | None = None, into: Iterable[int] | None = None) -> np.ndarray:
        """uint8 (len(rows), H, W, 3), in the order of ``rows``, each from 0 to N - 1.

        Args:
            out: the array to write to. into: for each of ``rows`` the row of it; one after another if not given.

        Raises:
            DistillError: a shard was damaged after the set was opened.
        """
        out = np.empty((len(rows), *self.shape[1:]), np.uint8) if out is None else out
        length = self.shape[1] * self.shape[2] * 3
        numbers, inside = (part.tolist() for part in np.divmod(rows, self.rows))
        for slot, number, row in zip(range(len(rows)) if into is None else into, numbers, inside, strict=True):
            if self.encoded:
                out[slot] = self._decoded(number, row)
            else:
                self._read(number, self._header + row * length, out[slot])
        return out

    def _decoded(self, number: int, row: int) -> np.ndarray:
        first = number * self.rows
        before, start, end = self._offsets[[first, first + row, first + row + 1]].tolist()
        data = np.empty(end - start, np.uint8)
        self._read(number, start - before, data)
        try:
            pixels = decode(data.tobytes(), f"row {row}")
        except BadPicture as error:
            raise self._damaged(number, str(error)) from None
        if pixels.shape != self.shape[1:]:
            raise self._damaged(number, f"row {row} is {pixels.shape}, expected {self.shape[1:]}")
        return pixels

    def _read(self, number: int, start: int, into: np.ndarray) -> None:
        """Fill an array of contiguous bytes."""
        # Read, not mapped: at random places of files larger than memory, a map makes the system read fifty times as
        # much as is asked for, ahead of a reader that goes elsewhere.
        try:
            if number < len(self._descriptors):
                length = os.preadv(self._descriptors[number], [into.data], start)
            else:
                descriptor = self.open(shard_name(number, self.encoded))
                try:
                    length = os.preadv(descriptor, [into.data], start)
                finally:
                    os.close(descriptor)
        except FileNotFoundError:
            raise DistillError(
                f"{self.directory / shard_name(number, self.encoded)}: deleted since the set was opened, or another "
                "set was prepared in its place. Start the run again."
            ) from None
        except OSError as error:
            raise self._damaged(number, str(error)) from None
        if length != into.nbytes:
            raise self._damaged(number, f"ends at byte {start + length}")

    def hold(self) -> "Shards":
        """Open them: from now on the pictures are those of this set, though another is put in its place. Of shards
        past the first `OPEN`, one that was deleted by then is an error.

        Raises:
            FileNotFoundError: a shard is missing.
            DistillError: a file cannot be opened.
        """
        try:
            if len(self):
                _ = self._descriptors, self._offsets if self.encoded else self._header
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DistillError(
                f"{self.directory}: a file of the set cannot be opened ({error}). Of its shards {OPEN} at most are "
                "held open: `ulimit -n` may allow too few, or the file's permissions."
            ) from None
        return self

    def open(self, name: str) -> int:
        """A descriptor of a file of the set, whatever was put in the set's place since.

        Raises:
            OSError: it cannot be opened, or is deleted since.
        """
        return os.open(name, os.O_RDONLY, dir_fd=self._place)

    @cached_property
    def _place(self) -> int:
        place = os.open(self.directory, os.O_RDONLY)
        weakref.finalize(self, os.close, place)
        return place

    @cached_property
    def _descriptors(self) -> list[int]:
        """Of the first shards; a process may not have many more files open at once."""
        descriptors: list[int] = []
        weakref.finalize(self, _close, descriptors)
        for number in range(min(OPEN, -(-len(self) // self.rows))):
            descriptors.append(self.open(shard_name(number, self.encoded)))
        return descriptors

    @cached_property
    def _header(self) -> int:
        """Bytes before a raw shard's pictures, the same in all of them."""
        with os.fdopen(self.open(shard_name(0, encoded=False)), "rb") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            return file.tell()

    @cached_property
    def _offsets(self) -> np.ndarray:
        return read_array(self.directory / OFFSETS, f"Delete {self.directory} to prepare the set afresh.", mapped=True)

    def _damaged(self, number: int, reason: str) -> DistillError:
        return DistillError(
            f"{self.directory / shard_name(number, self.encoded)}: damaged after it was written ({reason}). Delete "
            f"{self.directory} to prepare the set afresh."
        )


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
