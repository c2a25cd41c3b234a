"""The Earth cut into cells by where photographs were taken: fine where there are many, coarse or none where few.

Shapes: N photographs, C cells, K neighbours of each.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from distill.data import s2
from distill.errors import DistillError
from distill.evaluation.great_circle import great_circle, mean_place

FINEST = 16
"""The level at which cutting ends, 140 m wide: positions that photographs come with are no more exact."""
NEIGHBOURS = 64
"""The most cells that a smoothed target is spread over."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells that do not overlap, in the order of their numbers.

    Attributes:
        numbers: uint64 (C,), S2's.
        counts: int64 (C,), the photographs in each.
        places: degrees float64 (C, 2), latitude and longitude of the mean photograph of each.
    """

    numbers: np.ndarray
    counts: np.ndarray
    places: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Their names."""
        return s2.tokens(self.numbers)

    @property
    def widths(self) -> np.ndarray:
        """float64 (C,), kilometres."""
        return s2.width(s2.levels(self.numbers))

    def index(self, places: np.ndarray) -> np.ndarray:
        """int32 (N,), the cell that each of the places (N, 2) lies in; -1 where in none, or where it is not known."""
        known = np.isfinite(places).all(axis=1)
        found = np.full(len(places), -1, np.int32)
        found[known] = _index(self.numbers, s2.leaf_cells(places[known]))
        return found

    def smoothed(self, width: float) -> tuple[np.ndarray, np.ndarray]:
        """What a photograph in each cell says of the cells around it: a Gaussian of the distances between mean
        photographs, as wide as so many of its own cell.

        Args:
            width: 0 for the cell alone.

        Returns:
            int64 (C, K), the cells, and float32 (C, K), their shares, which sum to one.
        """
        alone = np.arange(len(self))[:, None]
        if not width or len(self) == 1:
            return alone, np.ones((len(self), 1), np.float32)
        latitude, longitude = np.radians(self.places).T
        along = np.cos(latitude)
        space = np.stack([along * np.cos(longitude), along * np.sin(longitude), np.sin(latitude)], axis=1)
        _, near = cKDTree(space).query(space, k=min(NEIGHBOURS, len(self)))
        distances = great_circle(self.places[:, None], self.places[near])
        shares = np.exp(-((distances / (width * self.widths[:, None])) ** 2) / 2)
        shares /= shares.sum(axis=1, keepdims=True)
        kept = max(1, int((shares > 1e-4).sum(axis=1).max()))
        shares, near = shares[:, :kept], near[:, :kept]
        return near.astype(np.int64), (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def cut(places: np.ndarray, most: int, least: int) -> Cells:
    """Cut the faces of the cube into four again and again, while one holds more than `most` photographs, as PlaNet does
    (arXiv 1602.05314); of those that are left, drop what holds fewer than `least`.

    Args:
        places: degrees (N, 2).

    Raises:
        DistillError: no cell is left.
    """
    leaves = s2.leaf_cells(places)
    rest, kept, level = leaves, [np.zeros(0, np.uint64)], 0
    while len(rest):
        cells, of, counts = np.unique(s2.parents(rest, level), return_inverse=True, return_counts=True)
        whole = (counts <= most) | (level == FINEST)
        kept.append(cells[whole & (counts >= least)])
        rest, level = rest[~whole[of]], level + 1
    numbers = np.sort(np.concatenate(kept))
    if not len(numbers):
        raise DistillError(
            f"cells.least is {least}: none of the cells that {len(places)} photographs were cut into, of at most "
            f"{most}, holds so many. Lower it."
        )
    return _described(numbers, leaves, places)


def listed(names: tuple[str, ...], places: np.ndarray, where: str) -> tuple[Cells, int]:
    """Cells by their tokens, those that hold a photograph, and how many do not.

    Args:
        places: degrees (N, 2).
        where: the list is, for messages.

    Raises:
        DistillError: a token is none, one lies in another, or none of them holds a photograph.
    """
    numbers = np.sort(s2.cells_of(names, where))
    first, last = s2.ranges(numbers)
    order = np.argsort(first, kind="stable")
    numbers, first, last = numbers[order], first[order], last[order]
    if (first[1:] <= np.maximum.accumulate(last)[:-1]).any():
        number = int((first[1:] <= np.maximum.accumulate(last)[:-1]).argmax())
        pair = " and ".join(s2.tokens(numbers[number : number + 2]))
        raise DistillError(f"{where}: the cells {pair} overlap; expected none in another. Take out one of them.")
    cells = _described(numbers, s2.leaf_cells(places), places)
    shown = cells.counts > 0
    if not shown.any():
        raise DistillError(
            f"{where}: none of its {len(names)} cells holds one of the {len(places)} photographs to train on. Give a "
            "list of cells where these were taken, or none."
        )
    return Cells(cells.numbers[shown], cells.counts[shown], cells.places[shown]), int((~shown).sum())


def overlaps(theirs: np.ndarray, ours: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which cells of one cut share ground with which of another, and which share of the first lies in the second.

    Args:
        theirs, ours: numbers of cells (W,) and (C,); those of ours do not overlap, and are in their order.

    Returns:
        int64 (M,) and (M,) of each pair, and float64 (M,), from 0 to 1.
    """
    first, last = s2.ranges(ours)
    begin, end = s2.ranges(theirs)
    low, high = np.searchsorted(last, begin), np.searchsorted(first, end, side="right")
    counts = np.maximum(high - low, 0)
    rows = np.repeat(np.arange(len(theirs)), counts)
    columns = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    finer = s2.levels(ours)[columns] - s2.levels(theirs)[rows]
    return rows, columns, 4.0 ** -np.maximum(finer, 0)


def _described(numbers: np.ndarray, leaves: np.ndarray, places: np.ndarray) -> Cells:
    """Cells with what lies in them."""
    index = _index(numbers, leaves)
    counts = np.bincount(index[index >= 0], minlength=len(numbers))
    order = np.argsort(index, kind="stable")
    parts = np.split(order[(index < 0).sum() :], np.cumsum(counts)[:-1])
    middles = [
        mean_place(places[part]) if len(part) else np.array(s2.centre(int(number)))
        for number, part in zip(numbers, parts, strict=True)
    ]
    return Cells(numbers, counts, np.array(middles, np.float64).reshape(-1, 2))


def _index(numbers: np.ndarray, leaves: np.ndarray) -> np.ndarray:
    first, last = s2.ranges(numbers)
    at = np.searchsorted(first, leaves, side="right") - 1
    return np.where((at >= 0) & (leaves <= last[at]), at, -1).astype(np.int32)
