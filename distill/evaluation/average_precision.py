"""Average precision per class: the mean precision over the positives, each taken at its own score.

AP = mean over the positives i of (positives scored at least s_i) / (pictures scored at least s_i),

which is the step-wise sum of precision x gained recall that scikit-learn's `average_precision_score` computes;
pictures of equal score enter together.

A class is sorted once (`Ranking`) and then measured under any number of weightings of the pictures, which is all
the bootstrap needs. Of a weighting it asks only how often the pictures between two positives were drawn: sums, by a
sparse product with all weightings at once, in which a picture costs one addition of B small numbers.

Shapes: N pictures, C classes, B weightings; of one class: n pictures with a known label, P positives, G groups of
pictures, each between two scores of positives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from distill.errors import DistillError
from distill.evaluation.bootstrap import by_blocks
from distill.evaluation.inputs import UNKNOWN, check_finite, check_labels


@dataclass(frozen=True)
class Ranking:
    """The pictures of one class whose label is known, by falling score.

    Attributes:
        pictures: N, those of unknown label included.
        order: (n,) picture numbers by falling score.
        positives: (P,) picture numbers of the positives by falling score.
        cuts: (P,) place in `order` of the last picture that scores as high as each positive.
        positive_cuts: (P,) place in `positives` of the last positive that does.
    """

    pictures: int
    order: np.ndarray
    positives: np.ndarray
    cuts: np.ndarray
    positive_cuts: np.ndarray

    @property
    def measurable(self) -> bool:
        return 0 < len(self.positives) < len(self.order)

    def average_precision(self, counts: np.ndarray) -> np.ndarray:
        """AP where picture n counts `counts[b, n]` times: int32 (B, N) to float64 (B,); see `average_precisions`."""
        return average_precisions([self], counts)[:, 0]

    def weighted(self, counts: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """The same of counts picture by picture, (N, B), and of their sums, (B,)."""
        if not self.measurable:
            return np.full(counts.shape[1], np.nan)
        groups, of_positive = self._groups
        shown = np.ascontiguousarray(counts[self.positives].T, dtype=np.int32)
        hits = shown.cumsum(axis=1, dtype=np.int32)
        seen = np.ascontiguousarray((groups @ counts).T).cumsum(axis=1, dtype=np.int64)
        # where nothing is claimed the positive itself was not drawn, so the value given to 0/0 does not matter
        claimed = np.maximum(seen.take(of_positive, axis=1), 1)
        precision = hits.take(self.positive_cuts, axis=1) / claimed
        total, positives = drawn if self._complete else seen[:, -1], hits[:, -1]
        area = by_blocks(lambda *some: np.einsum("bp,bp->b", *some), shown, precision)
        return np.where((positives > 0) & (positives < total), area / np.maximum(positives, 1), np.nan)

    @property
    def _complete(self) -> bool:
        """Whether every label is known: then no weighting needs the pictures below the last positive."""
        return len(self.order) == self.pictures

    @cached_property
    def _groups(self) -> tuple[csr_matrix, np.ndarray]:
        """0/1 (G, N), the pictures of each group by falling score, and of each positive the last group that scores as
        high, (P,). Unless all labels are known, a last group holds the pictures below all positives."""
        ends, of_positive = np.unique(self.cuts, return_inverse=True)
        last = [] if self._complete else [len(self.order)]
        places = np.concatenate([[0], ends + 1, last]).astype(np.int32)
        order = self.order[: places[-1]]
        ones = np.ones(len(order), np.uint8)
        return csr_matrix((ones, order, places), (len(places) - 1, self.pictures)), of_positive


def average_precisions(rankings: Sequence[Ranking], counts: np.ndarray) -> np.ndarray:
    """AP of each class where picture n counts `counts[b, n]` times.

    Args:
        counts: non-negative int32 (B, N).

    Returns:
        float64 (B, C), NaN where a weighting leaves no positive or no negative.
    """
    drawn = counts.sum(axis=1, dtype=np.int64)  # no sum of some pictures' is larger
    by_picture = np.ascontiguousarray(counts.T, dtype=np.uint16 if drawn.max(initial=0) < 2**16 else np.int64)
    return np.stack([ranking.weighted(by_picture, drawn) for ranking in rankings], axis=1)


def rank(scores: np.ndarray, labels: np.ndarray) -> Ranking:
    """Sort one class: scores (N,), labels (N,) of 1, 0 and -1 (unknown, left out)."""
    known = np.flatnonzero(labels != UNKNOWN)
    order = known[np.argsort(-scores[known], kind="stable")]
    positives = order[labels[order] == 1]
    # negated, falling scores rise, and the last of equal ones is where a search from the right ends
    thresholds = -scores[positives]
    cuts = np.searchsorted(-scores[order], thresholds, side="right") - 1
    positive_cuts = np.searchsorted(thresholds, thresholds, side="right") - 1
    return Ranking(len(scores), order.astype(np.int32), positives, cuts, positive_cuts)


@dataclass(frozen=True)
class AveragePrecision:
    """AP of every class beside what it was measured on.

    Attributes:
        values: float64 (C,), NaN where a class has no positive or no negative.
        positives, negatives: int (C,), pictures whose label is known.
    """

    values: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray


def average_precision(scores: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> AveragePrecision:
    """Average precision of every class, equal to scikit-learn's.

    Args:
        scores: float (N, C), any monotone score: logits and probabilities give the same.
        labels: int8 (N, C): 1 present, 0 absent, -1 unknown; an unknown picture is left out for that class only.
        classes: C names, for messages.

    Raises:
        DistillError: a score is not finite, or the shapes do not fit.
    """
    check_finite(scores, classes)
    check_labels(labels, scores)
    once = np.ones((1, len(scores)), dtype=np.int32)
    values = [rank(scores[:, c], labels[:, c]).average_precision(once)[0] for c in range(len(classes))]
    return AveragePrecision(np.array(values), (labels == 1).sum(axis=0), (labels == 0).sum(axis=0))


def mean_average_precision(values: np.ndarray, classes: Sequence[str]) -> tuple[float, tuple[str, ...]]:
    """mAP over the classes that can be measured, and the names of the others.

    Args:
        values: AP per class (C,), NaN where it cannot be measured.

    Raises:
        DistillError: no class can be measured.
    """
    missing = np.isnan(values)
    if missing.all():
        raise DistillError(
            f"evaluation: none of the {len(classes)} classes has both a positive and a negative picture, so mAP cannot "
            "be measured. Evaluate on a labelled split with more pictures."
        )
    return float(values[~missing].mean()), tuple(name for name, absent in zip(classes, missing, strict=True) if absent)
