"""Boxes drawn over a picture.

Shapes: R boxes, H W pixels.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")  # told apart by everybody


def drawn(picture: np.ndarray, boxes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """A copy of uint8 (H, W, 3) with boxes (R, 4), x1, y1, x2, y2 as shares of it, and what is said of each."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = max(1, round(min(image.size) / 150))
    for box, name in zip(boxes, names, strict=True):
        colour = _COLOURS[sum(name.split(" ")[0].encode()) % len(_COLOURS)]
        left, top, right, bottom = (float(edge) for edge in box * [*image.size, *image.size])
        draw.rectangle((left, top, max(left, right), max(top, bottom)), outline=colour, width=width)
        at = (max(0.0, left) + width, max(0.0, top) + width)
        draw.rectangle(draw.textbbox(at, name), fill=colour)
        draw.text(at, name, fill="white")
    return np.asarray(image)
