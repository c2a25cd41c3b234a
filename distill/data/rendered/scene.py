"""What surrounds whoever is drawn: the wall behind, and the light and grain over everything.

Measures and colours come under the names the functions below ask for: float32 (N,) and (N, 3).

Shapes: N pictures, H W pixels.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.rasterizer import Floats, column, zigzag

NOISE_STARTS = 1 << 16

LIGHT = {"light_x": (-0.25, 0.25), "light_y": (-0.2, 0.2)}
"""Ranges of the light's gradient over the picture."""

WALL = {
    "ramp_x": (-1.0, 1.0),
    "ramp_y": (-1.0, 1.0),
    "stripe_x": (-6.0, 6.0),
    "stripe_y": (-6.0, 6.0),
    "stripe_depth": (0.0, 0.3),
    "disc_x": (0.0, 1.0),
    "disc_y": (0.0, 1.0),
    "disc_size": (0.1, 0.45),
    "board_x": (0.0, 1.0),
    "board_y": (0.0, 1.0),
    "board_size": (0.1, 0.5),
}
"""Ranges of what is on the wall; who is drawn before it may narrow one, in its place."""


def wall(planes: Floats, measures: dict[str, Floats], free: dict[str, Floats]) -> None:
    """Background: a ramp between two colours, stripes across it, a disc and a board on it."""
    height, width = planes.shape[2:]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, None, :]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[None, :, None]
    m = {name: column(measures[name]) for name in WALL}
    ramp = zigzag(m["stripe_x"] * x + m["stripe_y"] * y)
    ramp *= m["stripe_depth"]
    ramp += m["ramp_x"] * (x - 0.5) + 0.5
    ramp += m["ramp_y"] * (y - 0.5)
    np.clip(ramp, 0, 1, out=ramp)
    np.multiply((free["ramp"] - free["wall"])[:, :, None, None], ramp[:, None], out=planes)
    planes += free["wall"][:, :, None, None]
    side = min(height, width)
    dx, dy = (x - m["disc_x"]) * width, (y - m["disc_y"]) * height
    disc = np.clip(m["disc_size"] * side - np.sqrt(dx * dx + dy * dy) + 0.5, 0, 1)
    dx, dy = np.abs(x - m["board_x"]) * width, np.abs(y - m["board_y"]) * height
    board = np.clip(m["board_size"] * side - np.maximum(dx, dy) + 0.5, 0, 1)
    for coverage, name in ((disc, "disc"), (board, "board")):
        planes += (free[name][:, :, None, None] - planes) * coverage[:, None]


def light(planes: Floats, measures: dict[str, Floats], free: dict[str, Floats]) -> NDArray[np.uint8]:
    """The planes under the picture's light (gain, a gradient over the picture, a colour cast and grain), as pixels.

    Returns:
        uint8 (N, H, W, 3); the planes are spent.
    """
    height, width = planes.shape[2:]
    x = (np.arange(width, dtype=np.float32) * 2 + 1)[None, None, :] / width - 1
    y = (np.arange(height, dtype=np.float32) * 2 + 1)[None, :, None] / height - 1
    brightness = 1 + column(measures["light_x"]) * x + column(measures["light_y"]) * y
    brightness += _grain(measures["grain"], height, width)
    brightness *= column(measures["gain"])
    planes *= brightness[:, None]
    planes *= (0.9 + 0.2 * free["cast"])[:, :, None, None]
    np.clip(planes, 0, 1, out=planes)
    planes *= 255
    planes += 0.5
    return planes.astype(np.uint8).transpose(0, 2, 3, 1)


def _grain(offset: Floats, height: int, width: int) -> Floats:
    """Sensor noise (N, H, W) of at most 0.05: one long fixed sequence, read from another place for each picture."""
    start = (offset * NOISE_STARTS).astype(np.intp)
    runs = np.lib.stride_tricks.sliding_window_view(noise(height * width), height * width)
    return runs[start].reshape(-1, height, width)


@lru_cache(maxsize=2)
def noise(pixels: int) -> Floats:
    """Sensor noise of at most 0.05, long enough for that many pixels from any of `NOISE_STARTS` places on."""
    steps = np.arange(NOISE_STARTS + pixels, dtype=np.uint32) * np.uint32(2654435761)
    mixed = (((steps >> np.uint32(13)) ^ steps) * np.uint32(2246822519) >> np.uint32(16)).astype(np.float32)
    return mixed * np.float32(0.1 / 65536) - np.float32(0.05)
