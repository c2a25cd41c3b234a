"""Prepared pictures of flat colours with boxes that a test names."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from distill.data.prepared.prepared import Prepared
from distill.data.sources.marked import COLUMNS
from distill.data.sources.source import Sample, Split
from tests.helpers.listed import Listed, run

CLASSES = ("cat", "dog")


class Boxed(NamedTuple):
    """A picture: its height and width, corners in pixels, the class of each, and whether it is ignored."""

    height: int
    width: int
    boxes: Sequence[Sequence[float]] = ()
    classes: Sequence[int] = ()
    ignored: Sequence[int] = ()
    split: Split = "train"


def prepare_boxed(
    place: Path, pictures: Sequence[Boxed], height: int = 40, width: int = 40, **options: object
) -> Prepared:
    """Picture number n is of the grey 10 n + 10, so that a stub can tell which it is shown."""
    samples = []
    for number, one in enumerate(pictures):
        ignored = list(one.ignored) or [0] * len(one.boxes)
        there = {c for c, marked in zip(one.classes, ignored, strict=True) if not marked}
        targets = {
            "boxes": list(one.boxes),
            "box_classes": list(one.classes),
            "box_ignored": ignored,
            "picture_size": (one.height, one.width),
        }
        grey = np.full((one.height, one.width, 3), 10 * number + 10, np.uint8)
        labels = tuple(int(c in there) for c in range(len(CLASSES)))
        samples.append(Sample(f"{number}", grey, labels, split=one.split, targets=targets))
    listed = Listed(tuple(samples), CLASSES, further=COLUMNS)
    return run(listed, place, height=height, width=width, **options)


def number_of(picture: np.ndarray) -> int:
    """Which of them a shown one is, by its middle; uint8 or float (H, W, 3) on 0..255."""
    return round(float(picture[picture.shape[0] // 2, picture.shape[1] // 2, 0]) / 10) - 1
