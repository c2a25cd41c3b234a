"""Which detection found which box: COCO's rule, by its evaluator.

Within a picture and a class the detections choose by falling score, at most 100 of them: each takes the box it overlaps
most among those still free, if intersection over union reaches the threshold. A detection that takes one is right, any
other is wrong.

**Ignored boxes** (VOC's `difficult`, COCO's `iscrowd`) are all given to the evaluator as crowds: a detection that finds
no free box but lies in an ignored one of its class (the intersection over *the detection's own area* reaches the
threshold) counts neither for nor against, and any number of detections may lie in one. COCO's own files mark crowds
alone so; VOC's own evaluator, which takes difficult boxes by intersection over union, is a little stricter.

**Sizes** are areas of boxes in pixels of the source picture (COCO's own are those of its masks): a box of another size
is ignored, and so is a detection of another size that finds nothing.

Shapes: N pictures, C classes, A = 4 sizes, T = 10 thresholds; D detections that are among the first 100 of their class
in their picture.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes, areas_of, check_boxes, picture_of

SIZES = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""Square pixels, both ends included."""

# As COCO's evaluator computes them, to the last bit.
THRESHOLDS = np.linspace(0.5, 0.95, 10)
MOST = 100

RIGHT, WRONG, NEITHER = 1, 0, -1
_TOGETHER = 250  # pictures; the evaluator keeps a dictionary a box


@dataclass(frozen=True)
class Matches:
    """What became of the detections, by class and, within one, by falling score; of equal ones by picture.

    Attributes:
        detected: what was detected, and `labelled`: what is there.
        classes: C names.
        rows: int64 (D,), their numbers among those given.
        pictures: int64 (D,).
        places: int64 (D,), 0 for the best of its class in its picture.
        starts: int64 (C + 1,); class c has detections starts[c] to starts[c + 1].
        outcomes: int8 (A, T, D): RIGHT, WRONG or NEITHER.
        found: int64 (D,), the number of the box that a detection took at the lowest threshold, an ignored one too; -1
            for none.
        truths: int32 (A, C, N), boxes to be found.
    """

    detected: DetectedBoxes
    labelled: TrueBoxes
    classes: tuple[str, ...]
    rows: np.ndarray
    pictures: np.ndarray
    places: np.ndarray
    starts: np.ndarray
    outcomes: np.ndarray
    found: np.ndarray
    truths: np.ndarray

    def of_class(self, number: int) -> slice:
        """The detections of a class."""
        return slice(int(self.starts[number]), int(self.starts[number + 1]))


def match(detected: DetectedBoxes, truths: TrueBoxes, classes: Sequence[str]) -> Matches:
    """Match once; every score, and every resample of one, is counted from this.

    Raises:
        DistillError: the boxes cannot be compared, or there is none to be found.
    """
    check_boxes(detected, truths, len(classes))
    pictures = picture_of(detected.offsets)
    scores = detected.scores.astype(np.float64)
    # In each picture and class by falling score: the evaluator's own order, that of equal scores included.
    order = np.lexsort((-scores, detected.classes, pictures))
    places = _places(pictures[order], detected.classes[order])
    order, places = order[places < MOST], places[places < MOST]
    outcomes, found = _outcomes(detected, truths, order, len(classes))
    by_class = np.lexsort((pictures[order], -scores[order], detected.classes[order]))
    rows = order[by_class]
    return Matches(
        detected=detected,
        labelled=truths,
        classes=tuple(classes),
        rows=rows,
        pictures=pictures[rows],
        places=places[by_class],
        starts=np.searchsorted(detected.classes[rows], np.arange(len(classes) + 1)),
        outcomes=np.ascontiguousarray(outcomes[..., by_class]),
        found=found[by_class],
        truths=_to_be_found(truths, len(classes)),
    )


def _places(pictures: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The place of each row among those of its picture and class, which stand together."""
    rows = np.arange(len(pictures))
    first = np.ones(len(rows), bool)
    first[1:] = (pictures[1:] != pictures[:-1]) | (classes[1:] != classes[:-1])
    return rows - np.maximum.accumulate(np.where(first, rows, 0))


def _to_be_found(truths: TrueBoxes, classes: int) -> np.ndarray:
    """int32 (A, C, N)."""
    pictures, areas = picture_of(truths.offsets), areas_of(truths.boxes)
    counts = np.zeros((len(SIZES), classes, len(truths.offsets) - 1), np.int32)
    for size, (low, high) in enumerate(SIZES.values()):
        kept = (areas >= low) & (areas <= high) & ~truths.ignored.astype(bool)
        np.add.at(counts[size], (truths.classes[kept], pictures[kept]), 1)
    return counts


def _outcomes(
    detected: DetectedBoxes, truths: TrueBoxes, order: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """`Matches.outcomes` and `found` of the detections `order`, which stand by picture and class.

    Only those are handed to the evaluator that share a picture with a box of their class: others find nothing.
    """
    areas = areas_of(detected.boxes[order])
    unfound = np.stack([np.where((areas >= low) & (areas <= high), WRONG, NEITHER) for low, high in SIZES.values()])
    outcomes = np.repeat(unfound[:, None].astype(np.int8), len(THRESHOLDS), axis=1)
    found = np.full(len(order), -1)
    group = picture_of(detected.offsets)[order] * classes + detected.classes[order]
    group_of_truths = picture_of(truths.offsets) * classes + truths.classes
    asked = np.flatnonzero(np.isin(group, group_of_truths))
    for start in range(0, len(truths.offsets) - 1, _TOGETHER):
        low, high = start * classes, (start + _TOGETHER) * classes
        rows = asked[slice(*np.searchsorted(group[asked], (low, high)))]
        there = np.flatnonzero((group_of_truths >= low) & (group_of_truths < high))
        if not len(rows):
            continue
        detections = _annotations(detected.boxes[order[rows]], group[rows], classes)
        for annotation, score in zip(detections, detected.scores[order[rows]].tolist(), strict=True):
            annotation["score"] = score
        boxes = _annotations(truths.boxes[there], group_of_truths[there], classes)
        for annotation, ignored in zip(boxes, truths.ignored[there].tolist(), strict=True):
            annotation["iscrowd"] = int(ignored)
        for size, (taken, ignored) in enumerate(_evaluated(detections, boxes)):
            outcomes[size][:, rows] = np.where(ignored, NEITHER, taken > 0)
            if size == 0:
                found[rows] = np.where(taken[0] > 0, there[taken[0] - 1], -1)
    return outcomes, found


def _annotations(boxes: np.ndarray, group: np.ndarray, classes: int) -> list[dict[str, Any]]:
    """Boxes (R, 4) as COCO has them: x, y, width, height; the first has id 1."""
    places = boxes.astype(np.float64)
    places[:, 2:] -= places[:, :2]
    columns = (places.tolist(), areas_of(boxes).tolist(), (group // classes).tolist(), (group % classes).tolist())
    return [
        {"id": at, "image_id": picture, "category_id": number, "bbox": box, "area": area}
        for at, (box, area, picture, number) in enumerate(zip(*columns, strict=True), 1)
    ]


def _evaluated(
    detections: list[dict[str, Any]], boxes: list[dict[str, Any]]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each size, of detections (D) that stand by picture and class, and by falling score: the ids of the boxes they
    took, 0 for none, and whether they are ignored, both (T, D)."""
    from faster_coco_eval import COCO, COCOeval_faster

    groups = Counter((annotation["image_id"], annotation["category_id"]) for annotation in detections)
    pictures, numbers = sorted({picture for picture, _ in groups}), sorted({number for _, number in groups})
    kept = set(pictures)
    data = COCO(
        {
            "info": {},
            "images": [{"id": picture} for picture in pictures],
            "annotations": [box for box in boxes if box["image_id"] in kept],
            "categories": [{"id": number, "name": str(number)} for number in numbers],
        }
    )
    evaluator = COCOeval_faster(
        data, data.loadRes(detections), "bbox", print_function=_silent, extra_calc=False, separate_eval=True
    )
    evaluator.params.areaRng = [list(size) for size in SIZES.values()]
    evaluator.params.iouThrs = THRESHOLDS
    evaluator.params.maxDets = [MOST]
    evaluator.evaluate()
    lengths = np.array(list(groups.values()))
    starts = np.cumsum(lengths) - lengths
    # What is said of a group stands threshold by threshold.
    of = np.repeat(np.arange(len(lengths)), lengths * len(THRESHOLDS))
    threshold, place = np.divmod(np.arange(len(of)) - len(THRESHOLDS) * starts[of], lengths[of])
    picture_at, number_at = ({value: at for at, value in enumerate(values)} for values in (pictures, numbers))
    for size in range(len(SIZES)):
        states = [
            evaluator._evalImgs_cpp[
                (number_at[number] * len(SIZES) + size) * len(pictures) + picture_at[picture]
            ].__getstate__()
            for picture, number in groups
        ]
        taken = np.zeros((len(THRESHOLDS), len(detections)), np.int64)
        ignored = np.zeros(taken.shape, bool)
        taken[threshold, starts[of] + place] = list(chain.from_iterable(state[0] for state in states))
        ignored[threshold, starts[of] + place] = list(chain.from_iterable(state[4] for state in states))
        yield taken, ignored


def _silent(*_: object) -> None:
    pass
