"""What stands in a rendered street: of each picture the objects, their places, sizes, order and boxes.

Picture and object have dice of their own, so any picture can be described alone, and in any batch it is the same.

Shapes: N pictures, K figures of a picture: `CLUTTER` things that are no objects, and up to `MOST` objects.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.dice import Dice
from distill.data.rendered.rasterizer import Floats

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

CLASSES = ("bicycle", "bus", "car", "dog", "person", "sign", "traffic light", "tree")
KINDS = (*CLASSES, "block", "disc", "wedge")
"""What is drawn: the classes, and then the clutter."""

# Half the width and half the height of a figure, by kind; the longer of the two is the unit of its frame.
HALVES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "bicycle": ((1.0, 1.0), (0.56, 0.66)),
    "bus": ((1.0, 1.0), (0.5, 0.62)),
    "car": ((1.0, 1.0), (0.36, 0.46)),
    "dog": ((1.0, 1.0), (0.66, 0.8)),
    "person": ((0.3, 0.44), (1.0, 1.0)),
    "sign": ((0.36, 0.46), (1.0, 1.0)),
    "traffic light": ((0.24, 0.32), (1.0, 1.0)),
    "tree": ((0.55, 0.85), (1.0, 1.0)),
    "block": ((0.4, 1.0), (1.0, 1.0)),
    "disc": ((0.5, 1.0), (1.0, 1.0)),
    "wedge": ((0.5, 1.0), (1.0, 1.0)),
}

MOST = 6
CLUTTER = 8
EMPTY = 0.04  # share of pictures without an object
HIDDEN = 0.6
"""An object of which nearer ones, and the picture's edge, hide more than this share of its box is marked as ignored."""

SHAPES = 8  # further numbers of a figure, from 0 to 1, each of which its painter reads as it likes
GROUND = 20  # numbers of a picture
HOUSES, HOUSE = 4, 8  # and of each of its houses
_DRAWS = 24  # numbers of a figure
_LARGEST_CLUTTER = 0.2
_MARGIN = 0.04  # of the width, within which no object has its middle
_GRID = 16  # points along each side of a box that are asked whether something hides them


@dataclass(frozen=True)
class Street:
    """N pictures as numbers.

    Attributes:
        ground, houses: float32 (N, `GROUND`) and (N, `HOUSES`, `HOUSE`), from 0 to 1, of which the ground, the houses
            and the light are made.
        horizon: float32 (N,), share of the height.
        kind: int64 (N, K), a place in `KINDS`; -1 where there is nothing. Figures stand in the order in which they are
            painted, from the farthest to the nearest, clutter first.
        x, foot: float32 (N, K), the middle and the lower edge as shares of the picture.
        size: float32 (N, K), the longer side as a share of the picture's shorter one.
        half: float32 (N, K, 2), half the width and height in units of half the longer side.
        left: bool (N, K), whether it faces left.
        colours: float32 (N, K, 3, 3), three colours of each.
        shape: float32 (N, K, `SHAPES`).
    """

    ground: Floats
    houses: Floats
    horizon: Floats
    kind: Integers
    x: Floats
    foot: Floats
    size: Floats
    half: Floats
    left: Bools
    colours: Floats
    shape: Floats

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(*(getattr(self, part.name)[rows] for part in fields(self)))

    def middle(self, height: int, width: int) -> tuple[Floats, Floats, Floats]:
        """Where the middles lie in pixels, and the pixels of a unit: float32 (N, K) each."""
        scale = self.size * (0.5 * min(height, width))
        return self.x * width, self.foot * height - self.half[..., 1] * scale, scale

    def boxes(self, height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The boxes of the objects in pixels, cut at the picture's edges, (N, `MOST`, 4): and the share of each that
        can be seen, (N, `MOST`). Where there is no object both are 0.

        What hides is a nearer object's whole box, whatever its shape.
        """
        x, y, scale = (part[:, CLUTTER:].astype(np.float64) for part in self.middle(height, width))
        half = self.half[:, CLUTTER:].astype(np.float64) * scale[..., None]
        there = self.kind[:, CLUTTER:] >= 0
        whole = np.stack([x - half[..., 0], y - half[..., 1], x + half[..., 0], y + half[..., 1]], axis=-1)
        whole *= there[..., None]
        cut = whole.clip(0, (width, height, width, height))
        points = (np.arange(_GRID) + 0.5) / _GRID
        across = whole[..., 0, None] + points * (whole[..., 2] - whole[..., 0])[..., None]
        down = whole[..., 1, None] + points * (whole[..., 3] - whole[..., 1])[..., None]
        seen = ((down > 0) & (down < height))[..., :, None] & ((across > 0) & (across < width))[..., None, :]
        for nearer in range(1, MOST):
            box = whole[:, nearer, None, :, None]
            over_x = (across[:, :nearer] > box[..., 0, :]) & (across[:, :nearer] < box[..., 2, :])
            over_y = (down[:, :nearer] > box[..., 1, :]) & (down[:, :nearer] < box[..., 3, :])
            seen[:, :nearer] &= ~(over_y[..., :, None] & over_x[..., None, :])
        return cut, seen.mean(axis=(2, 3)) * there


def describe(indices: Integers, seed: int, scale: tuple[float, float], most: int = MOST) -> Street:
    """What stands in each of the (N,) pictures.

    Args:
        scale: the smallest and the largest longer side of an object, as shares of the picture's shorter side. Small
            ones are the more frequent: half of them are below a quarter of the way.
        most: objects of a picture, 1 to `MOST`; as many pictures have one as any other number.
    """
    dice = Dice(seed, 0, indices, GROUND + HOUSES * HOUSE + 4)
    ground = np.stack([dice.uniform() for _ in range(GROUND)], axis=1)
    houses = np.stack([dice.uniform() for _ in range(HOUSES * HOUSE)], axis=1).reshape(-1, HOUSES, HOUSE)
    horizon = dice.uniform(0.3, 0.6)
    count = np.where(dice.chance(EMPTY), 0, 1 + dice.uniform(0, most).astype(np.int64).clip(0, most - 1))
    slots = CLUTTER + MOST
    numbers = np.arange(slots)
    own = Dice(seed, 1, (indices[:, None] * slots + numbers).ravel(), _DRAWS)
    draw = np.stack([own.uniform() for _ in range(_DRAWS)], axis=1).reshape(-1, slots, _DRAWS)
    clutter = numbers < CLUTTER

    first, choices = np.where(clutter, len(CLASSES), 0), np.where(clutter, len(KINDS) - len(CLASSES), len(CLASSES))
    kind = first + (draw[..., 0] * choices).astype(np.int64).clip(0, choices - 1)
    kind = np.where(numbers - CLUTTER < count[:, None], kind, -1)
    halves = np.array([HALVES[name] for name in KINDS], np.float32)[kind]
    half = halves[..., 0] + (halves[..., 1] - halves[..., 0]) * draw[..., 1:3]
    smallest = np.where(clutter, 0.02, scale[0]).astype(np.float32)
    largest = np.where(clutter, _LARGEST_CLUTTER, scale[1]).astype(np.float32)
    size = smallest + (largest - smallest) * draw[..., 3] * draw[..., 3]
    x = _MARGIN + (1 - 2 * _MARGIN) * draw[..., 4]
    # What is nearer is larger and stands lower, more or less; all of it is between the upper and the lower edge.
    near = 0.04 + np.sqrt(size) + 0.3 * (draw[..., 5] - 0.5)
    foot = horizon[:, None] + (1 - horizon[:, None]) * near.clip(0, 1)
    foot = np.where(clutter, draw[..., 5], np.maximum(foot, half[..., 1] * size)).clip(0, 1).astype(np.float32)

    order = np.argsort(np.where(clutter, -1.0, np.where(kind < 0, 2.0, foot)), axis=1, kind="stable")
    chosen = np.take_along_axis
    return Street(
        ground=ground,
        houses=houses,
        horizon=horizon,
        kind=chosen(kind, order, 1),
        x=chosen(x, order, 1),
        foot=chosen(foot, order, 1),
        size=chosen(size, order, 1),
        half=chosen(half, order[..., None], 1),
        left=chosen(draw[..., 6] < 0.5, order, 1),
        colours=chosen(draw[..., 7:16], order[..., None], 1).reshape(-1, slots, 3, 3),
        shape=chosen(draw[..., 16 : 16 + SHAPES], order[..., None], 1),
    )
