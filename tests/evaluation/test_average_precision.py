"""Average precision against scikit-learn, and what cannot be measured is refused."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from distill.errors import DistillError
from distill.evaluation.average_precision import average_precision, average_precisions, mean_average_precision, rank
from distill.evaluation.bootstrap import BLOCK

CLASSES = tuple(f"class {c}" for c in range(7))


def random_case(seed: int, levels: int | None, pictures: int = 311) -> tuple[np.ndarray, np.ndarray]:
    """Scores that know a little of the labels; `levels` distinct values where ties are wanted."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((pictures, len(CLASSES))) < np.linspace(0.02, 0.9, len(CLASSES))).astype(np.int8)
    labels[0], labels[1] = 0, 1
    scores = generator.random(labels.shape) + 0.3 * labels
    if levels:
        scores = np.round(scores * levels) / levels
    return scores.astype(np.float32), labels


@pytest.mark.parametrize("levels", [None, 1000, 10, 1])
@pytest.mark.parametrize("seed", range(5))
def test_equals_scikit_learn(seed: int, levels: int | None) -> None:
    scores, labels = random_case(seed, levels)
    result = average_precision(scores, labels, CLASSES)
    expected = [average_precision_score(labels[:, c], scores[:, c]) for c in range(len(CLASSES))]
    np.testing.assert_allclose(result.values, expected, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(result.positives, labels.sum(axis=0))
    np.testing.assert_array_equal(result.negatives, (1 - labels).sum(axis=0))
    mean, missing = mean_average_precision(result.values, CLASSES)
    assert mean == pytest.approx(average_precision_score(labels, scores, average="macro"), abs=1e-9)
    assert missing == ()


def test_by_hand() -> None:
    # falling: + at 0.9 (1/1), - at 0.8, then + and - tied at 0.5: both enter together, 2 of 4
    scores = np.array([[0.5], [0.9], [0.8], [0.5]], dtype=np.float32)
    labels = np.array([[1], [1], [0], [0]], dtype=np.int8)
    assert average_precision(scores, labels, ["smiling"]).values[0] == pytest.approx((1 + 2 / 4) / 2, abs=1e-12)


def test_unknown_labels_are_left_out_of_their_class_only() -> None:
    scores, labels = random_case(3, 10)
    labels[5:60, 2] = -1
    result = average_precision(scores, labels, CLASSES)
    for c in range(len(CLASSES)):
        known = labels[:, c] >= 0
        assert result.values[c] == pytest.approx(average_precision_score(labels[known, c], scores[known, c]), abs=1e-9)
        assert result.positives[c] + result.negatives[c] == known.sum()


def test_a_class_that_cannot_be_measured_is_nan_and_named_and_left_out_of_the_mean() -> None:
    scores, labels = random_case(1, None)
    labels[:, 1], labels[:, 4], labels[:, 6] = 0, 1, -1
    result = average_precision(scores, labels, CLASSES)
    np.testing.assert_array_equal(np.isnan(result.values), [False, True, False, False, True, False, True])
    mean, missing = mean_average_precision(result.values, CLASSES)
    assert missing == ("class 1", "class 4", "class 6")
    assert mean == pytest.approx(np.mean(result.values[[0, 2, 3, 5]]), abs=1e-12)


def test_nothing_measurable_is_refused() -> None:
    with pytest.raises(DistillError, match="none of the 7 classes"):
        mean_average_precision(np.full(7, np.nan), CLASSES)


@pytest.mark.parametrize("levels", [None, 8])
def test_counts_equal_repeated_pictures(levels: int | None) -> None:
    scores, labels = random_case(7, levels)
    counts = np.random.default_rng(0).integers(0, 4, (3, len(labels))).astype(np.int32)
    for c in range(len(CLASSES)):
        values = rank(scores[:, c], labels[:, c]).average_precision(counts)
        for row, value in zip(counts, values, strict=True):
            repeated = np.repeat(np.arange(len(labels)), row)
            expected = average_precision_score(labels[repeated, c], scores[repeated, c])
            assert value == pytest.approx(expected, abs=1e-9)


def plainly(scores: np.ndarray, labels: np.ndarray, row: np.ndarray) -> float:
    """AP of one class under one weighting: the formula, positive by positive, in order of falling score."""
    known = np.flatnonzero(labels != -1)
    order = known[np.argsort(-scores[known], kind="stable")]
    positives = [k for k in order if labels[k] == 1]
    claimed = [int(row[order[scores[order] >= scores[k]]].sum()) for k in positives]
    hits = [int(sum(row[j] for j in positives if scores[j] >= scores[k])) for k in positives]
    drawn, total = row[positives].sum(), row[order].sum()
    if not 0 < drawn < total:
        return math.nan
    precision = np.array(hits) / np.maximum(claimed, 1)
    return float(np.einsum("bp,bp->b", row[positives][None], precision[None])[0] / drawn)


@pytest.mark.parametrize("unknown", [0.0, 0.2])
@pytest.mark.parametrize("levels", [None, 6])
def test_sums_of_groups_are_the_formula_to_the_last_bit(levels: int | None, unknown: float) -> None:
    generator = np.random.default_rng(4)
    scores, labels = random_case(8, levels)
    labels = np.where(generator.random(labels.shape) < unknown, -1, np.where(labels == -1, 0, labels)).astype(np.int8)
    counts = generator.poisson(1, (2 * BLOCK + 3, len(labels))).astype(np.int32)
    counts[0] *= 2**16  # sums that two bytes do not hold
    rankings = [rank(scores[:, c], labels[:, c]) for c in range(len(CLASSES))]
    for some in (counts, counts[1:]):
        expected = [[plainly(scores[:, c], labels[:, c], row) for c in range(len(CLASSES))] for row in some]
        np.testing.assert_array_equal(average_precisions(rankings, some), expected)


def test_counts_that_leave_no_positive_or_no_negative_are_nan() -> None:
    ranking = rank(np.array([0.9, 0.5, 0.1]), np.array([1, 0, 1], dtype=np.int8))
    counts = np.array([[0, 3, 0], [2, 0, 1], [1, 1, 1]], dtype=np.int32)
    np.testing.assert_allclose(ranking.average_precision(counts), [np.nan, np.nan, (1 + 2 / 3) / 2])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused_by_class_and_count(value: float) -> None:
    scores, labels = random_case(0, None)
    scores[[4, 9, 11], 3] = value
    with pytest.raises(DistillError, match=r"'class 3' on 3 of 311 pictures \(1 of 7"):
        average_precision(scores, labels, CLASSES)
    scores[4, 1] = value
    with pytest.raises(DistillError, match=r"'class 1' on 1 of 311 pictures \(2 of 7"):  # the first, not the worst
        average_precision(scores, labels, CLASSES)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.zeros((4, 6)), np.zeros((4, 6), np.int8), r"expected float \(pictures, 7\)"),
        (np.zeros((4, 7), np.uint8), np.zeros((4, 7), np.int8), "uint8"),
        (np.zeros((0, 7)), np.zeros((0, 7), np.int8), "no picture"),
        (np.zeros((4, 7)), np.zeros((5, 7), np.int8), r"labels have shape \(5, 7\)"),
        (np.zeros((4, 7)), np.full((4, 7), 2, np.int8), "28 labels are neither 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(scores: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        average_precision(scores, labels, CLASSES)
