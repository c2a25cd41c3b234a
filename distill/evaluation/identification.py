"""Who is it? Probes searched in a gallery of known people, 1:N.

A probe is *mated* where its person is in the gallery. Of those,
- rank-k: the probe's person is among the k most alike people, each known by their most alike picture;
- recall@k: one of the k most alike pictures is of the probe's person;
- TPIR at FPIR: the most alike picture is of the right person and scores at least a threshold, which at most the share
  FPIR of the probes without a mate reaches. (ISO/IEC 19795-1; the threshold as in `roc`, never above what was asked.)
Others who score as high as the right person are put before them.

Probes and gallery may come from two models of one space: a student asked in the gallery its teacher made.

Shapes: N probes, M mated probes, G gallery pictures, D embedding dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.embeddings import check_dimensions, check_identities, unit_embeddings
from distill.evaluation.intervals import wilson_interval
from distill.evaluation.roc import OperatingPoint, check_resolution, points_at, roc
from distill.evaluation.search import FLAT_LIMIT, Gallery, Index

# Neighbours listed at a time: 50 MB of them.
LISTED = 2**22


@dataclass(frozen=True)
class IdentificationScores:
    """What a search found.

    Attributes:
        rank: by k, share of mated probes found by rank k. recall: by k, recall@k.
        curve: float64 (K,), rank-1 to rank-K for the largest k asked for.
        points: by FPIR; `tar` is the TPIR, `impostors` the probes without a mate.
        mated, unmated: probes. pictures, people: of the gallery.
        index: `flat` is exact, `hnsw` may miss a few per cent of the neighbours.
        people_before, pictures_before: int (M,), other people, and pictures of others, at least as alike as the best
            picture of the right person; each counted only up to the largest k asked for.
    """

    rank: dict[int, float]
    recall: dict[int, float]
    curve: np.ndarray
    points: dict[float, OperatingPoint]
    mated: int
    unmated: int
    pictures: int
    people: int
    index: Index
    people_before: np.ndarray = field(repr=False)
    pictures_before: np.ndarray = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals` (Wilson, probes as independent),
        `counts`, `index`, `rank_curve`, `fpirs`."""
        metrics, intervals = {}, {}
        for name, shares in (("rank{}", self.rank), ("recall@{}", self.recall)):
            for k, share in shares.items():
                metrics[name.format(k)] = share
                intervals[name.format(k)] = list(wilson_interval(round(share * self.mated), self.mated))
        for fpir, point in self.points.items():
            metrics[f"tpir@fpir={fpir:g}"] = point.tar
            if point.tar_interval is not None:
                intervals[f"tpir@fpir={fpir:g}"] = list(point.tar_interval)
        return {
            "metrics": metrics,
            "intervals": intervals,
            "counts": {
                "mated": self.mated,
                "unmated": self.unmated,
                "gallery_pictures": self.pictures,
                "gallery_people": self.people,
            },
            "index": self.index,
            "rank_curve": self.curve.tolist(),
            "fpirs": {
                f"{fpir:g}": {
                    "threshold": point.threshold,
                    "fpir": point.far,
                    "tpir": point.tar,
                    "false_positives": point.false_accepts,
                    "true_positives": point.true_accepts,
                }
                for fpir, point in self.points.items()
            },
        }


def evaluate_identification(
    probes: np.ndarray,
    probe_identities: np.ndarray,
    gallery: np.ndarray,
    gallery_identities: np.ndarray,
    *,
    same_pictures: bool,
    ranks: Sequence[int] = (1, 5, 10),
    recalls: Sequence[int] = (1,),
    fpirs: Sequence[float] = (),
    flat_limit: int = FLAT_LIMIT,
) -> IdentificationScores:
    """Search every probe in the gallery.

    Args:
        probes, gallery: float (N, D) and (G, D), of any length; from one model, or from two that share a space.
        probe_identities, gallery_identities: int (N,) and (G,).
        same_pictures: the gallery's pictures are the probes', in the same order (by whichever model): each probe is
            searched among the others, and is mated where these show its person.
        ranks, recalls: values of k.
        fpirs: false positive identification rates for which TPIR is wanted; they need probes without a mate.
        flat_limit: gallery pictures up to which the search is exact.

    Raises:
        DistillError: the gallery is empty, dimensions differ, an embedding is zero or not finite, a person is unknown,
            k is larger than the gallery, no probe has a mate, or an FPIR is below one probe without a mate.
    """
    if len(gallery) == 0:
        raise DistillError("identification: the gallery is empty. Give it at least one picture of a known person.")
    check_dimensions(probes, gallery, "the probes", "the gallery's pictures")
    check_identities(probe_identities, probes, "probes")
    check_identities(gallery_identities, gallery, "gallery pictures")
    if same_pictures and not np.array_equal(probe_identities, gallery_identities):
        raise DistillError(
            "identification: probes and gallery were said to be the same pictures, but their identities differ. List "
            "both in the same order."
        )
    asked = unit_embeddings(probes, owner="the model of the probes").astype(np.float32, copy=False)
    known = unit_embeddings(gallery, owner="the model of the gallery").astype(np.float32, copy=False)
    people, sizes = np.unique(gallery_identities, return_counts=True)
    _check_k(ranks, len(people), "ranks", "people")
    _check_k(recalls, len(known) - same_pictures, "recalls", "pictures to find")
    own = sizes[np.searchsorted(people, probe_identities).clip(max=len(people) - 1)]
    mated = np.isin(probe_identities, people) & (own > same_pictures)
    if not mated.any():
        raise DistillError(
            f"identification: none of the {len(asked)} probes shows a person of whom the gallery has (another) "
            "picture. Put pictures of the same people into both."
        )
    unmated = int(np.count_nonzero(~mated))
    if fpirs and unmated == 0:
        raise DistillError(
            "identification: every probe has a mate in the gallery, so TPIR at FPIR cannot be measured. Add probes of "
            "people whom the gallery does not know, or ask for no FPIR."
        )
    for fpir in fpirs:
        check_resolution(fpir, unmated, "FPIR", "probes without a mate")

    index = Gallery(known, flat_limit)
    places = np.arange(len(asked)) if same_pictures else None
    nearest = index.nearest(asked, 1, places).cosines[:, 0] if fpirs else np.empty(0)
    kept = np.flatnonzero(mated)
    people_before, pictures_before = _before(
        index,
        asked[kept],
        probe_identities[kept],
        gallery_identities,
        None if places is None else places[kept],
        most_people=max(ranks, default=1),
        most_pictures=max(recalls, default=1),
    )
    points = {}
    if fpirs:
        right = people_before == 0
        found = roc(nearest[kept[right]], nearest[~mated], missed=int(np.count_nonzero(~right)))
        points = points_at(found, fpirs)
    return IdentificationScores(
        rank={k: float(np.mean(people_before < k)) for k in ranks},
        recall={k: float(np.mean(pictures_before < k)) for k in recalls},
        curve=np.array([np.mean(people_before < k + 1) for k in range(max(ranks, default=1))]),
        points=points,
        mated=len(kept),
        unmated=unmated,
        pictures=len(known),
        people=len(people),
        index=index.index,
        people_before=people_before,
        pictures_before=pictures_before,
    )


def _before(
    gallery: Gallery,
    probes: np.ndarray,
    identities: np.ndarray,
    gallery_identities: np.ndarray,
    leave_out: np.ndarray | None,
    *,
    most_people: int,
    most_pictures: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Other people, and pictures of others, at least as alike as the right person's best picture.

    One person may fill a list of any length, so the lists of those probes are made longer until they decide.

    Args:
        probes, identities, leave_out: float (M, D), int (M,), int (M,), of mated probes.
        most_people, most_pictures: counts that need not be exceeded; higher ones are returned as these.

    Returns:
        two int64 (M,).
    """
    people, pictures = np.empty(len(probes), np.int64), np.empty(len(probes), np.int64)
    available = gallery.size - (leave_out is not None)
    waiting, k = np.arange(len(probes)), max(most_people, most_pictures) + 1
    while len(waiting):
        k = min(k, available)
        undecided = []
        for rows in np.array_split(waiting, len(waiting) * k // LISTED + 1):
            found = gallery.nearest(probes[rows], k, None if leave_out is None else leave_out[rows])
            there = found.places >= 0
            right = there & (gallery_identities[found.places] == identities[rows][:, None])
            best = np.where(right, found.cosines, -np.inf).max(axis=1)
            before = there & ~right & (found.cosines >= best[:, None])
            people[rows] = _distinct(np.where(before, gallery_identities[found.places], -1)).clip(max=most_people)
            pictures[rows] = before.sum(axis=1).clip(max=most_pictures)
            # what comes next is no more alike than the last one listed
            decided = (found.cosines[:, -1] < best) | (
                (people[rows] == most_people) & (pictures[rows] == most_pictures)
            )
            undecided.append(rows[~decided & there.all(axis=1)])
        waiting = np.concatenate(undecided) if k < available else waiting[:0]
        k *= 4
    return people, pictures


def _distinct(values: np.ndarray) -> np.ndarray:
    """How many different values (M, k) each row holds, -1 not counted: int (M,)."""
    rising = np.sort(values, axis=1)
    first = np.diff(rising, axis=1, prepend=-1) != 0
    return np.count_nonzero(first, axis=1)


def _check_k(values: Sequence[int], most: int, name: str, kind: str) -> None:
    for k in values:
        if not 1 <= k <= most:
            raise DistillError(
                f"identification: {name} asks for k = {k}, but the gallery has {most} {kind}; expected 1 to {most}. "
                "Ask for a smaller k, or enlarge the gallery."
            )
