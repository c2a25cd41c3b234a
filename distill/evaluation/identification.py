"""Who is it? Pictures searched among the others of a set, 1:N.

Each picture is a probe, and the others are its gallery. A probe is *mated* where another picture shows its person. Of
those, rank-k: the probe's person is among the k most alike people, each known by their most alike picture. Others who
score as high as the right person are put before them.

Probes and gallery may come from two models of one space: a student asked in the gallery its teacher made.

Shapes: N pictures, M mated probes, D embedding dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.embeddings import check_dimensions, check_identities, unit_embeddings
from distill.evaluation.intervals import wilson_interval
from distill.evaluation.search import FLAT_LIMIT, Gallery, Index

# Neighbours listed at a time: 50 MB of them.
LISTED = 2**22


@dataclass(frozen=True)
class IdentificationScores:
    """What a search found.

    Attributes:
        rank: by k, share of mated probes found by rank k.
        curve: float64 (K,), rank-1 to rank-K for the largest k asked for.
        mated, unmated: probes. pictures, people: of the gallery.
        index: `flat` is exact, `hnsw` may miss a few per cent of the neighbours.
    """

    rank: dict[int, float]
    curve: np.ndarray
    mated: int
    unmated: int
    pictures: int
    people: int
    index: Index

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals` (Wilson, probes as independent),
        `counts`, `index`, `rank_curve`."""
        shares = {f"rank{k}": share for k, share in self.rank.items()}
        return {
            "metrics": shares,
            "intervals": {
                name: list(wilson_interval(round(share * self.mated), self.mated)) for name, share in shares.items()
            },
            "counts": {
                "mated": self.mated,
                "unmated": self.unmated,
                "gallery_pictures": self.pictures,
                "gallery_people": self.people,
            },
            "index": self.index,
            "rank_curve": self.curve.tolist(),
        }


def evaluate_identification(
    probes: np.ndarray,
    gallery: np.ndarray,
    identities: np.ndarray,
    *,
    ranks: Sequence[int],
    flat_limit: int = FLAT_LIMIT,
) -> IdentificationScores:
    """Search every picture among the others.

    Args:
        probes, gallery: float (N, D), of any length: the same pictures in the same order, by one model or by two that
            share a space.
        identities: int (N,), the person shown.
        ranks: values of k.
        flat_limit: pictures up to which the search is exact.

    Raises:
        DistillError: numbers of pictures or dimensions differ, an embedding is zero or not finite, a person is
            unknown, k is larger than the number of people, or no probe has a mate.
    """
    check_dimensions(probes, gallery, "the probes", "the gallery's pictures")
    check_identities(identities, probes, "probes")
    check_identities(identities, gallery, "gallery pictures")
    asked = unit_embeddings(probes, owner="the model of the probes").astype(np.float32, copy=False)
    known = unit_embeddings(gallery, owner="the model of the gallery").astype(np.float32, copy=False)
    people, person, sizes = np.unique(identities, return_inverse=True, return_counts=True)
    _check_ranks(ranks, len(people))
    mated = np.flatnonzero(sizes[person] > 1)
    if not len(mated):
        raise DistillError(
            f"identification: none of the {len(asked)} probes shows a person of whom the gallery has another picture. "
            "Give it people with two or more pictures."
        )
    index, largest = Gallery(known, flat_limit), max(ranks)
    before = _people_before(index, asked, identities, mated, largest)
    return IdentificationScores(
        rank={k: float(np.mean(before < k)) for k in ranks},
        curve=np.array([np.mean(before < k + 1) for k in range(largest)]),
        mated=len(mated),
        unmated=len(asked) - len(mated),
        pictures=len(known),
        people=len(people),
        index=index.index,
    )


def _people_before(
    gallery: Gallery, probes: np.ndarray, identities: np.ndarray, mated: np.ndarray, most: int
) -> np.ndarray:
    """Other people at least as alike as the right person's best picture.

    One person may fill a list of any length, so the lists of those probes are made longer until they decide.

    Args:
        probes, identities: float (N, D), int (N,), of the gallery's pictures.
        mated: int (M,), which of them are asked.
        most: a count that need not be exceeded; higher ones are returned as this.

    Returns:
        int64 (M,).
    """
    people = np.empty(len(mated), np.int64)
    waiting, k = np.arange(len(mated)), most + 1
    while len(waiting):
        k = min(k, gallery.size - 1)
        undecided = []
        for rows in np.array_split(waiting, len(waiting) * k // LISTED + 1):
            pictures = mated[rows]
            neighbours = gallery.others(probes[pictures], pictures, k)
            there, whose = neighbours.rows >= 0, identities[neighbours.rows]
            right = there & (whose == identities[pictures][:, None])
            best = np.where(right, neighbours.cosines, -np.inf).max(axis=1)
            before = there & ~right & (neighbours.cosines >= best[:, None])
            people[rows] = _distinct(np.where(before, whose, -1)).clip(max=most)
            # what comes next is no more alike than the last one listed
            decided = (neighbours.cosines[:, -1] < best) | (people[rows] == most)
            undecided.append(rows[~decided & there.all(axis=1)])
        waiting = np.concatenate(undecided) if k < gallery.size - 1 else waiting[:0]
        k *= 4
    return people


def _distinct(values: np.ndarray) -> np.ndarray:
    """How many different values (M, k) each row holds, -1 not counted: int (M,)."""
    rising = np.sort(values, axis=1)
    first = np.diff(rising, axis=1, prepend=-1) != 0
    return np.count_nonzero(first, axis=1)


def _check_ranks(ranks: Sequence[int], people: int) -> None:
    if not ranks:
        raise DistillError("identification: no rank is asked for, expected at least one.")
    for k in ranks:
        if not 1 <= k <= people:
            raise DistillError(
                f"identification: ranks asks for k = {k}, but the gallery has {people} people; expected 1 to {people}. "
                "Ask for a smaller k, or enlarge the gallery."
            )
