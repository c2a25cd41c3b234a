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
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from distill.data.decode import BadPicture, decode
from distill.errors import DistillError

SHARD_BYTES = 2**29  # of raw pixels in a shard: what a stop can cost, a few thousand pictures
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

    def gather(
        self, rows: np.ndarray, out: np.ndarray | None = None, places: Iterable[int] | None = None
    ) -> np.ndarray:
        """uint8 (len(rows), H, W, 3), in the order of ``rows``, each from 0 to N - 1.

        Args:
            out: the array to write to. places: for each of ``rows`` where in it; one after another if not given.

        Raises:
            DistillError: a shard was damaged after the set was opened.
        """
        out = np.empty((len(rows), *self.shape[1:]), np.uint8) if out is None else out
        shards, inside = (part.tolist() for part in np.divmod(rows, self.rows))
        for place, shard, row in zip(range(len(rows)) if places is None else places, shards, inside, strict=True):
            out[place] = self._decoded(shard, row) if self.encoded else self._maps[shard][row]
        return out

    def _decoded(self, shard: int, place: int) -> np.ndarray:
        row = shard * self.rows + place
        before, start, end = self._offsets[[shard * self.rows, row, row + 1]].tolist()
        file = self.directory / shard_name(shard, True)
        try:
            with file.open("rb", buffering=0) as handle:
                handle.seek(start - before)
                pixels = decode(handle.read(end - start), f"row {row}")
            if pixels.shape != self.shape[1:]:
                raise BadPicture(f"row {row}", f"is {pixels.shape}, expected {self.shape[1:]}")
        except (BadPicture, OSError) as error:
            raise self._damaged(file, str(error)) from None
        return pixels

    @cached_property
    def _maps(self) -> list[np.ndarray]:
        maps = []
        for number, name in enumerate(self.files):
            file = self.directory / name
            expected = (min(self.rows, len(self) - number * self.rows), *self.shape[1:])
            try:
                # A plain array over the map: a `memmap` makes each look-up three times as long.
                maps.append(np.asarray(np.load(file, mmap_mode="r", allow_pickle=False)))
            except (OSError, ValueError) as error:
                raise self._damaged(file, str(error)) from None
            if maps[-1].shape != expected or maps[-1].dtype != np.uint8:
                raise self._damaged(file, f"{maps[-1].dtype} {maps[-1].shape}, expected uint8 {expected}")
        return maps

    @cached_property
    def _offsets(self) -> np.ndarray:
        return np.load(self.directory / OFFSETS, mmap_mode="r", allow_pickle=False)

    def _damaged(self, file: Path, reason: str) -> DistillError:
        return DistillError(
            f"{file}: damaged after it was written ({reason}). Delete {self.directory} to prepare the set afresh."
        )
