"""A source whose pictures are measured beside what it says of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from distill.data.sources.listing import Stateful
from distill.data.sources.marked import header_size
from distill.data.sources.source import Drawing, Sample, Source
from distill.data.targets import PICTURE_SIZE, Column


@dataclass(frozen=True)
class Measured:
    """The same pictures with the column `picture_size`, for who has to know the shape they came in.

    Attributes:
        source: one that has no columns of its own, such as a folder.
    """

    source: Source

    @property
    def name(self) -> str:
        return self.source.name

    def classes(self) -> tuple[str, ...]:
        return self.source.classes()

    def columns(self) -> tuple[Column, ...]:
        return (PICTURE_SIZE,)

    def state(self) -> str:
        return self.source.state() if isinstance(self.source, Stateful) else ""

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        for sample in self.source.samples(height, width):
            size = _size(sample, height, width)
            yield sample if size is None else replace(sample, targets={**sample.targets, PICTURE_SIZE.name: size})


def _size(sample: Sample, height: int, width: int) -> tuple[int, int] | None:
    """Height and width in pixels of what is used of a picture; None of one that is damaged."""
    if sample.box is not None:
        left, top, right, bottom = sample.box
        return bottom - top, right - left
    if isinstance(sample.picture, Drawing):
        return height, width
    if isinstance(sample.picture, np.ndarray):
        return sample.picture.shape[0], sample.picture.shape[1]
    picture = sample.picture
    return header_size(picture if isinstance(picture, Path | bytes) else picture.read())
