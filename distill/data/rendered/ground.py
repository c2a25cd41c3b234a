"""What a street's figures stand before: sky, ground, houses, and the light over all; one picture at a time, so that its
planes stay in the cache.

Edges of houses lie between pixels. Sky, ground and light are made of what varies along one side of the picture only,
which costs next to nothing.
"""

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.rasterizer import Floats, zigzag
from distill.data.rendered.scene import NOISE_STARTS, noise


def ground(numbers: Floats, horizon: float, houses: Floats, height: int, width: int) -> Floats:
    """Sky, ground, and houses on the horizon.

    Args:
        numbers: float32 (S,) from 0 to 1, of one picture. houses: float32 (number of houses, 8), the same.

    Returns:
        float32 (3, height, width), 1 being white.
    """
    line = int(horizon * height)
    rows = (np.arange(height, dtype=np.float32) + 0.5) / height
    columns = (np.arange(width, dtype=np.float32) + 0.5) / width
    sky, road = np.array((0.45, 0.6, 0.8), np.float32) * (0.6 + 0.4 * numbers[0:3]), 0.22 + 0.35 * numbers[3:6]
    colour = sky[:, None] * (1 + rows * numbers[6])
    colour[:, line:] = road[:, None] * (0.8 + 0.4 * rows[line:])
    grain = zigzag(rows * (4 + 30 * numbers[7])) * (0.2 * numbers[8])
    grain[:line] = 0
    planes = np.empty((3, height, width), np.float32)
    np.multiply(colour[:, :, None], 1 + grain[:, None] * zigzag(columns * (2 + 14 * numbers[9])), out=planes)
    for own in houses:
        _house(planes, own, line)
    return planes


def _house(planes: Floats, numbers: Floats, line: int) -> None:
    """A front with rows of windows."""
    _, height, width = planes.shape
    middle, wide, high, across, down = numbers[:5].tolist()
    left, right = int((middle - 0.05 - 0.15 * wide) * width), int((middle + 0.05 + 0.15 * wide) * width)
    left, right, top = max(0, left), min(width, right), int(line * (0.9 - 0.85 * high))
    if right <= left or line <= top:
        return
    front = planes[:, top:line, left:right]
    front[:] = (0.2 + 0.6 * numbers[5:8])[:, None, None]
    u = np.arange(right - left, dtype=np.float32) / width
    v = np.arange(line - top, dtype=np.float32) / height
    open_x, open_y = zigzag(u * (8 + 14 * across)) > 0.1, zigzag(v * (8 + 14 * down)) > 0.1
    front *= np.where(open_y[:, None] & open_x, np.float32(0.5), np.float32(1))


def light(planes: Floats, numbers: Floats) -> NDArray[np.uint8]:
    """A picture under a gain, a gradient, a colour cast and grain: uint8 (H, W, 3); the planes are spent."""
    _, height, width = planes.shape
    x = (np.arange(width, dtype=np.float32) * 2 + 1) / width - 1
    y = (np.arange(height, dtype=np.float32) * 2 + 1) / height - 1
    slope_x, slope_y = 0.3 * (numbers[10:12] - 0.5)
    start = int(numbers[12] * NOISE_STARTS)
    brightness = noise(height * width)[start : start + height * width].reshape(height, width) + slope_x * x
    brightness += (1 + slope_y * y)[:, None]
    gain = 255 * (0.7 + 0.5 * numbers[13]) * (0.92 + 0.16 * numbers[14:17])
    planes *= brightness
    pixels = np.empty((height, width, 3), np.uint8)
    for channel, plane in enumerate(planes):
        plane *= gain[channel]
        plane += 0.5
        np.clip(plane, 0, 255, out=plane)
        pixels[..., channel] = plane
    return pixels
