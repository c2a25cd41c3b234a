"""Street scenes drawn on demand: objects of eight classes with their boxes, that need no download.

Picture ``index`` of a source is a pure function of (seed, scale, most, index): it is the same alone or in any batch,
today or after a resume.

Shapes: N pictures, H W pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered import beings, things
from distill.data.rendered.figures import Sheet, groups
from distill.data.rendered.ground import ground, light
from distill.data.rendered.rasterizer import in_chunks
from distill.data.rendered.street import CLASSES, CLUTTER, HIDDEN, MOST, Integers, Street, describe
from distill.data.sources.marked import COLUMNS
from distill.data.sources.source import SPLITS, Drawing, Sample
from distill.data.targets import Column
from distill.errors import DistillError

BATCH = 256  # pictures described between two yields
VERSION = 1  # of what is drawn; raise it with any change to a picture, so that prepared sets are drawn afresh
_TOGETHER = 32 * 300 * 300  # pixels whose figures are painted together
_PAINTERS = {
    "bicycle": things.bicycle,
    "block": things.block,
    "bus": things.bus,
    "car": things.car,
    "disc": things.disc,
    "dog": beings.dog,
    "person": beings.person,
    "sign": things.sign,
    "traffic light": things.traffic_light,
    "tree": beings.tree,
    "wedge": things.wedge,
}


@dataclass(frozen=True)
class RenderedScenes:
    """Rendered street scenes with a few objects each, nearer ones before farther ones.

    An object of which more than `HIDDEN` is hidden is marked as ignored.

    Attributes:
        train: pictures of the training split.
        validation: pictures of the validation split.
        test: pictures of the test split.
        scale: the smallest and the largest longer side of an object, as shares of the picture's shorter side.
        most: objects of a picture; the fewer, the less of them is hidden.
        seed: another seed draws other scenes; 0 to 2**63 - 1.

    Raises:
        DistillError: a count is negative, the scale or most is none, or the seed is out of range.
    """

    name: Literal["rendered_scenes"] = "rendered_scenes"
    train: int = 1200
    validation: int = 200
    test: int = 300
    scale: tuple[float, float] = (0.05, 0.9)
    most: int = MOST
    seed: int = 0

    def __post_init__(self) -> None:
        for split, count in zip(SPLITS, self._counts(), strict=True):
            if count < 0:
                raise DistillError(f"{split}: {count} pictures, expected 0 or more.")
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise DistillError(f"scale is {list(self.scale)}, expected 0 < smallest <= largest <= 1.")
        if not 1 <= self.most <= MOST:
            raise DistillError(f"most is {self.most}, expected 1 to {MOST} objects of a picture.")
        if not 0 <= self.seed < 2**63:
            raise DistillError(f"seed: found {self.seed}, expected 0 to 2**63 - 1.")

    def classes(self) -> tuple[str, ...]:
        return CLASSES

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def state(self) -> str:
        """The renderer's version; with the fields above it decides every picture."""
        return str(VERSION)

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        """Every picture of the three splits, yet to be drawn."""
        splits = np.repeat(np.arange(len(SPLITS)), self._counts())
        for start in range(0, len(splits), BATCH):
            indices = np.arange(start, min(start + BATCH, len(splits)))
            street = self.describe(indices)
            kinds = street.kind[:, CLUTTER:]
            for index, kind, boxes, seen in zip(indices.tolist(), kinds, *street.boxes(height, width), strict=True):
                there = kind >= 0
                ignored = seen[there] < 1 - HIDDEN
                present = set(kind[there][~ignored].tolist())
                yield Sample(
                    name=f"{self.name}/{index:07d}",
                    picture=Drawing(self, index),
                    labels=tuple(int(number in present) for number in range(len(CLASSES))),
                    split=SPLITS[splits[index]],
                    targets={
                        "boxes": boxes[there],
                        "box_classes": kind[there],
                        "box_ignored": ignored.astype(np.int8),
                        "picture_size": (height, width),
                    },
                )

    def draw(self, indices: Integers, height: int, width: int) -> NDArray[np.uint8]:
        """Any pictures of the source: uint8 (N, height, width, 3).

        Args:
            indices: (N,); training, validation and test pictures follow one another.
        """
        street = self.describe(indices)
        return in_chunks(_draw, street, height, width, _TOGETHER)

    def describe(self, indices: Integers) -> Street:
        """What stands in each of the (N,) pictures."""
        return describe(indices, self.seed, self.scale, self.most)

    def _counts(self) -> tuple[int, int, int]:
        return self.train, self.validation, self.test


def _draw(street: Street, height: int, width: int) -> NDArray[np.uint8]:
    sheets: dict[int, Sheet] = {}
    for kind, places, figures in groups(street, height, width):
        _PAINTERS[kind](figures)
        sheets.update(zip(places.tolist(), figures.sheets(), strict=True))
    pictures = np.empty((len(street), height, width, 3), np.uint8)
    slots = street.kind.shape[1]
    for number, picture in enumerate(pictures):
        own = street.ground[number]
        planes = ground(own, float(street.horizon[number]), street.houses[number], height, width)
        for place in range(number * slots, (number + 1) * slots):
            if place in sheets:
                sheets[place].lay(planes)
        picture[:] = light(planes, own)
    return pictures
