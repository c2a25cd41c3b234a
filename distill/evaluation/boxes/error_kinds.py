"""What a model's errors are, and what AP50 it would have without those of one kind, as TIDE divides them
(arXiv 2008.08115).

Every wrong detection is of the first kind that fits, by its largest overlaps with boxes of its own class and of others
(ignored boxes take no part):

    place       0.1 to 0.5 with one of its own: right, but for where it is
    class       0.5 or more with one of another: right, but for its class
    duplicate   0.5 or more with one of its own that a better detection found
    background  at most 0.1 with any
    both        what is left: 0.1 to 0.5 with one of another class
    missed      a box that none found, nor one of the first two kinds points at

Without its error a detection of the first two kinds is right; if several have found one box by then, the best-scored
stays and the others are gone. Duplicates, background and both are gone, and missed boxes need not be found. What each
kind costs is the AP50 gained by that alone, so costs do not add up to what is missing.

Shapes: N pictures, C classes, D detections, G true boxes; W wrong detections.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from distill.evaluation.bootstrap import mean_over_measured
from distill.evaluation.boxes.boxes import areas_of
from distill.evaluation.boxes.matching import NEITHER, RIGHT, WRONG, Matches
from distill.evaluation.boxes.precision import Ranking, weighed

KINDS = ("class", "place", "both", "duplicate", "background", "missed")
FOUND, NEAR = 0.5, 0.1
_PAIRS = 500_000  # whose overlaps are computed together, a few megabytes


@dataclass(frozen=True)
class ErrorKinds:
    """What the errors of one model are.

    Attributes:
        precision: AP50 as it is.
        counts: from each of `KINDS` to its detections, or boxes.
        costs: from each to the AP50 that would be gained.
    """

    precision: float
    counts: dict[str, int]
    costs: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        kinds = {kind: {"count": self.counts[kind], "cost": self.costs[kind]} for kind in KINDS}
        return {"AP50": self.precision, "kinds": kinds}


def error_kinds(matches: Matches) -> ErrorKinds:
    """Divide the errors of one model."""
    at_half = replace(matches, outcomes=matches.outcomes[:1, :1], truths=matches.truths[:1])
    outcomes = at_half.outcomes[0, 0]
    kinds, pointed_at = _divide(matches, np.flatnonzero(outcomes == WRONG))
    missed = ~matches.labelled.ignored.astype(bool)
    missed[matches.found[outcomes == RIGHT]] = False
    missed[pointed_at[pointed_at >= 0]] = False
    precision = _precision(at_half)
    counts = {kind: int((kinds == number).sum()) for number, kind in enumerate(KINDS)} | {"missed": int(missed.sum())}
    mended = {kind: _without(at_half, kinds == number) for number, kind in enumerate(KINDS[:-1])}
    for kind in ("class", "place"):
        mended[kind] = _corrected(at_half, kinds == KINDS.index(kind), pointed_at)
    mended["missed"] = _not_to_be_found(at_half, missed)
    return ErrorKinds(precision, counts, {kind: _precision(mended[kind]) - precision for kind in KINDS})


def _precision(matches: Matches) -> float:
    once = weighed(np.ones((1, matches.truths.shape[2]), np.int32))
    curves = [Ranking.of(matches, number, 0).curve(once) for number in range(len(matches.classes))]
    return float(mean_over_measured(np.array([[curve.precision.mean() for curve in curves]]))[0])


def _divide(matches: Matches, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of all detections, (D,): which of `KINDS`, -1 for one that is not wrong, and the box that one of the first two
    points at, else -1."""
    own, own_box, other, other_box = _overlaps(matches, wrong)
    conditions = {
        "place": (own >= NEAR) & (own < FOUND),
        "class": other >= FOUND,
        "duplicate": own >= FOUND,
        "background": np.maximum(own, other) <= NEAR,
    }
    numbers = [KINDS.index(kind) for kind in conditions]
    kinds, pointed_at = np.full((2, len(matches.rows)), -1)
    kinds[wrong] = np.select(list(conditions.values()), numbers, KINDS.index("both"))
    pointed_at[wrong] = np.select(list(conditions.values())[:2], [own_box, other_box], -1)
    return kinds, pointed_at


def _overlaps(matches: Matches, wrong: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of wrong detections the largest IoU with a box of their class and that box's number, then with one of another
    class and its number: four of (W,)."""
    labelled = matches.labelled
    rows, pictures = matches.rows[wrong], matches.pictures[wrong]
    most = max(1, int(np.diff(labelled.offsets).max()))
    found = [np.zeros(len(wrong)), np.full(len(wrong), -1), np.zeros(len(wrong)), np.full(len(wrong), -1)]
    step = max(1, _PAIRS // most)
    for part in (slice(start, start + step) for start in range(0, len(wrong), step)):
        numbers = labelled.offsets[pictures[part], None] + np.arange(most)
        there = numbers < labelled.offsets[pictures[part] + 1, None]
        numbers = np.where(there, numbers, 0)
        there &= ~labelled.ignored[numbers].astype(bool)
        overlap = np.where(there, _iou(matches.detected.boxes[rows[part], None], labelled.boxes[numbers]), 0)
        same = labelled.classes[numbers] == matches.detected.classes[rows[part], None]
        for at, kept in ((0, same), (2, ~same)):
            best = np.where(kept, overlap, 0).argmax(axis=1)[:, None]
            found[at][part] = np.take_along_axis(np.where(kept, overlap, 0), best, axis=1)[:, 0]
            found[at + 1][part] = np.take_along_axis(numbers, best, axis=1)[:, 0]
    return tuple(found)


def _iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of boxes (..., 4) that broadcast, float64; 0 of two that have no area."""
    low = np.minimum(first[..., 2:], second[..., 2:]).astype(np.float64)
    shared = (low - np.maximum(first[..., :2], second[..., :2])).clip(min=0).prod(axis=-1)
    areas = [areas_of(boxes.reshape(-1, 4)).reshape(boxes.shape[:-1]) for boxes in (first, second)]
    union = areas[0] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _without(matches: Matches, gone: np.ndarray) -> Matches:
    """With the detections `gone`, bool (D,), counting no more."""
    return replace(matches, outcomes=np.where(gone, np.int8(NEITHER), matches.outcomes))


def _corrected(matches: Matches, errors: np.ndarray, pointed_at: np.ndarray) -> Matches:
    """With each of `errors`, bool (D,), being right of the box it points at, unless a better detection is."""
    outcomes = np.where(errors, np.int8(RIGHT), matches.outcomes[0, 0])
    box = np.where(errors, pointed_at, matches.found)
    scores = matches.detected.scores[matches.rows].astype(np.float64)
    classes = np.where(errors, matches.labelled.classes[box], matches.detected.classes[matches.rows])
    right = np.flatnonzero(outcomes == RIGHT)
    best_first = right[np.lexsort((errors[right], -scores[right]))]
    _, first = np.unique(box[best_first], return_index=True)
    outcomes[right] = NEITHER
    outcomes[best_first[first]] = RIGHT
    order = np.lexsort((matches.pictures, -scores, classes))
    return replace(
        matches,
        pictures=matches.pictures[order],
        places=matches.places[order],
        starts=np.searchsorted(classes[order], np.arange(len(matches.classes) + 1)),
        outcomes=outcomes[order][None, None],
    )


def _not_to_be_found(matches: Matches, boxes: np.ndarray) -> Matches:
    """Without the true boxes `boxes`, bool (G,)."""
    labelled, truths = matches.labelled, matches.truths.copy()
    pictures = np.repeat(np.arange(truths.shape[2]), np.diff(labelled.offsets))
    np.subtract.at(truths[0], (labelled.classes[boxes], pictures[boxes]), 1)
    return replace(matches, truths=truths)
