"""Errors of each kind by eye and by plain loops, and what they cost by pycocotools on boxes that are mended."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from distill.evaluation.boxes import error_kinds as kinds_of
from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes, picture_of
from distill.evaluation.boxes.error_kinds import KINDS, error_kinds
from distill.evaluation.boxes.matching import RIGHT, WRONG, match
from tests.helpers.box_sets import CLASSES, pycocotools_says, random_set, without_ties


def iou(first: np.ndarray, second: np.ndarray) -> float:
    width, height = (min(first[k + 2], second[k + 2]) - max(first[k], second[k]) for k in (0, 1))
    shared = max(width, 0) * max(height, 0)
    whole = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - shared
    return shared / whole if whole else 0.0


def by_loops(detected: DetectedBoxes, truths: TrueBoxes) -> tuple[dict[int, tuple[str, int]], list[int]]:
    """From each wrong detection to its kind and the box it points at; and the boxes that are missed."""
    matches = match(detected, truths, CLASSES)
    found = dict(zip(matches.rows.tolist(), matches.outcomes[0, 0].tolist(), strict=True))
    taken = dict(zip(matches.rows.tolist(), matches.found.tolist(), strict=True))
    pictures, errors = picture_of(truths.offsets), {}
    missed = set(np.flatnonzero(~truths.ignored).tolist()) - {taken[row] for row in found if found[row] == RIGHT}
    for row, picture in enumerate(picture_of(detected.offsets)):
        if found.get(row) != WRONG:
            continue
        near = {
            box: iou(detected.boxes[row], truths.boxes[box])
            for box in np.flatnonzero((pictures == picture) & ~truths.ignored).tolist()
        }
        own = {box: near[box] for box in near if truths.classes[box] == detected.classes[row]}
        other = {box: near[box] for box in near if box not in own}
        best_own, best_other = max(own, key=own.__getitem__, default=-1), max(other, key=other.__getitem__, default=-1)
        if own and 0.1 <= own[best_own] < 0.5:
            errors[row] = ("place", best_own)
        elif other and other[best_other] >= 0.5:
            errors[row] = ("class", best_other)
        elif own and own[best_own] >= 0.5:
            errors[row] = ("duplicate", -1)
        elif max(near.values(), default=0) <= 0.1:
            errors[row] = ("background", -1)
        else:
            errors[row] = ("both", -1)
    return errors, sorted(missed - {box for _, box in errors.values()})


def mended(
    detected: DetectedBoxes, truths: TrueBoxes, kind: str, errors: dict[int, tuple[str, int]], missed: list[int]
) -> tuple[DetectedBoxes, TrueBoxes]:
    """The boxes that a model without that kind of error would have given, or been asked for."""
    if kind == "missed":
        kept = np.setdiff1d(np.arange(len(truths.boxes)), missed)
        offsets = np.searchsorted(kept, truths.offsets)
        return detected, TrueBoxes(truths.boxes[kept], truths.classes[kept], truths.ignored[kept], offsets)
    of_kind = {row: box for row, (found, box) in errors.items() if found == kind}
    gone = set(of_kind)
    boxes, classes = detected.boxes.copy(), detected.classes.copy()
    matches = match(detected, truths, CLASSES)
    if kind in ("class", "place"):
        right = matches.outcomes[0, 0] == RIGHT
        claims = defaultdict(list)
        for row, box in [*zip(matches.rows[right], matches.found[right], strict=True), *of_kind.items()]:
            claims[int(box)].append(int(row))
        for box, rows in claims.items():
            best = max(rows, key=lambda row: detected.scores[row])
            boxes[best], classes[best] = truths.boxes[box], truths.classes[box]
            gone = (gone | set(rows)) - {best}
    kept = np.setdiff1d(matches.rows, list(gone))  # where some are gone, those beyond the first 100 do not move up
    return (
        DetectedBoxes(boxes[kept], detected.scores[kept], classes[kept], np.searchsorted(kept, detected.offsets)),
        truths,
    )


@pytest.mark.parametrize("seed", [0, 3, 4, 6])
def test_counts_by_loops_and_costs_by_pycocotools(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds_of, "_PAIRS", 50)  # several parts
    detected, truths = random_set(seed, pictures=20)
    detected = replace(without_ties(detected), boxes=detected.boxes + 0.25)  # no overlap is exactly 0.1 or 0.5
    found = error_kinds(match(detected, truths, CLASSES))
    errors, missed = by_loops(detected, truths)
    counts = {kind: sum(other == kind for other, _ in errors.values()) for kind in KINDS} | {"missed": len(missed)}
    assert found.counts == counts
    assert min(counts[kind] for kind in ("class", "place", "duplicate", "background")) > 0
    before = pycocotools_says(detected, truths)[0][1]
    assert found.precision == pytest.approx(before)
    for kind in KINDS:
        after = pycocotools_says(*mended(detected, truths, kind, errors, missed))[0][1]
        assert found.costs[kind] == pytest.approx(after - before, abs=1e-12), kind


def test_one_of_each_by_eye() -> None:
    bus, dog = [0, 0, 100, 100], [200, 0, 300, 100]
    seen = {
        "right": (bus, 0, 0.9),
        "duplicate": ([0, 0, 100, 90], 0, 0.8),
        "class": (dog, 1, 0.7),
        "place": ([200, 0, 230, 100], 2, 0.6),
        "both": ([200, 0, 230, 100], 1, 0.5),
        "background": ([500, 500, 600, 600], 0, 0.4),
    }
    boxes, numbers, scores = zip(*seen.values(), strict=True)
    detected = DetectedBoxes(np.array(boxes, float), np.array(scores), np.array(numbers), np.array([0, 6]))
    there = np.array([bus, dog, [400, 0, 420, 20]], float)
    truths = TrueBoxes(there, np.array([0, 2, 2]), np.zeros(3, bool), np.array([0, 3]))
    found = error_kinds(match(detected, truths, CLASSES))
    assert found.counts == dict.fromkeys(KINDS, 1)
    # Buses are all found before anything wrong; of two dogs none is.
    assert found.precision == 0.5
    # The first dog, once its class (or its place) is right: precision 1 up to recall 0.5, the mean over two classes.
    assert found.costs["class"] == found.costs["place"] == pytest.approx(51 / 101 / 2)
    assert found.costs["background"] == found.costs["both"] == found.costs["duplicate"] == 0
    assert found.to_dict()["kinds"]["missed"] == {"count": 1, "cost": found.costs["missed"]}


def test_nothing_detected_misses_all() -> None:
    _, truths = random_set(1)
    nothing = DetectedBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), np.zeros(9, int))
    found = error_kinds(match(nothing, truths, CLASSES))
    assert found.counts == dict.fromkeys(KINDS[:-1], 0) | {"missed": int((~truths.ignored).sum())}
