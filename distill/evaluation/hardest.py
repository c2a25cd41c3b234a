"""The pairs a model is most wrong about: genuine ones of the lowest score, impostors of the highest.

Pairs of equal score are taken in their order. Of all pairs of a set, scores are looked at block by block.

Shapes: N pictures, D embedding dimensions, P pairs, K pairs found.
"""

from dataclasses import dataclass

import numpy as np

from distill.errors import DistillError
from distill.evaluation.embeddings import check_identities, unit_embeddings

# 16 MB of scores.
BLOCK = 2**22


@dataclass(frozen=True)
class HardestPairs:
    """Pairs of pictures: genuine ones from the lowest score up, then impostors from the highest down.

    Attributes:
        first, second: int64 (K,), rows of the two pictures.
        scores: float64 (K,).
        same: bool (K,), whether a pair shows one person.
    """

    first: np.ndarray
    second: np.ndarray
    scores: np.ndarray
    same: np.ndarray


def hardest_listed(scores: np.ndarray, same: np.ndarray, each: int) -> np.ndarray:
    """Which of listed pairs are hardest.

    Args:
        scores: float (P,). same: bool (P,).
        each: at most so many of each kind.

    Returns:
        int64 (K,), rows of the list: genuine pairs from the lowest score up, then impostors from the highest down.

    Raises:
        DistillError: the shapes do not fit, or `each` is below 1.
    """
    _check_each(each)
    if scores.ndim != 1 or scores.shape != same.shape or same.dtype != bool:
        raise DistillError(
            f"hardest pairs: scores {scores.shape} and same {same.dtype} {same.shape}, expected one score and one bool "
            "a pair."
        )
    order = np.argsort(np.where(same, scores, -scores), kind="stable")
    genuine = same[order]
    return np.concatenate((order[genuine][:each], order[~genuine][:each]))


def hardest_pairs(embeddings: np.ndarray, identities: np.ndarray, each: int) -> HardestPairs:
    """The hardest of all pairs of different pictures.

    Takes N^2 D / 2 multiplications, and memory that does not grow with the number of pairs.

    Args:
        embeddings: float (N, D) of any length.
        identities: int (N,), the person shown.
        each: at most so many of each kind; fewer where there are no more.

    Raises:
        DistillError: an embedding is zero or not finite, a person unknown, or `each` is below 1.
    """
    _check_each(each)
    unit = unit_embeddings(embeddings).astype(np.float32, copy=False)
    check_identities(identities, unit, "pictures")
    n = len(unit)
    genuine, impostors = _Lowest(each), _Lowest(each)
    start = 0
    while start < n:
        end = min(start + max(BLOCK // (n - start), 1), n)
        cosines = unit[start:end] @ unit[start:].T
        later = np.arange(start, n) > np.arange(start, end)[:, None]
        own = identities[start:end, None] == identities[start:]
        for lowest, pairs, costs in ((genuine, later & own, cosines), (impostors, later & ~own, -cosines)):
            # few are below the worst that is kept, so few are ever sorted
            rows, columns = np.nonzero(pairs & (costs < lowest.bound))
            lowest.add(costs[rows, columns], rows + start, columns + start)
        start = end
    return HardestPairs(
        first=np.concatenate((genuine.first, impostors.first)),
        second=np.concatenate((genuine.second, impostors.second)),
        scores=np.concatenate((genuine.costs, -impostors.costs)).astype(np.float64),
        same=np.repeat([True, False], [len(genuine.costs), len(impostors.costs)]),
    )


class _Lowest:
    """The pairs of the lowest cost of all that were added, the earlier of equal ones."""

    def __init__(self, size: int) -> None:
        self.size, self.bound = size, np.float32(np.inf)
        self.costs = np.empty(0, np.float32)
        self.first, self.second = np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, costs: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
        """Costs float32 (P,) of pairs int64 (P,) and (P,), none of them earlier than those added before."""
        joined = np.concatenate((self.costs, costs))
        kept = np.argsort(joined, kind="stable")[: self.size]
        self.costs = joined[kept]
        self.first = np.concatenate((self.first, first))[kept]
        self.second = np.concatenate((self.second, second))[kept]
        if len(kept) == self.size:
            self.bound = self.costs[-1]


def _check_each(each: int) -> None:
    if each < 1:
        raise DistillError(f"hardest pairs: {each} of each kind were asked for, expected 1 or more.")
