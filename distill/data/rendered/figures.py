"""Figures of one kind, painted together, each on a sheet of its own that is laid on its picture afterwards.

What is nearer hides what is farther only within a picture; so all figures of a kind and about one size, of whatever
pictures, can be painted at a time, and the order matters only when the sheets are laid.

A figure stands upright. The origin of its frame is the middle of its box, the unit half the longer side, u points right
and v down. It is painted as it faces right.

Shapes: M figures, h w pixels of a sheet or of a window in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from distill.data.rendered.rasterizer import Floats, Rows, Window
from distill.data.rendered.street import KINDS, Bools, Street

_HALF_OCTAVE = 0.70710678


@dataclass(frozen=True)
class Sheet:
    """One painted figure: colours times coverage, and coverage, float32 (4, h, w); and where in the picture its first
    pixel belongs, which may be outside."""

    planes: Floats
    top: int
    left: int

    def lay(self, picture: Floats) -> None:
        """Lay it over float32 (3, H, W)."""
        _, height, width = picture.shape
        _, h, w = self.planes.shape
        top, left = max(0, self.top), max(0, self.left)
        bottom, right = min(height, self.top + h), min(width, self.left + w)
        if top >= bottom or left >= right:
            return
        own = self.planes[:, top - self.top : bottom - self.top, left - self.left : right - self.left]
        below = picture[:, top:bottom, left:right]
        below *= 1 - own[3]
        below += own[:3]


class Figures:
    """M figures of a kind: what is asked of it comes for them all.

    Args:
        x, y, scale: float32 (M,), the middles in pixels and the pixels of a unit.
        half: float32 (M, 2), half the width and height in units.
        colours: float32 (M, 3, 3). shape: float32 (M, S), numbers from 0 to 1.
    """

    def __init__(
        self, x: Floats, y: Floats, scale: Floats, half: Floats, colours: Floats, shape: Floats, left: Bools
    ) -> None:
        self.scale, self.colours, self.shape, self.left = scale, colours, shape, left
        self.a, self.b = half[:, 0, None, None], half[:, 1, None, None]
        self._pixel_x, self._pixel_y = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        within_x, within_y = x - np.floor(x), y - np.floor(y)
        # Of one that will be mirrored, where it is before: then a mirrored figure is the mirror image to the bit.
        self._within_x, self._within_y = np.where(left, 1 - within_x, within_x), within_y
        self._reach = tuple(ceil(float((half[:, axis] * scale).max())) + 2 for axis in (0, 1))
        wide, high = (2 * reach + 1 for reach in self._reach)
        self._planes = np.zeros((len(x), 4, high, wide), np.float32)
        self._rows: Rows = np.arange(len(x))

    def __len__(self) -> int:
        return len(self._rows)

    def number(self, place: int, low: float, high: float) -> Floats:
        """(M, 1, 1), one of the shape's numbers, between low and high."""
        return (low + (high - low) * self.shape[:, place])[:, None, None]

    def colour(self, place: int, low: float = 0.0, high: float = 1.0) -> Floats:
        """(M, 3), one of the figure's colours, between low and high."""
        return low + (high - low) * self.colours[:, place]

    def window(self, u: Floats | float, v: Floats | float, a: Floats | float, b: Floats | float) -> Window:
        """The pixels within a and b, numbers or (M, 1, 1), of a point of the frame, in coordinates relative to it."""
        ends = [
            (float(((point - reach) * self._scales).min()), float(((point + reach) * self._scales).max()))
            for point, reach in ((u, a), (v, b))
        ]
        slices = []
        for (first, last), middle in zip(ends, self._reach, strict=True):
            begin = min(max(0, middle + floor(first) - 1), 2 * middle)
            slices.append((begin, max(begin + 1, min(2 * middle + 1, middle + ceil(last) + 3))))
        (left, right), (top, bottom) = slices
        inverse = 1 / self._scales
        across = np.arange(left - self._reach[0], right - self._reach[0], dtype=np.float32)
        down = np.arange(top - self._reach[1], bottom - self._reach[1], dtype=np.float32)
        return Window(
            rows=self._rows,
            top=np.full(len(self), top),
            left=np.full(len(self), left),
            u=(across + (0.5 - self._within_x)[:, None, None]) * inverse - u,
            v=(down[:, None] + (0.5 - self._within_y)[:, None, None]) * inverse - v,
            scale=self._scales,
        )

    def lay(self, window: Window, distance: Floats, colour: Floats, shade: Floats | None = None) -> None:
        """Paint where the signed distance is positive.

        Args:
            colour: (M, 3). shade: (M, h, w) or less, a factor on the colour of each pixel.
        """
        coverage = window.edge(distance)[:, None]
        top, left, (height, width) = int(window.top[0]), int(window.left[0]), coverage.shape[2:]
        below = self._planes[:, :, top : top + height, left : left + width]
        below *= 1 - coverage
        solid = colour[:, :, None, None]
        below[:, :3] += coverage * solid if shade is None else coverage * shade[:, None] * solid
        below[:, 3:] += coverage

    @property
    def _scales(self) -> Floats:
        return self.scale[:, None, None]

    def sheets(self) -> Iterator[Sheet]:
        """Each as it faces."""
        for number, planes in enumerate(self._planes):
            top, left = self._pixel_y[number] - self._reach[1], self._pixel_x[number] - self._reach[0]
            yield Sheet(planes[:, :, ::-1] if self.left[number] else planes, int(top), int(left))


def groups(street: Street, height: int, width: int) -> Iterator[tuple[str, Rows, Figures]]:
    """All figures of N pictures by kind and by half octaves of their size, so that a sheet fits each.

    Yields:
        the kind; the places int64 (M,) of the figures among the N times K; and the figures.
    """
    x, y, scale = (part.ravel() for part in street.middle(height, width))
    mantissa, octave = np.frexp(scale)
    kind = street.kind.ravel()
    key = (kind * 64 + octave + 16) * 2 + (mantissa > _HALF_OCTAVE)
    order = np.flatnonzero(kind >= 0)
    order = order[np.argsort(key[order], kind="stable")]
    flat = [part.reshape(-1, *part.shape[2:]) for part in (street.half, street.colours, street.shape)]
    left = street.left.ravel()
    for rows in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
        if len(rows):
            half, colours, shape = (part[rows] for part in flat)
            own = Figures(x[rows], y[rows], scale[rows], half, colours, shape, left[rows])
            yield KINDS[kind[rows[0]]], rows, own
