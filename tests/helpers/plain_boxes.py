"""The loss of a detector in plain Python, picture by picture and anchor by anchor.

A box is x1, y1, x2, y2, an anchor centre x, y, width, height; all are lists of numbers.
"""

import math
from collections.abc import Sequence

Numbers = Sequence[float]


def overlap(box: Numbers, anchor: Numbers) -> float:
    x, y, width, height = anchor
    other = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    wide = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    high = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    own = (box[2] - box[0]) * (box[3] - box[1])
    return wide * high / (own + width * height - wide * high)


def matched(shared: Sequence[Numbers], anchors: int, enough: float) -> list[int | None]:
    """The number of the box that each anchor of one picture has to find.

    Args:
        shared: the overlap of each box with each anchor.
    """
    owners: list[int | None] = []
    for number in range(anchors):
        best = max(range(len(shared)), key=lambda box: (shared[box][number], -box), default=None)
        owners.append(best if best is not None and shared[best][number] >= enough else None)
    for box, row in reversed(list(enumerate(shared))):  # the first of two that want one anchor is the last to write
        if max(row) > 0:
            owners[list(row).index(max(row))] = box
    return owners


def encoded(box: Numbers, anchor: Numbers) -> list[float]:
    x, y, width, height = anchor
    return [
        10 * ((box[0] + box[2]) / 2 - x) / width,
        10 * ((box[1] + box[3]) / 2 - y) / height,
        5 * math.log((box[2] - box[0]) / width),
        5 * math.log((box[3] - box[1]) / height),
    ]


def smooth(difference: float) -> float:
    return 0.5 * difference**2 if abs(difference) < 1 else abs(difference) - 0.5


def cross_entropy(logits: Numbers, wanted: Numbers, focus: float = 0) -> float:
    total = 0.0
    for z, y in zip(logits, wanted, strict=True):
        p = 1 / (1 + math.exp(-z))
        total -= abs(p - y) ** focus * (y * math.log(p) + (1 - y) * math.log(1 - p))
    return total


def seen(box: Numbers) -> tuple[list[float], float]:
    """The box clipped to the picture, and the share of its area that is left."""
    clipped = [min(1.0, max(0.0, edge)) for edge in box]
    area = (box[2] - box[0]) * (box[3] - box[1])
    left = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
    return clipped, left / area if area > 0 else 0.0


def detection(
    logits: Sequence[Numbers],
    locations: Sequence[Numbers],
    anchors: Sequence[Numbers],
    objects: Sequence[tuple[Numbers, Numbers]],
    ignored: Sequence[Numbers],
    class_loss: str = "binary",
) -> tuple[float, float, int]:
    """The sums of classes and of places of one picture, and how many of its anchors have a box to find.

    Args:
        objects: boxes with the score of each class.
        ignored: boxes that are neither objects nor background.
    """
    owners, passed_over = (
        matched([[overlap(box, anchor) for anchor in anchors] for box in boxes], len(anchors), 0.5)
        for boxes in ([box for box, _ in objects], ignored)
    )
    matches = sum(owner is not None for owner in owners)
    classes, places, background = 0.0, 0.0, []
    focus = 2 if class_loss == "quality_focal" else 0
    for number, owner in enumerate(owners):
        if owner is None:
            if passed_over[number] is None:
                background.append(cross_entropy(logits[number], [0.0] * len(logits[number]), focus))
            continue
        box, scores = objects[owner]
        surest = list(scores).index(max(scores))
        wanted = [float(c == surest) for c in range(len(scores))] if class_loss == "plain" else scores
        classes += cross_entropy(logits[number], wanted, focus)
        apart = zip(locations[number], encoded(box, anchors[number]), strict=True)
        places += max(scores) * sum(smooth(found - true) for found, true in apart)
    taken = len(background) if class_loss == "quality_focal" else 3 * max(1, matches)
    classes += sum(sorted(background, reverse=True)[:taken])
    return classes, places, matches


def terms(pictures: Sequence[tuple[float, float, int]]) -> list[tuple[float, float]]:
    """The terms of each picture of a batch: its sums, divided by the matches of the mean picture."""
    mean = max(1, sum(matches for _, _, matches in pictures) / len(pictures))
    return [(classes / mean, places / mean) for classes, places, _ in pictures]
