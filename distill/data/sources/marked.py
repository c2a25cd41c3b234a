"""What sources of boxes give alike: the columns, and the boxes of a picture without those that nobody can use.

Two kinds of boxes are marked as not to be counted, and kept: what VOC's annotators called difficult, and COCO's regions
of a crowd. A detection that matches one counts neither for nor against, and they are no positives. COCO's own evaluator
ignores crowds alone, as COCO has no difficult boxes; VOC's ignores the difficult ones. One column holds either.

Shapes: R boxes of a picture, C classes.
"""

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from distill.data.sources.source import Sample, Split
from distill.data.targets import PICTURE_SIZE, Column

COLUMNS = (
    Column("boxes", "float32", (4,), ragged=True, place="boxes"),
    Column("box_classes", "int16", ragged=True),
    Column("box_ignored", "int8", ragged=True),
    PICTURE_SIZE,
)
"""Of each box its corners, its class by number, and 1 where it is not to be counted; rows of a picture stand in one
order. Sizes of boxes are counted in pixels of the upright picture."""

ROUNDING = 1.0
"""Pixels by which a box may reach over an edge, where corners were rounded or counted from another number; it is cut
there. One that reaches further was marked in another picture, or in this one at another size."""

LEAST_SIDE = 0.01
"""Pixels; a box that is thinner has no area, and could have none once it is kept in single precision."""

_TURNED = range(5, 9)  # orientations of EXIF that exchange height and width
_ORIENTATION = 0x0112
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # what `prepare` decodes


class Marked(NamedTuple):
    """A box: x1, y1, x2, y2 in pixels from the edges of the upright picture, the number of its class, and whether it is
    not to be counted."""

    corners: tuple[float, float, float, float]
    label: int
    ignored: bool


class Photograph(NamedTuple):
    """A picture of which the objects are marked, and its height and width in pixels; None where nothing says it."""

    name: str
    picture: Path | bytes
    size: tuple[int, int] | None
    split: Split


def marked_sample(photograph: Photograph, boxes: Sequence[Marked], classes: Sequence[str]) -> Sample:
    """A sample with the columns above; a class is present where a box of it counts.

    Args:
        boxes: all that are marked. Those of no area, with corners swapped or outside of the picture are left out, each
            with its reason. None at all is a valid picture.
    """
    size = photograph.size or header_size(photograph.picture)
    faults = [_fault(box.corners, size) for box in boxes]
    left_out = tuple(
        f"{classes[box.label]} {' '.join(f'{edge:g}' for edge in box.corners)} {fault}"
        for box, fault in zip(boxes, faults, strict=True)
        if fault
    )
    kept = [box for box, fault in zip(boxes, faults, strict=True) if not fault]
    corners = np.array([box.corners for box in kept], np.float32).reshape(-1, 4)
    if size is not None:
        corners = corners.clip(0, (size[1], size[0]) * 2)
    present = {box.label for box in kept if not box.ignored}
    return Sample(
        photograph.name,
        photograph.picture,
        tuple(int(number in present) for number in range(len(classes))),
        split=photograph.split,
        targets={
            "boxes": corners,
            "box_classes": np.array([box.label for box in kept], np.int16),
            "box_ignored": np.array([box.ignored for box in kept], np.int8),
            "picture_size": size,
        },
        size=size,
        left_out=left_out,
    )


def _fault(corners: tuple[float, float, float, float], size: tuple[int, int] | None) -> str:
    """What is wrong with a box, or nothing."""
    left, top, right, bottom = corners
    if not all(map(math.isfinite, corners)):
        return "is no box"
    if right < left or bottom < top:
        return "has its corners swapped"
    if size is not None:
        height, width = size
        if min(left, top, width - right, height - bottom) < -ROUNDING:
            return f"is outside of the {width} x {height} pixels"
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    return "" if min(right - left, bottom - top) >= LEAST_SIDE else "has no area"


def header_size(picture: Path | bytes) -> tuple[int, int] | None:
    """Height and width of a picture, upright, from the beginning of its file; None where it cannot be told, as of one
    that is damaged: `prepare` says why."""
    try:
        with Image.open(picture if isinstance(picture, Path) else BytesIO(picture), formats=_FORMATS) as image:
            turned = image.getexif().get(_ORIENTATION) in _TURNED
            return (image.width, image.height) if turned else (image.height, image.width)
    except Exception:  # Pillow raises whatever its decoders do
        return None
