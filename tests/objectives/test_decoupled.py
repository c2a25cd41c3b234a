"""Decoupled distillation: the paper's formula, its identity with the plain divergence, and confident networks."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from distill.objectives.decoupled import decoupled_kl
from distill.objectives.logits import softmax_kl
from tests.helpers import plain
from tests.helpers.plain import logits

CLASSES = torch.tensor([0, 4, 2, 2, 1, 3])
LABELS = F.one_hot(CLASSES).to(torch.int8)


@pytest.mark.parametrize(("temperature", "alpha", "beta"), [(1.0, 1.0, 8.0), (4.0, 0.5, 2.0), (0.5, 1.0, 0.0)])
def test_equals_the_papers_formula(temperature: float, alpha: float, beta: float) -> None:
    def expected(student: list[list[complex]], teacher: list[list[float]]) -> complex:
        rows = zip(student, teacher, CLASSES.tolist(), strict=True)
        return sum(plain.dkd(s, t, target, temperature, alpha, beta) for s, t, target in rows)

    def found(student: Tensor, teacher: Tensor) -> Tensor:
        return decoupled_kl(student, teacher, LABELS, temperature, alpha, beta)

    plain.check(found, expected, logits(0), logits(1))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_weighted_by_the_teachers_doubt_it_is_the_plain_divergence(temperature: float) -> None:
    """Equation 5 of the paper: KL = TCKD + (1 - p_y of the teacher) NCKD."""
    student, teacher = logits(0), logits(1)
    doubt = 1 - (teacher / temperature).softmax(dim=1).gather(1, CLASSES.unsqueeze(1)).squeeze(1)
    sure = decoupled_kl(student, teacher, LABELS, temperature, 1.0, 0.0)
    others = decoupled_kl(student, teacher, LABELS, temperature, 0.0, 1.0)
    torch.testing.assert_close(sure + doubt * others, softmax_kl(student, teacher, temperature), rtol=0, atol=1e-12)


def test_zero_where_both_agree() -> None:
    teacher = logits(0).float()
    torch.testing.assert_close(decoupled_kl(teacher, teacher, LABELS), torch.zeros(6), rtol=0, atol=1e-6)
    shifted = decoupled_kl(teacher + 3, teacher, LABELS)
    torch.testing.assert_close(shifted, torch.zeros(6), rtol=0, atol=1e-5)
    assert (decoupled_kl(logits(1).float(), teacher, LABELS) > 0.01).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("gap", [60.0, 900.0])
def test_confident_networks_give_finite_values_and_gradients(dtype: torch.dtype, gap: float) -> None:
    """Right, wrong, or undecided between two; softmax x mask would leave log 0 of the others."""
    rows = [[gap, 0, 0], [0, gap, 0], [0, gap, gap], [0, 0, 0], [-gap, 0, gap]]
    networks = torch.tensor(rows, dtype=dtype)
    labels = F.one_hot(torch.zeros(5, dtype=torch.int64), 3)
    for shift in range(5):
        student = networks.roll(shift, 0).requires_grad_()
        values = decoupled_kl(student, networks, labels)
        assert values.dtype == torch.float32 and values.isfinite().all() and (values >= -1e-3).all()
        values.sum().backward()
        assert student.grad is not None and student.grad.isfinite().all()


def test_a_confident_student_that_is_wrong_pays_in_proportion() -> None:
    student, teacher = torch.tensor([[-60.0, 0.0, 0.0]]), torch.tensor([[60.0, 0.0, 0.0]])
    labels = torch.tensor([[1, 0, 0]])
    # log odds: -60 - log 2 of the student, 60 - log 2 of the teacher
    assert float(decoupled_kl(student, teacher, labels)) == pytest.approx(60 + math.log(2), rel=1e-6)


def test_two_classes_leave_nothing_but_how_sure() -> None:
    student, teacher = logits(0, classes=2), logits(1, classes=2)
    labels = F.one_hot(torch.tensor([0, 1, 0, 1, 1, 0]))
    expected = 1.5 * softmax_kl(student, teacher)
    torch.testing.assert_close(decoupled_kl(student, teacher, labels, 1.0, 1.5), expected, rtol=0, atol=1e-12)


def test_of_a_mixture_the_larger_share_counts() -> None:
    mixed = 0.7 * LABELS + 0.3 * LABELS.roll(1, 0)
    expected = decoupled_kl(logits(0), logits(1), LABELS)
    torch.testing.assert_close(decoupled_kl(logits(0), logits(1), mixed), expected, rtol=0, atol=0)
