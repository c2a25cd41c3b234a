"""Random boxes, and what pycocotools says of them."""

import contextlib
import io
from dataclasses import replace
from typing import Any

import numpy as np

from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes, picture_of

CLASSES = ("bus", "car", "dog", "owl")
"""Of the last there is never a box."""


def random_set(seed: int, pictures: int = 8) -> tuple[DetectedBoxes, TrueBoxes]:
    """Pictures, some of them without boxes or detections, one in twenty with 400; equal scores and overlaps."""
    random = np.random.default_rng(seed)
    boxes, classes, found, found_classes, scores = [], [], [], [], []
    for _ in range(pictures):
        there = int(random.integers(0, 7)) if random.random() < 0.8 else 0
        corner = random.integers(0, 200, (there, 2))
        box = np.hstack([corner, corner + np.exp(random.uniform(1, 5.3, (there, 2))).round()])
        number = random.integers(0, len(CLASSES) - 1, there)
        tries = int(random.integers(0, 30)) if random.random() < 0.9 else 0
        tries = 400 if random.random() < 0.05 else tries
        if there:
            of = random.integers(0, there, tries)
            moved = random.normal(0, 6, (tries, 4)).round() * (random.random((tries, 1)) < 0.7)
            detected = box[of] + moved
            guess = np.where(random.random(tries) < 0.8, number[of], random.integers(0, len(CLASSES), tries))
        else:
            corner = random.integers(0, 200, (tries, 2))
            detected = np.hstack([corner, corner + random.integers(1, 100, (tries, 2))])
            guess = random.integers(0, len(CLASSES), tries)
        boxes.append(box)
        classes.append(number)
        first, last = detected[:, :2], detected[:, 2:]
        found.append(np.hstack([np.minimum(first, last), np.maximum(first, last)]))
        found_classes.append(guess)
        scores.append(random.random(tries).round(1 if random.random() < 0.5 else 4))
    labelled = np.concatenate(boxes).astype(np.float64)
    return (
        DetectedBoxes(
            np.concatenate(found).astype(np.float64),
            np.concatenate(scores),
            np.concatenate(found_classes),
            np.cumsum([0, *map(len, found)]),
        ),
        TrueBoxes(
            labelled, np.concatenate(classes), random.random(len(labelled)) < 0.2, np.cumsum([0, *map(len, boxes)])
        ),
    )


def without_ties(detected: DetectedBoxes) -> DetectedBoxes:
    """Copies of a picture rank equal scores by picture, and one that counts twice by detection: no score twice."""
    ranks = np.argsort(np.argsort(detected.scores, kind="stable"), kind="stable")
    return replace(detected, scores=ranks / len(ranks))


def repeated(detected: DetectedBoxes, truths: TrueBoxes, times: np.ndarray) -> tuple[DetectedBoxes, TrueBoxes]:
    """The same pictures, each as often as `times` (N,) says: one after the other."""
    pictures = np.repeat(np.arange(len(times)), times)

    def rows(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = [np.arange(offsets[picture], offsets[picture + 1]) for picture in pictures]
        return np.concatenate([np.zeros(0, int), *parts]), np.cumsum([0, *map(len, parts)])

    found, found_offsets = rows(detected.offsets)
    there, offsets = rows(truths.offsets)
    return (
        DetectedBoxes(detected.boxes[found], detected.scores[found], detected.classes[found], found_offsets),
        TrueBoxes(truths.boxes[there], truths.classes[there], truths.ignored[there], offsets),
    )


def pycocotools_says(detected: DetectedBoxes, truths: TrueBoxes) -> tuple[np.ndarray, dict[str, Any]]:
    """Its twelve numbers, NaN for those it gives as -1, and its `eval`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def annotations(boxes: DetectedBoxes | TrueBoxes) -> list[dict[str, Any]]:
        rows = zip(picture_of(boxes.offsets).tolist(), boxes.classes.tolist(), boxes.boxes.tolist(), strict=True)
        return [
            {"image_id": picture, "category_id": number, "bbox": [x, y, right - x, low - y]}
            for picture, number, (x, y, right, low) in rows
        ]

    there, found = annotations(truths), annotations(detected)
    for at, (annotation, ignored) in enumerate(zip(there, truths.ignored.tolist(), strict=True), 1):
        annotation |= {"id": at, "iscrowd": int(ignored), "area": annotation["bbox"][2] * annotation["bbox"][3]}
    for annotation, score in zip(found, detected.scores.tolist(), strict=True):
        annotation["score"] = score
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO()
        data.dataset = {
            "info": {},
            "images": [{"id": picture} for picture in range(len(truths.offsets) - 1)],
            "categories": [{"id": number} for number in range(len(CLASSES))],
            "annotations": there,
        }
        data.createIndex()
        evaluator = COCOeval(data, data.loadRes(found), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return np.where(evaluator.stats < 0, np.nan, evaluator.stats), evaluator.eval
