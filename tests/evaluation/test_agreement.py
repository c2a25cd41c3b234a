"""Agreement recomputed picture by picture in plain Python, and against SciPy."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from distill.errors import DistillError
from distill.evaluation.agreement import agreement

CLASSES = ("a", "b", "c", "d")


def probabilities(seed: int, pictures: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).random((pictures, len(CLASSES))).astype(np.float32)


def test_equal_models_agree_wholly() -> None:
    p = probabilities(0)
    p[0] = [0, 1, 0, 1]
    result = agreement(p, p, CLASSES)
    assert (result.mean_absolute_difference, result.bernoulli_kl, result.equal_decisions) == (0, 0, 1)
    assert result.spearman == pytest.approx(1)
    assert result.pictures == 40


def test_formulas_in_plain_python() -> None:
    q, p = probabilities(1), probabilities(2)
    difference = divergence = equal = 0.0
    for student_row, teacher_row in zip(q.tolist(), p.tolist(), strict=True):
        for s, t in zip(student_row, teacher_row, strict=True):
            difference += abs(s - t)
            divergence += t * math.log(t / s) + (1 - t) * math.log((1 - t) / (1 - s))
            equal += (s >= 0.3) == (t >= 0.5)
    result = agreement(q, p, CLASSES, student_thresholds=np.full(4, 0.3))
    assert result.mean_absolute_difference == pytest.approx(difference / (40 * 4))
    assert result.bernoulli_kl == pytest.approx(divergence / 40)
    assert result.equal_decisions == pytest.approx(equal / (40 * 4))


@pytest.mark.parametrize("decimals", [6, 1])
def test_rank_correlation_equals_scipy_with_ties(decimals: int) -> None:
    q, p = np.round(probabilities(1), decimals), np.round(probabilities(2), decimals)
    expected = np.mean([spearmanr(q[:, c], p[:, c]).statistic for c in range(4)])
    assert agreement(q, p, CLASSES).spearman == pytest.approx(expected, abs=1e-12)


def test_a_constant_class_has_no_rank_correlation() -> None:
    q, p = probabilities(1), probabilities(2)
    q[:, 1] = 0.25
    expected = np.mean([spearmanr(q[:, c], p[:, c]).statistic for c in (0, 2, 3)])
    assert agreement(q, p, CLASSES).spearman == pytest.approx(expected, abs=1e-12)
    assert agreement(np.full_like(p, 0.25), p, CLASSES).spearman is None


def test_saturated_probabilities_cost_much_but_not_infinity() -> None:
    p, q = np.ones((1, 4), np.float32), np.zeros((1, 4), np.float32)
    assert agreement(q, p, CLASSES).bernoulli_kl == pytest.approx(4 * 24 * math.log(2), rel=1e-4)


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (probabilities(0)[:30], "30 pictures and the teacher 40"),
        (probabilities(0)[:, :3], "the student gave scores"),
        (probabilities(0) * 4 - 1, "expected probabilities"),
        (np.full((40, 4), np.nan, np.float32), "NaN or infinity for class 'a' on 40 of 40"),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(student: np.ndarray, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        agreement(student, probabilities(0), CLASSES)
