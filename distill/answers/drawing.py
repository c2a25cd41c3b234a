"""Boxes drawn over a picture.

Shapes: R boxes, H W pixels.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")  # told apart by everybody
_LIGHT = {"#E69F00", "#56B4E9", "#F0E442"}  # of those: white could not be read on them


def drawn(picture: np.ndarray, boxes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """A copy of uint8 (H, W, 3) with boxes (R, 4), x1, y1, x2, y2 as shares of it, and what is said of each.

    No frame hides what is said, and where boxes lie over each other the first of them is on top.
    """
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = max(1, round(min(image.size) / 150))
    places = boxes * [*image.size, *image.size]
    last_first = [(places[row].tolist(), names[row], _colour(names[row])) for row in reversed(range(len(names)))]
    for (left, top, right, bottom), _, colour in last_first:
        draw.rectangle((left, top, max(left, right), max(top, bottom)), outline=colour, width=width)
    for (left, top, *_), name, colour in last_first:
        at = (max(0.0, left) + width, max(0.0, top) + width)
        draw.rectangle(draw.textbbox(at, name), fill=colour)
        draw.text(at, name, fill="black" if colour in _LIGHT else "white")
    return np.asarray(image)


def _colour(name: str) -> str:
    """Of its class, which is the first word."""
    return _COLOURS[sum(name.split(" ")[0].encode()) % len(_COLOURS)]
