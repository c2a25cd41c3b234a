"""Antialiased shapes painted on many pictures at once, each inside its own small window.

A shape is a signed distance turned into coverage over one pixel; it is evaluated only on the window that holds it,
cut from every picture at that picture's own place. Every operation here is one that IEEE 754 rounds exactly (no
transcendental function, no reduction), so a picture has the same bytes on any machine and in any batch.

Shapes: N pictures, M of them in a window, H W pixels of a picture, h w pixels of a window. Lengths are in units of the
figure's own frame, which `Pose` places on the pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.intp]
Position = tuple[Floats | float, Floats | float]

CHUNK_PIXELS = 64 * 64 * 64  # pixels drawn together: their planes still fit the cache


@dataclass(frozen=True)
class Pose:
    """Where the figure's frame lies: float32 (N,) each.

    Attributes:
        x, y: pixel position of the frame's origin; the first pixel's centre is (0.5, 0.5).
        cosine, sine: of the rotation from frame to picture.
        scale: pixels per unit.
        largest_scale, largest_sine: bounds over all figures ever drawn, from which the size of a window follows; taken
            as constants rather than over the batch, they keep the windows the same in every batch.
    """

    x: Floats
    y: Floats
    cosine: Floats
    sine: Floats
    scale: Floats
    largest_scale: float
    largest_sine: float


@dataclass(frozen=True)
class Window:
    """Pixels around one point of the frame, cut from M pictures.

    Attributes:
        rows: (M,) which pictures. top, left: (M,) first pixel of the window.
        u, v: float32 (M, h, w), frame coordinates of every pixel centre relative to the point; v points down. In
            a frame that stands upright in all pictures, (M, 1, w) and (M, h, 1).
        scale: float32 (M, 1, 1), pixels per unit.
    """

    rows: Rows
    top: Rows
    left: Rows
    u: Floats
    v: Floats
    scale: Floats

    def edge(self, distance: Floats) -> Floats:
        """Coverage (M, h, w) of a shape from the signed distance to its outline, positive inside."""
        coverage = distance * self.scale
        coverage += 0.5
        np.maximum(coverage, 0, out=coverage)
        return np.minimum(coverage, 1, out=coverage)

    def ellipse(self, a: Floats | float, b: Floats | float, square: Floats | float = 0.0) -> Floats:
        """Signed distance to an axis-parallel ellipse, exact to first order at its outline.

        Args:
            a, b: half-axes, numbers or (M, 1, 1).
            square: 0 for an ellipse, towards 1 for the squarer outline x^2 + y^2 - square x^2 y^2 = 1.
        """
        return oval(self.u, self.v, a, b, square)

    def box(self, a: Floats | float, b: Floats | float) -> Floats:
        """Signed distance to a rectangle of half-sides a and b."""
        return np.minimum(a - np.abs(self.u), b - np.abs(self.v))


def column(values: np.ndarray) -> np.ndarray:
    """(M,) to (M, 1, 1), beside the pixels of a window."""
    return values[:, None, None]


def oval(u: Floats, v: Floats, a: Floats | float, b: Floats | float, square: Floats | float = 0.0) -> Floats:
    """`Window.ellipse` on any coordinates (M, h, w), bent ones included."""
    xx, yy = u * (1 / a), v * (1 / b)
    xx *= xx
    yy *= yy
    level = xx + yy
    if isinstance(square, np.ndarray) or square:
        level -= square * np.minimum(xx, 1) * np.minimum(yy, 1)
    xx *= 4 / (a * a)
    yy *= 4 / (b * b)
    steepness = xx + yy
    steepness += 1e-9  # the gradient vanishes in the middle, which is inside all the same
    np.sqrt(steepness, out=steepness)
    np.subtract(1, level, out=level)
    level /= steepness
    return level


def limb(u: Floats, v: Floats, start: Position, end: Position, thick: Floats | float, thin: Floats | float) -> Floats:
    """Signed distance to a stroke between two points, of half-width ``thick`` at the start and ``thin`` at the end."""
    (u0, v0), (u1, v1) = start, end
    du, dv = u1 - u0, v1 - v0
    x, y = u - u0, v - v0
    along = x * du + y * dv
    along /= du * du + dv * dv
    np.clip(along, 0, 1, out=along)
    x = x - along * du
    y = y - along * dv
    x *= x
    y *= y
    x += y
    np.sqrt(x, out=x)
    along *= thin - thick
    along += thick
    along -= x
    return along


def merged(one: Floats, other: Floats, width: float) -> Floats:
    """Signed distance to both shapes together, the corner where they meet filled over about ``width``."""
    bridge = np.abs(one - other)
    np.subtract(width, bridge, out=bridge)
    np.maximum(bridge, 0, out=bridge)
    bridge *= bridge
    bridge *= 0.25 / width
    bridge += np.maximum(one, other)
    return bridge


def zigzag(t: Floats) -> Floats:
    """Triangle wave of period 1 between -1 and 1: a texture without a transcendental function."""
    wave = t - np.floor(t)
    wave *= 4
    wave -= 2
    np.abs(wave, out=wave)
    wave -= 1
    return wave


class Canvas:
    """N pictures being painted: float32 planes (N, 3, H, W), 1 being white."""

    def __init__(self, planes: Floats, pose: Pose) -> None:
        self.planes = planes
        self.pose = pose

    def window(self, rows: Rows, u: Floats, v: Floats, reach_u: float, reach_v: float) -> Window:
        """The window that holds everything within the given reach of a point of the frame, up to the picture's border.

        Args:
            rows: (M,) which pictures. u, v: (M,) the point, in frame coordinates.
            reach_u, reach_v: largest distance from the point along each axis of the frame, over all figures.
        """
        pose, (height, width) = self.pose, self.planes.shape[2:]
        cosine, sine, scale = pose.cosine[rows], pose.sine[rows], pose.scale[rows]
        x = pose.x[rows] + (u * cosine - v * sine) * scale
        y = pose.y[rows] + (u * sine + v * cosine) * scale
        w = min(width, ceil(2 * (reach_u + reach_v * pose.largest_sine) * pose.largest_scale) + 2)
        h = min(height, ceil(2 * (reach_v + reach_u * pose.largest_sine) * pose.largest_scale) + 2)
        # A window moved inwards at the border still holds every pixel of the shape that is in the picture.
        left = np.clip(np.floor(x - (w - 1) / 2), 0, width - w).astype(np.intp)
        top = np.clip(np.floor(y - (h - 1) / 2), 0, height - h).astype(np.intp)
        across = (left[:, None] + np.arange(w)).astype(np.float32) + (0.5 - x)[:, None]
        down = (top[:, None] + np.arange(h)).astype(np.float32) + (0.5 - y)[:, None]
        cosine, sine = (cosine / scale)[:, None], (sine / scale)[:, None]
        return Window(
            rows=rows,
            top=top,
            left=left,
            u=(across * cosine)[:, None, :] + (down * sine)[:, :, None],
            v=(down * cosine)[:, :, None] - (across * sine)[:, None, :],
            scale=scale[:, None, None],
        )

    def paint(self, window: Window, coverage: Floats, colour: Floats, shade: Floats | None = None) -> None:
        """Blend a colour over the window.

        Args:
            coverage: (M, h, w) in 0..1. colour: (M, 3) in 0..1.
            shade: (M, h, w) factor on the colour of each pixel.
        """
        height, width = coverage.shape[1:]
        windows = np.lib.stride_tricks.sliding_window_view(self.planes, (height, width), axis=(2, 3), writeable=True)
        place = (window.rows, slice(None), window.top, window.left)
        pixels = windows[place]
        solid = colour[:, :, None, None]
        change = (solid if shade is None else solid * shade[:, None]) - pixels
        change *= coverage[:, None]
        change += pixels
        windows[place] = change


class Described(Protocol):
    """Pictures as numbers, of which some can be taken."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Self: ...


Pictures = TypeVar("Pictures", bound=Described)


def in_chunks(
    draw: Callable[[Pictures, int, int], NDArray[np.uint8]],
    described: Pictures,
    height: int,
    width: int,
    pixels: int = CHUNK_PIXELS,
) -> NDArray[np.uint8]:
    """Draw N pictures, few enough at a time for the cache: uint8 (N, height, width, 3).

    Args:
        pixels: drawn together.
    """
    pictures = np.empty((len(described), height, width, 3), dtype=np.uint8)
    # glibc returns freed memory to the system beyond twice the largest block it has seen freed, and each layer would
    # then fault its arrays in anew, at half the speed. This block is never touched, only allocated and freed.
    np.empty(CHUNK_PIXELS * 64, dtype=np.uint8)
    size = max(1, pixels // (height * width))
    for start in range(0, len(described), size):
        chunk = slice(start, start + size)
        pictures[chunk] = draw(described[chunk], height, width)
    return pictures
