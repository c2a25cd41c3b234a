"""Average precision and recall of one class under any number of weightings of the pictures.

With the detections by falling score, precision is the share of right ones so far and recall the share of boxes found so
far. The precision at a recall is the best at that recall or a higher one; AP is its mean over the recalls 0, 0.01 ..
1 (COCO's; 0 where a recall is never reached).

Nothing is matched or sorted again for a weighting: precision is best right after a right detection, so a class is its
right detections (by threshold, end to end, each threshold closed by one that counts nothing) and, before each, how many
others there are. All of it is sums of whole numbers, so that pictures that count once give what is counted once.

Shapes: N pictures, B weightings, T thresholds, 101 recalls; of one class: D detections, M right ones of all thresholds
and the T that close.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from distill.evaluation.boxes.matching import NEITHER, RIGHT, Matches

# As COCO's evaluator computes them, to the last bit.
RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Ranking:
    """One class at one size. A picture's number N stands for none.

    Attributes:
        truths: int (G,), the picture of each box to be found.
        right: int (M,), the picture of each right detection.
        starts: int (T + 1,); threshold t has right detections starts[t] to starts[t + 1], the last of them closing.
        places: int (M,), as those of the matches; `MOST` for one that closes.
        counted: (D',), the picture of each detection that counts at most thresholds.
        before: int (M,), how many of those rank up to a right one.
        others: (E,) pictures, and `signs` (E,): 1 for a detection that counts at a threshold although it does not
            at most of them, -1 for the other way round; by threshold, end to end.
        others_from, others_to: int (M,): which of those of its threshold rank up to a right one.
    """

    truths: np.ndarray
    right: np.ndarray
    starts: np.ndarray
    places: np.ndarray
    counted: np.ndarray
    before: np.ndarray
    others: np.ndarray
    signs: np.ndarray
    others_from: np.ndarray
    others_to: np.ndarray

    @classmethod
    def of(cls, matches: Matches, number: int, size: int) -> Self:
        """Of a class and one of the sizes, by their numbers."""
        rows = matches.of_class(number)
        outcomes = matches.outcomes[size, :, rows]
        nobody = matches.truths.shape[2]
        pictures, places = np.append(matches.pictures[rows], nobody), matches.places[rows]
        thresholds, end = outcomes.shape
        counts = outcomes != NEITHER
        mostly = counts.mean(axis=0) > 0.5
        counted = np.flatnonzero(mostly)
        differs = counts != mostly
        others = [np.flatnonzero(row) for row in differs]
        right = [np.append(np.flatnonzero(row == RIGHT), end) for row in outcomes]
        ends = np.cumsum([0, *map(len, others)])
        all_right, all_others = np.concatenate(right), np.concatenate(others)
        up_to = [np.searchsorted(other, found, side="right") for other, found in zip(others, right, strict=True)]
        lengths = [len(found) for found in right]
        others_from = np.repeat(ends[:-1], lengths)
        return cls(
            truths=np.repeat(np.arange(nobody), matches.truths[size, number]),
            right=pictures[all_right],
            starts=np.cumsum([0, *lengths]),
            places=np.append(places, np.iinfo(np.int64).max)[all_right],
            counted=pictures[counted],
            before=np.searchsorted(counted, all_right, side="right"),
            others=pictures[all_others],
            signs=np.where(counts[np.repeat(np.arange(thresholds), np.diff(ends)), all_others], 1, -1).astype(np.int32),
            others_from=others_from,
            others_to=others_from + np.concatenate(up_to),
        )

    def curve(self, counts: np.ndarray) -> "Curve":
        """Precision against recall.

        Args:
            counts: int32 (B, N + 1), of `weighed`.
        """
        boxes = self._boxes(counts)
        last = self.starts[1:] - 1
        drawn = counts.take(self.right, axis=1)
        hits = drawn.ravel().cumsum(dtype=np.int32).reshape(len(counts), -1)
        # The sum runs on over thresholds and weightings; each starts from where the one before it ended.
        ends = hits[:, last]
        begins = np.concatenate([[0], ends.ravel()[:-1]]).astype(np.int32).reshape(ends.shape)
        # Where nothing was seen, nothing was hit: the value given to 0/0 does not matter.
        precision = (hits - begins.repeat(np.diff(self.starts), axis=1)) / np.maximum(self._seen(counts), 1)
        precision[:, last] = 0
        wanted = begins[..., None] + _hits_at(boxes)[:, None]
        first = _first_with(drawn, wanted)
        row = np.arange(len(counts))[:, None] * hits.shape[1]
        first = first.clip((row + self.starts[:-1])[..., None], (row + last)[..., None])
        best = np.maximum.reduceat(precision.ravel(), first.ravel()).reshape(first.shape)
        best = np.maximum.accumulate(best[..., ::-1], axis=-1)[..., ::-1]
        found = (ends - begins) / np.maximum(boxes, 1)[:, None]
        best[boxes == 0], found[boxes == 0] = np.nan, np.nan
        return Curve(best, found)

    def recall(self, counts: np.ndarray, most: int) -> np.ndarray:
        """The share of boxes that the first `most` detections of a picture found: float64 (B, T), NaN as of a curve."""
        closing = np.zeros(len(self.right), bool)
        closing[self.starts[1:] - 1] = True
        kept = np.flatnonzero((self.places < most) | closing)
        boxes = self._boxes(counts)[:, None]
        hits = counts.take(self.right[kept], axis=1)
        found = np.add.reduceat(hits, np.searchsorted(kept, self.starts[:-1]), axis=1)
        return np.where(boxes > 0, found / np.maximum(boxes, 1), np.nan)

    def _boxes(self, counts: np.ndarray) -> np.ndarray:
        """(B,): boxes to be found."""
        return counts.take(self.truths, axis=1).sum(axis=1)

    def _seen(self, counts: np.ndarray) -> np.ndarray:
        """(B, M): detections that count, up to each right one."""
        seen = _sums(counts.take(self.counted, axis=1)).take(self.before, axis=1)
        if len(self.others):
            others = _sums(counts.take(self.others, axis=1) * self.signs)
            seen += others.take(self.others_to, axis=1) - others.take(self.others_from, axis=1)
        return seen


@dataclass(frozen=True)
class Curve:
    """Precision against recall, NaN where a weighting leaves no box to be found.

    Attributes:
        precision: float64 (B, T, 101), the best at each of `RECALLS` or a higher one.
        recall: float64 (B, T), of all detections.
    """

    precision: np.ndarray
    recall: np.ndarray


def weighed(counts: np.ndarray) -> np.ndarray:
    """Counts of pictures (B, N) as a ranking takes them, int32 (B, N + 1)."""
    return np.pad(counts.astype(np.int32), ((0, 0), (0, 1)))


def _sums(values: np.ndarray) -> np.ndarray:
    """(B, D) to (B, D + 1): the sum of the first d of a row."""
    sums = np.zeros((len(values), values.shape[1] + 1), np.int32)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _first_with(drawn: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where the running sum of whole numbers `drawn`, end to end, first reaches each of `wanted`; their number where it
    never does. What a binary search in that sum finds, by looking it up: with many classes that is most of the work."""
    reached = np.repeat(np.arange(drawn.size), drawn.ravel())  # by each 1 that is added
    return np.concatenate([[0], reached, [drawn.size]]).take(wanted, mode="clip")


def _hits_at(boxes: np.ndarray) -> np.ndarray:
    """int32 (B, 101): how many of `boxes` (B,) have to be found for each recall: the least k with k / boxes >= it."""
    least = np.floor(RECALLS * boxes[:, None])
    return (least + (least / np.maximum(boxes, 1)[:, None] < RECALLS)).astype(np.int32)
