"""What a data source gives: pictures with a name, and whatever is known about them.

A source is a frozen dataclass whose fields are the keys of a recipe's `data` section. It lists pictures; decoding,
resizing and refusing bad ones is left to `prepare`, which sends samples, never the source, to other processes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from distill.data.targets import Column

Split = Literal["train", "validation", "test"]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; the last two are the first pixels outside."""

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Renderer(Protocol):
    """What draws pictures; it is pickled, and draws many at a time."""

    def draw(self, indices: np.ndarray, height: int, width: int) -> np.ndarray:
        """uint8 (N, height, width, 3), the pictures of the (N,) indices."""
        ...


class Packed(Protocol):
    """An encoded picture inside a larger file, read where it is loaded, in another process perhaps; it is pickled."""

    def read(self) -> bytes:
        """The picture's own bytes.

        Raises:
            DistillError: the file is damaged, or is no longer as it was listed.
        """
        ...


@dataclass(frozen=True)
class Drawing:
    """A picture to be drawn where it is loaded, in another process perhaps."""

    renderer: Renderer
    index: int


@dataclass(frozen=True)
class Sample:
    """One picture of a source.

    Attributes:
        name: what the ledger and error messages call it, unique within the source.
        picture: a file, its encoded bytes, those inside a larger file, decoded uint8 (H, W, 3) pixels, or a drawing.
        labels: one entry per class of the source: 1 present, 0 absent, -1 unknown; empty where nothing is labelled.
        identity: number of the person shown, -1 where unknown.
        box: the part of an encoded picture to be used; None for all of it.
        targets: values of the source's further columns by name, as `Column.value` takes them; one that is left out is
            unknown. Places are in pixels of the upright whole picture, from the edges of its first pixel.
        size: height and width in pixels of the upright picture its places were marked in, where that is written down;
            a picture of another size is bad.
        left_out: of each row of its targets that could not be used, what it is and why.
    """

    name: str
    picture: Path | bytes | Packed | np.ndarray | Drawing
    labels: tuple[int, ...] = ()
    identity: int = -1
    split: Split = "train"
    box: Box | None = None
    targets: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    left_out: tuple[str, ...] = ()


class Source(Protocol):
    """A set of pictures, opened from the keys of a recipe."""

    @property
    def name(self) -> str: ...

    def classes(self) -> tuple[str, ...]:
        """Names of the labels in their order; empty for an unlabelled set.

        Raises:
            DistillError: a file the names are read from is missing or malformed.
        """
        ...

    def samples(self, height: int, width: int) -> Iterable[Sample]:
        """Every picture in a fixed order; ``height`` and ``width`` are the size a renderer should draw at.

        Raises:
            DistillError: the root or a list file is missing or malformed.
        """
        ...


@runtime_checkable
class Targeted(Protocol):
    """A source that knows more of its pictures than labels and people."""

    def columns(self) -> tuple[Column, ...]:
        """What its samples' `targets` hold.

        Raises:
            DistillError: a column contradicts itself.
        """
        ...


@runtime_checkable
class Remarked(Protocol):
    """A source that passes something over, or takes it for granted."""

    def remarks(self) -> tuple[str, ...]:
        """What the user is to be told of how it was read, a sentence each, naming the file.

        Raises:
            DistillError: as `samples` does.
        """
        ...
