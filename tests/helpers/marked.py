"""Pictures in which something can be found again: a soft spot in red, a box in green, one in blue."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from distill.data.sources.source import Box, Sample, Split
from distill.data.targets import Column

SPOT = Column("spot", "float32", (2,), place="points")
BOXES = Column("boxes", "float32", (4,), ragged=True, place="boxes")
KINDS = Column("kinds", "int64", ragged=True)
COUNT = Column("count", "int32")


@dataclass(frozen=True)
class Marked:
    """Black pictures of one size with a spot and two boxes about the middle; every fourth is of nothing known.

    Attributes:
        height, width: pixels.
        box: the part of each that is used.
    """

    count: int = 12
    height: int = 90
    width: int = 120
    box: Box | None = None
    seed: int = 0
    splits: tuple[Split, ...] = ("train",)
    name: str = "marked"

    def classes(self) -> tuple[str, ...]:
        return ()

    def columns(self) -> tuple[Column, ...]:
        return SPOT, BOXES, KINDS, COUNT

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        random = np.random.default_rng(self.seed)
        for number in range(self.count):
            x, y = self.width / 2 + random.uniform(-15, 15), self.height / 2 + random.uniform(-15, 15)
            corners = random.integers(-22, 4, (2, 2)) + np.array([self.width // 2, self.height // 2])
            boxes = np.concatenate([corners, corners + random.integers(14, 20, (2, 2))], axis=1)
            known = {"spot": (x, y), "boxes": boxes, "kinds": [number, 7], "count": 2}
            picture = painted(self.height, self.width, (x, y), boxes)
            split = self.splits[number % len(self.splits)]
            yield Sample(f"{number}", picture, split=split, box=self.box, targets=known if number % 4 < 3 else {})


def painted(height: int, width: int, spot: tuple[float, float], boxes: np.ndarray) -> np.ndarray:
    """uint8 (height, width, 3), with a spot about places counted from the edges, and boxes of whole pixels."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    picture = np.zeros((height, width, 3))
    picture[..., 0] = 250 * np.exp(-((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / (2 * 3.0**2))
    for channel, (left, top, right, bottom) in enumerate(boxes, start=1):
        picture[top:bottom, left:right, channel] = 200
    return picture.round().astype(np.uint8)


def spot_in(pixels: np.ndarray) -> np.ndarray:
    """Of (H, W) brightness with one spot, its middle x, y as shares of the picture."""
    return np.array([_middle(pixels.sum(axis=0)), _middle(pixels.sum(axis=1))])


def box_in(pixels: np.ndarray) -> np.ndarray:
    """Of (H, W) brightness with one box of even brightness, its x1, y1, x2, y2 as shares of the picture."""
    x, y = (_ends(pixels.sum(axis=axis)) for axis in (0, 1))
    return np.array([x[0], y[0], x[1], y[1]])


def _middle(profile: np.ndarray) -> float:
    return float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum() / len(profile))


def _ends(profile: np.ndarray) -> tuple[float, float]:
    half = profile.sum() / np.sort(profile)[-2:].mean() / len(profile) / 2  # its plateau is at least as wide
    return _middle(profile) - half, _middle(profile) + half
