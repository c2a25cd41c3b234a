"""Agreement recomputed picture by picture in plain Python, and against SciPy."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from distill.errors import DistillError
from distill.evaluation.agreement import agreement, class_agreement

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
        (probabilities(0) - 0.5, "the student gave values from .* expected probabilities"),
        (probabilities(0) * 0.1 + 0.95, "the student gave values from .* to 1.05, expected probabilities"),
        (np.full((40, 4), np.nan, np.float32), "NaN or infinity for class 'a' on 40 of 40"),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(student: np.ndarray, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        agreement(student, probabilities(0), CLASSES)


def test_a_probability_at_its_threshold_is_a_yes() -> None:
    p = np.array([[0.25, 0.5, 0.5, 0.5]], np.float32)
    q = np.array([[0.25, 0.75, 0.75, 0.0]], np.float32)
    # yes and yes; yes to 0.5 and no to 0.8; yes and yes; yes and no
    found = agreement(q, p, CLASSES, student_thresholds=np.array([0.25, 0.8, 0.75, 0.1]), teacher_thresholds=0.25)
    assert found.equal_decisions == 0.5
    found = agreement(p, q, CLASSES, student_thresholds=0.5, teacher_thresholds=np.array([0.3, 0.75, 0.8, 0.0]))
    assert found.equal_decisions == 0.75
    assert agreement(p, np.array([[0.5, 0.5, 0.4, 0.4]]), CLASSES).equal_decisions == 0.25


def test_of_exclusive_classes_the_answers_and_the_divergence_in_plain_python() -> None:
    q, p = (values / values.sum(axis=1, keepdims=True) for values in (probabilities(3), probabilities(4)))
    equal = divergence = 0.0
    for student_row, teacher_row in zip(q.tolist(), p.tolist(), strict=True):
        equal += student_row.index(max(student_row)) == teacher_row.index(max(teacher_row))
        divergence += sum(t * math.log(t / s) for s, t in zip(student_row, teacher_row, strict=True))
    found = class_agreement(q, p, CLASSES)
    assert 0 < equal < 40
    assert (found.equal_answers, found.kl, found.pictures) == (equal / 40, pytest.approx(divergence / 40), 40)
    assert class_agreement(p, p, CLASSES).to_dict() == {"equal_answers": 1.0, "kl": 0.0, "pictures": 40}


def test_certain_answers_to_another_class_cost_much_but_not_infinity() -> None:
    p, q = np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32)[[1, 2, 3, 0]]
    found = class_agreement(q, p, CLASSES)
    assert found.equal_answers == 0
    assert found.kl == pytest.approx(24 * math.log(2), rel=1e-4)
