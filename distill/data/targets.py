"""What is known of pictures, in columns: one value a picture, or any number of rows a picture.

    labels      int8 (N, C)     1 present, 0 absent, -1 unknown
    identities  int64 (N,)      the number of the person shown, -1 unknown
    ...         whatever else a source declares; boxes, for example, are a ragged column of float32 (R, 4)

A source gives places in pixels of the upright whole picture, from the left and upper edge of its first pixel. From
then on they are shares of what is shown: 0 is the left (upper) edge of the first pixel, 1 the right (lower) edge of the
last. They may lie outside.

Shapes: N pictures, R rows of all pictures together.
"""

import math
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np

from distill.errors import DistillError

Dtype = Literal["int8", "int16", "int32", "int64", "float32"]
Place = Literal["points", "boxes"]
"""Numbers that lie in the picture: x, y; or x1, y1, x2, y2 with x1 <= x2 and y1 <= y2."""

_COORDINATES: dict[Place, int] = {"points": 2, "boxes": 4}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Column:
    """What one column holds.

    Attributes:
        name: lower-case letters, digits and underscores.
        dtype: of its numbers.
        shape: of a picture's value or, where it is ragged, of one row.
        ragged: whether a picture has any number of rows.
        unknown: what a value holds of which nothing is known; by default -1, and NaN among floats. Where a ragged
            column is not known, it is empty.
        place: what its numbers are, where they lie in the picture; the last axis of `shape` then holds 2 or 4.

    Raises:
        DistillError: it contradicts itself.
    """

    name: str
    dtype: Dtype
    shape: tuple[int, ...] = ()
    ragged: bool = False
    unknown: float | None = None
    place: Place | None = None

    def __post_init__(self) -> None:
        if self.unknown is None:
            object.__setattr__(self, "unknown", math.nan if self.dtype == "float32" else -1)
        if not _NAME.fullmatch(self.name):
            raise DistillError(f"column {self.name!r}: expected lower-case letters, digits and underscores.")
        if self.dtype not in get_args(Dtype):
            raise DistillError(f"column {self.name}: dtype is {self.dtype!r}, expected one of {get_args(Dtype)}.")
        if self.ragged and min(self.shape, default=1) < 1:
            raise DistillError(f"column {self.name}: rows of shape {self.shape} hold nothing that could be counted.")
        if self.place is None:
            return
        if self.place not in _COORDINATES:
            raise DistillError(f"column {self.name}: place is {self.place!r}, expected one of {get_args(Place)}.")
        if self.dtype != "float32" or not math.isnan(self.unknown or 0):
            raise DistillError(f"column {self.name}: holds {self.place}, expected float32 with NaN where unknown.")
        if self.shape[-1:] != (_COORDINATES[self.place],):
            expected = f"a last axis of {_COORDINATES[self.place]}"
            raise DistillError(f"column {self.name}: holds {self.place} in shape {self.shape}, expected {expected}.")

    def describe(self) -> dict[str, Any]:
        """The declaration as plain values: JSON, equal where two declarations are, NaN as well."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "ragged": self.ragged,
            "unknown": str(self.unknown),
            "place": self.place,
        }

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """From what `describe` gave."""
        number = float if description["dtype"] == "float32" else int
        changed = {"shape": tuple(description["shape"]), "unknown": number(description["unknown"])}
        return cls(**{**description, **changed})

    def value(self, given: Any) -> np.ndarray:
        """A picture's value as a source gives it, None where nothing is known: `shape`, or (rows, *shape).

        Raises:
            ValueError: it is another thing, or a box is turned inside out.
        """
        shape = (-1, *self.shape) if self.ragged else self.shape
        if given is None:
            return np.full(tuple(0 if size < 0 else size for size in shape), self.unknown, self.dtype)
        numbers = np.asarray(given)
        if self.ragged and not numbers.size:
            return np.empty((0, *self.shape), self.dtype)
        wanted = f"{self.dtype} {('rows', *self.shape) if self.ragged else self.shape}".replace("'", "")
        if numbers.dtype.kind not in "biuf" or numbers.shape[numbers.ndim - len(self.shape) :] != self.shape:
            raise ValueError(f"is {numbers.dtype} {numbers.shape}, expected {wanted}")
        if numbers.ndim != len(shape):
            raise ValueError(f"is {numbers.dtype} {numbers.shape}, expected {wanted}")
        value = numbers.astype(self.dtype)
        if self.dtype != "float32" and not np.array_equal(value, numbers):
            raise ValueError(f"holds numbers that are no {self.dtype}")
        if self.ragged and not np.isfinite(value).all():
            raise ValueError("holds a row with NaN or infinity; leave out rows of which nothing is known")
        if self.place == "boxes" and ((value[..., 2:] < value[..., :2]).any()):
            raise ValueError("holds a box with its right or lower edge before the other; expected x1, y1, x2, y2")
        return value


def labels_column(classes: int) -> Column:
    """The labels of so many classes, which every set has."""
    return Column("labels", "int8", (classes,))


IDENTITIES = Column("identities", "int64")
PICTURE_SIZE = Column("picture_size", "int32", (2,))
"""Height and width in pixels of the upright picture that a prepared one was made of."""


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of N pictures, end to end.

    Attributes:
        rows: (R, ...).
        offsets: int64 (N + 1,); picture i has rows offsets[i] to offsets[i + 1].
    """

    rows: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, picture: int) -> np.ndarray:
        """The rows of one picture."""
        return self.rows[self.offsets[picture] : self.offsets[picture + 1]]

    @property
    def counts(self) -> np.ndarray:
        """int64 (N,), the rows of each picture."""
        return np.diff(self.offsets)


Values = np.ndarray | Ragged
"""A column's: (N, ...), or ragged."""


def take(values: Values, index: np.ndarray) -> Values:
    """The values of some pictures, int64 (n,), in that order."""
    if not isinstance(values, Ragged):
        return values[index]
    starts = values.offsets[index]
    places, offsets = _ranges(starts, values.offsets[index + 1] - starts)
    return Ragged(values.rows[places], offsets)


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places int64 (their sum,) of ranges laid end to end, and the offsets int64 (n + 1,) of each among them."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    return np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths), offsets


def joined(blocks: Sequence[Values]) -> Values:
    """Blocks of one column laid end to end, at least one."""
    if len(blocks) == 1:
        return blocks[0]
    ragged = [block for block in blocks if isinstance(block, Ragged)]
    if not ragged:
        return np.concatenate([block for block in blocks if not isinstance(block, Ragged)])
    offsets = np.cumsum(np.concatenate([np.zeros(1, np.int64), *(block.counts for block in ragged)]), dtype=np.int64)
    return Ragged(np.concatenate([block.rows for block in ragged]), offsets)


def absent(column: Column, count: int) -> Values:
    """A column of which nothing is known, of `count` pictures."""
    if column.ragged:
        return Ragged(np.empty((0, *column.shape), column.dtype), np.zeros(count + 1, np.int64))
    return np.full((count, *column.shape), column.unknown, column.dtype)


def placed(value: np.ndarray, place: Place, matrix: np.ndarray) -> np.ndarray:
    """Points or boxes (..., 2 or 4) under an affine map; of a turned box, the upright one around it.

    Args:
        matrix: (2, 3), from places (x, y, 1) to places.

    Returns:
        float32 of the same shape.
    """
    x, y = value[..., 0::2].astype(np.float64), value[..., 1::2].astype(np.float64)
    if place == "points":
        moved = [row[0] * x + row[1] * y + row[2] for row in matrix]
        return np.concatenate(moved, axis=-1).astype(np.float32)
    corners_x, corners_y = x[..., [0, 1, 0, 1]], y[..., [0, 0, 1, 1]]
    turned = [row[0] * corners_x + row[1] * corners_y + row[2] for row in matrix]
    edges = [end for side in (np.min, np.max) for end in (side(axis, axis=-1) for axis in turned)]
    return np.stack(edges, axis=-1).astype(np.float32)


class Growing:
    """A column that is filled one picture after another, as numbers end to end, so that a million take little."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self._size = math.prod(column.shape)
        self._numbers: array[Any] = self._typed(())
        self._starts, self._lengths = array("q"), array("q")  # of a ragged one
        self._count = 0

    def append(self, numbers: Sequence[float]) -> None:
        """Enter the numbers of the next picture's value, end to end."""
        if self.column.ragged:
            self._starts.append(len(self._numbers))
            self._lengths.append(len(numbers))
        self._numbers.extend(self._typed(numbers))
        self._count += 1

    def replace(self, picture: int, numbers: Sequence[float]) -> None:
        """Put another value in a picture's place."""
        typed = self._typed(numbers)
        if self.column.ragged:
            # What it was is left behind until all are read, so that nothing after it moves.
            self._starts[picture], self._lengths[picture] = len(self._numbers), len(numbers)
            self._numbers.extend(typed)
        else:
            self._numbers[picture * self._size : (picture + 1) * self._size] = typed

    def value(self, picture: int) -> list[float]:
        """What was entered of one picture, end to end; not of a ragged column."""
        return self._numbers[picture * self._size : (picture + 1) * self._size].tolist()

    def values(self) -> Values:
        """What was entered."""
        numbers = np.array(self._numbers, self.column.dtype)
        if not self.column.ragged:
            return numbers.reshape(self._count, *self.column.shape)
        places, offsets = _ranges(np.array(self._starts, np.int64), np.array(self._lengths, np.int64))
        return Ragged(numbers[places].reshape(-1, *self.column.shape), offsets // self._size)

    def _typed(self, numbers: Sequence[Any]) -> "array[Any]":
        return array(np.dtype(self.column.dtype).char, numbers)
