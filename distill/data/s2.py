"""S2 cells of places, many at a time: the six faces of a cube around the Earth, each cut into four again and again.

A cell of level 30 is about a centimetre wide; the numbers of all cells in a larger one are one range, in the order of a
Hilbert curve. `s2cell` has the same of one place; its tokens, such as 476d07, name cells.

Shapes: N places or cells.
"""

import math

import numpy as np
import s2cell

from distill.errors import DistillError, echo
from distill.evaluation.great_circle import RADIUS

LEVELS = 30
"""Of the smallest cells."""
_SWAP, _INVERT = 1, 2
_POSITIONS = np.array([[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]], np.uint64)
"""Where a quarter (2 i + j) comes on the curve, by the curve's orientation."""
_TURNS = np.array([_SWAP, 0, 0, _SWAP | _INVERT], np.int64)
"""How the orientation changes in each."""


def leaf_cells(places: np.ndarray) -> np.ndarray:
    """The smallest cell that each place lies in.

    Args:
        places: degrees (N, 2), latitude and longitude.

    Returns:
        uint64 (N,), S2's numbers of level 30.
    """
    latitude, longitude = np.radians(np.asarray(places, np.float64)).T
    along = np.cos(latitude)
    space = np.stack([along * np.cos(longitude), along * np.sin(longitude), np.sin(latitude)], axis=1)
    axis = np.abs(space).argmax(axis=1)
    x, y, z = space.T
    largest = np.take_along_axis(space, axis[:, None], axis=1)[:, 0]
    face = axis + 3 * (largest < 0)
    one = np.choose(face, [y, -x, -x, z, z, -y]) / largest
    other = np.choose(face, [z, z, -y, y, -x, -x]) / largest
    i, j = (_steps(share) for share in (one, other))
    number, orientation = np.zeros(len(face), np.uint64), face & _SWAP
    for bit in range(LEVELS - 1, -1, -1):
        quarter = 2 * (i >> bit & 1) + (j >> bit & 1)
        position = _POSITIONS[orientation, quarter]
        number = number << np.uint64(2) | position
        orientation = orientation ^ _TURNS[position.astype(np.int64)]
    return np.asarray(face.astype(np.uint64) << np.uint64(61) | number << np.uint64(1) | np.uint64(1))


def _steps(share: np.ndarray) -> np.ndarray:
    """A coordinate on a face from -1 to 1, to which of 2^30 steps it is in, of about equal area."""
    root = np.sqrt(1 + 3 * np.abs(share)) / 2
    return np.floor(2**LEVELS * np.where(share >= 0, root, 1 - root)).clip(0, 2**LEVELS - 1).astype(np.int64)


def parents(cells: np.ndarray, level: int) -> np.ndarray:
    """The cells of a level that cells (N,) of that level, or of finer ones, lie in."""
    last = np.uint64(1 << 2 * (LEVELS - level))
    return np.asarray(cells & ~(last - np.uint64(1)) | last)


def ranges(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each cell (N,) the numbers of the first and the last of the smallest cells in it."""
    last = cells & (~cells + np.uint64(1))
    return cells - last + np.uint64(1), cells + last - np.uint64(1)


def levels(cells: np.ndarray) -> np.ndarray:
    """int64 (N,), from 0, a face, to 30."""
    last = (cells & (~cells + np.uint64(1))).astype(np.float64)  # a power of two
    return LEVELS - (np.log2(last) / 2).astype(np.int64)


def width(level: np.ndarray | int) -> np.ndarray:
    """Kilometres along the side of a square of the area that a cell of a level has, the mean over all of them."""
    return np.asarray(RADIUS * math.sqrt(4 * math.pi / 6) / 2.0 ** np.asarray(level))


def tokens(cells: np.ndarray) -> tuple[str, ...]:
    """The names of cells (N,)."""
    return tuple(s2cell.cell_id_to_token(int(cell)) for cell in cells)


def first_word(line: str) -> str:
    """The token that a line of a list begins with, whatever stands behind it: coordinates, or a name."""
    return next(iter(line.replace(",", " ").split()), "")


def cells_of(names: tuple[str, ...], where: str) -> np.ndarray:
    """uint64 (N,) of tokens.

    Args:
        where: they stand, for the message.

    Raises:
        DistillError: one is no token of a cell.
    """
    cells = []
    for number, name in enumerate(names, start=1):
        try:
            cell = s2cell.token_to_cell_id(name)
            valid = s2cell.cell_id_is_valid(cell)
        except (ValueError, TypeError, s2cell.InvalidToken):
            valid = False
        if not valid:
            raise DistillError(
                f"{where}: number {number} is {echo(name)}, expected the token of an S2 cell, such as 476d07."
            )
        cells.append(cell)
    return np.array(cells, np.uint64)


def centre(cell: int) -> tuple[float, float]:
    """Latitude and longitude of a cell's middle."""
    latitude, longitude = s2cell.cell_id_to_lat_lon(cell)
    return float(latitude), float(longitude)
