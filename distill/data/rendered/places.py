"""Places drawn on demand: views that follow from latitude and longitude, around 52 towns, that need no download.

Picture ``index`` of a source is a pure function of (seed, index): it is the same alone or in any batch, today or after
a resume.

Shapes: N pictures, H W pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.outdoors import paint
from distill.data.rendered.rasterizer import in_chunks
from distill.data.rendered.towns import outlook
from distill.data.sources.degrees import COORDINATES
from distill.data.sources.source import SPLITS, Drawing, Sample
from distill.data.targets import Column
from distill.errors import DistillError

VERSION = 1  # of what is drawn; raise it with any change to a picture, so that prepared sets are drawn afresh


@dataclass(frozen=True)
class RenderedPlaces:
    """Rendered views of towns and of the country around them, with their coordinates.

    Attributes:
        train: pictures of the training split.
        validation: pictures of the validation split.
        test: pictures of the test split.
        seed: another seed draws other views of the same places; 0 to 2**63 - 1.

    Raises:
        DistillError: a count is negative, or the seed is out of range.
    """

    name: Literal["rendered_places"] = "rendered_places"
    train: int = 3000
    validation: int = 300
    test: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for split, count in zip(SPLITS, self._counts(), strict=True):
            if count < 0:
                raise DistillError(f"{split}: {count} pictures, expected 0 or more.")
        if not 0 <= self.seed < 2**63:
            raise DistillError(f"seed: found {self.seed}, expected 0 to 2**63 - 1.")

    def classes(self) -> tuple[str, ...]:
        return ()

    def columns(self) -> tuple[Column, ...]:
        return (COORDINATES,)

    def state(self) -> str:
        """The renderer's version; with the fields above it decides every picture."""
        return str(VERSION)

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        """Every picture of the three splits, yet to be drawn."""
        splits = np.repeat(np.arange(len(SPLITS)), self._counts())
        places = outlook(np.arange(len(splits)), self.seed).places
        for index, (split, place) in enumerate(zip(splits.tolist(), places.tolist(), strict=True)):
            name = f"{self.name}/{index:07d}"
            yield Sample(name, Drawing(self, index), split=SPLITS[split], targets={"coordinates": tuple(place)})

    def draw(self, indices: NDArray[np.int64], height: int, width: int) -> NDArray[np.uint8]:
        """Any pictures of the source: uint8 (N, height, width, 3).

        Args:
            indices: (N,); training, validation and test pictures follow one another.
        """
        return in_chunks(paint, outlook(indices, self.seed), height, width)

    def _counts(self) -> tuple[int, int, int]:
        return self.train, self.validation, self.test
