"""Is it anybody we know, and who? Pictures of known and of unknown people searched in a gallery, an open set.

The gallery has one picture of each person it knows. A probe is *mated* where its person is in the gallery. FPIR is the
share of the other probes that anybody in the gallery is as alike to as the threshold asks; TPIR the share of mated
probes whose own person is the most alike and as alike as that (ISO/IEC 19795-1). Others who score as high as the right
person are put before them.

A gallery that grows gives a stranger more chances: a threshold holds for the number of people it was measured with.

Shapes: N pictures, D embedding dimensions, G people of the gallery, M mated probes, U unmated ones, I people in all, R
resamples, B resamples of one block, T rates.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.bootstrap import bootstrap, low_high, percentile_interval
from distill.evaluation.embeddings import check_dimensions, check_identities, unit_embeddings
from distill.evaluation.intervals import wilson_interval
from distill.evaluation.roc import check_resolution

BLOCK = 2**24
"""Cosines at a time: 64 MB."""


def tpir_name(fpir: float) -> str:
    """How results name TPIR at an FPIR: `tpir@fpir=1e-2`."""
    mantissa, _, exponent = f"{fpir:e}".partition("e")
    return f"tpir@fpir={float(mantissa):g}e{int(exponent)}"


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Who is known.

    Attributes:
        identities: int (N,), the person shown.
        gallery: int64 (G,), a picture of each known person, by rising number of the person.
        mated: int64 (M,), the other pictures of these people.
        unmated: int64 (U,), all pictures of everybody else.
    """

    identities: np.ndarray
    gallery: np.ndarray
    mated: np.ndarray
    unmated: np.ndarray


def open_set_of(identities: np.ndarray, least: int) -> OpenSet:
    """Who is known of some labelled pictures.

    People with one picture are unknown. Where those are too few, every second of the others is unknown too, by rising
    number. Of each known person the first picture is in the gallery.

    Args:
        identities: int (N,), the person shown.
        least: pictures of unknown people that are wanted.
    """
    _, first, person, sizes = np.unique(identities, return_index=True, return_inverse=True, return_counts=True)
    known = sizes > 1
    if np.count_nonzero(~known) < least:
        known[np.flatnonzero(known)[1::2]] = False
    of_known = known[person]
    of_known[first] = False
    return OpenSet(identities, first[known], np.flatnonzero(of_known), np.flatnonzero(~known[person]))


@dataclass(frozen=True)
class OpenSetPoint:
    """What one threshold does.

    Attributes:
        threshold: a cosine of at least this names a person.
        fpir, tpir: measured shares, `false_positives` of `unmated` and `true_positives` of `mated` probes.
        fpir_interval: Wilson's, probes as independent. tpir_interval: over people drawn, the threshold found anew on
            each draw.
    """

    threshold: float
    fpir: float
    tpir: float
    false_positives: int
    unmated: int
    true_positives: int
    mated: int
    fpir_interval: tuple[float, float]
    tpir_interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class OpenSetScores:
    """What a search among known and unknown people found.

    Attributes:
        points: by FPIR asked for.
        people: of the gallery.
        resampled: float64 (R, T), TPIR on each draw of people.
        seed: of these draws.
    """

    points: dict[float, OpenSetPoint]
    people: int
    resampled: np.ndarray = field(repr=False)
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`, `open_set`."""
        one = next(iter(self.points.values()))
        return {
            "metrics": {tpir_name(fpir): point.tpir for fpir, point in self.points.items()},
            "intervals": {tpir_name(fpir): list(point.tpir_interval) for fpir, point in self.points.items()},
            "counts": {"known_people": self.people, "known_probes": one.mated, "unknown_probes": one.unmated},
            "open_set": {f"{fpir:g}": point.to_dict() for fpir, point in self.points.items()},
        }


def threshold_at(scores: np.ndarray, fpir: float) -> float:
    """The lowest threshold that at most the share `fpir` of strangers reaches.

    Args:
        scores: float32 (U,), of each stranger's picture the cosine to whom it is most alike.
        fpir: from one stranger's share to below 1.

    Raises:
        DistillError: there are too few strangers to measure it on.
    """
    check_resolution(fpir, max(1, len(scores)), "FPIR", "pictures of unknown people")
    falling = np.sort(scores.astype(np.float32))[::-1]
    return float(np.nextafter(falling[_allowed(fpir, len(scores))], np.float32(np.inf)))


def most_alike(probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Of each probe the cosine to whom it is most alike: float32 (N, D) and (G, D) of unit length to float32 (N,)."""
    best = np.full(len(probes), -np.inf, np.float32)
    for rows in _blocks(len(probes), len(gallery)):
        best[rows] = (probes[rows] @ gallery.T).max(axis=1)
    return best


def evaluate_open_set(
    probes: np.ndarray,
    gallery: np.ndarray,
    who: OpenSet,
    *,
    fpirs: Sequence[float],
    seed: int,
    resamples: int = 1000,
) -> OpenSetScores:
    """Search known and unknown people's pictures in a gallery of the known ones.

    Args:
        probes, gallery: float (N, D), of any length: the same pictures in the same order, by one model or by two that
            share a space.
        who: is shown on them, and who of these is known.
        fpirs: rates for which TPIR is wanted.
        seed: of the people drawn for the intervals.

    Raises:
        DistillError: numbers of pictures or dimensions differ, an embedding is zero or not finite, nobody is known or
            nobody unknown, or an FPIR is below one probe.
    """
    check_dimensions(probes, gallery, "the probes", "the gallery's pictures")
    identities = who.identities
    check_identities(identities, probes, "probes")
    if not len(who.mated) or not len(who.unmated):
        raise DistillError(
            f"evaluation: {len(who.mated)} pictures of known and {len(who.unmated)} of unknown people are searched "
            "for, expected some of both. Evaluate on more people, some of them with two or more pictures."
        )
    asked = unit_embeddings(probes, owner="the model of the probes").astype(np.float32, copy=False)
    known = unit_embeddings(gallery, owner="the model of the gallery").astype(np.float32, copy=False)[who.gallery]
    place = np.searchsorted(identities[who.gallery], identities[who.mated])
    own, others = _own_and_others(asked[who.mated], known, place)
    right = np.where(own > others, own, np.float32(-np.inf))
    strangers = most_alike(asked[who.unmated], known)
    thresholds = [threshold_at(strangers, fpir) for fpir in fpirs]
    resampled = _over_people((right, place), (strangers, identities[who.unmated]), fpirs, seed, resamples)
    points = {}
    for t, (fpir, threshold) in enumerate(zip(fpirs, thresholds, strict=True)):
        true, false = (int(np.count_nonzero(scores >= threshold)) for scores in (right, strangers))
        all_alike = true in (0, len(right))  # draws say nothing then: each person is a case
        people = len(np.unique(place))
        points[fpir] = OpenSetPoint(
            threshold=threshold,
            fpir=false / len(strangers),
            tpir=true / len(right),
            false_positives=false,
            unmated=len(strangers),
            true_positives=true,
            mated=len(right),
            fpir_interval=wilson_interval(false, len(strangers)),
            tpir_interval=wilson_interval(people if true else 0, people)
            if all_alike
            else low_high(percentile_interval(resampled[:, t])),
        )
    return OpenSetScores(points, len(known), resampled, seed)


def _over_people(
    mated: tuple[np.ndarray, np.ndarray],
    unmated: tuple[np.ndarray, np.ndarray],
    fpirs: Sequence[float],
    seed: int,
    resamples: int,
) -> np.ndarray:
    """TPIR over known and unknown people drawn with replacement, float64 (R, T).

    Args:
        mated, unmated: of each probe its score and its person, (M,) and (U,) twice.
    """
    right, known = mated[0], np.unique(mated[1], return_inverse=True)[1]
    order = np.argsort(-unmated[0], kind="stable")
    strangers, unknown = unmated[0][order], np.unique(unmated[1], return_inverse=True)[1][order]
    people, more = int(known.max()) + 1, int(unknown.max()) + 1

    def statistics(counts: np.ndarray) -> np.ndarray:
        weights, of_strangers = counts[:, :people][:, known], counts[:, people:][:, unknown].cumsum(axis=1)
        total, values = weights.sum(axis=1), np.full((len(counts), len(fpirs)), np.nan)
        for t, fpir in enumerate(fpirs):
            allowed = np.floor(fpir * of_strangers[:, -1] + _ROUNDING)
            # the first stranger that is one too many; where a draw has none, nobody is to be refused
            last = np.minimum((of_strangers <= allowed[:, None]).sum(axis=1), len(strangers) - 1)
            found = (weights * (right[None] > strangers[last][:, None])).sum(axis=1)
            values[:, t] = np.where(total > 0, found / np.maximum(total, 1), np.nan)
        return values

    return bootstrap(statistics, people + more, seed=seed, resamples=resamples)


_ROUNDING = 1e-9  # of a rate times a count: 0.29 of 100 is 29


def _allowed(fpir: float, strangers: int) -> int:
    """How many strangers may be named; at least one may not."""
    return min(int(fpir * strangers + _ROUNDING), strangers - 1)


def _own_and_others(probes: np.ndarray, gallery: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines to the probe's own person and to the most alike of the others, float32 (M,) each."""
    own, others = np.empty(len(probes), np.float32), np.empty(len(probes), np.float32)
    for rows in _blocks(len(probes), len(gallery)):
        cosines = probes[rows] @ gallery.T
        each = np.arange(len(cosines))
        own[rows] = cosines[each, place[rows]]
        cosines[each, place[rows]] = -np.inf
        others[rows] = cosines.max(axis=1)
    return own, others


def _blocks(probes: int, people: int) -> list[slice]:
    step = max(1, BLOCK // people)
    return [slice(start, start + step) for start in range(0, probes, step)]
