"""The divergence of a teacher's largest logits from answers made by hand; those of the store are tested beside it."""

import math

import pytest
import torch

from distill.objectives.top import TEMPERATURES, TopAnswers, softmax_kl_of_top


def answers(logits: list[float], classes: list[int], log_rest: float) -> TopAnswers:
    kept = torch.tensor([logits]), torch.tensor([classes])
    return TopAnswers(*kept, torch.full((1, len(TEMPERATURES)), log_rest))


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_a_teacher_that_knows_nothing_keeps_the_little_its_class_has(temperature: float) -> None:
    """Of 5,000 equally likely classes one was kept: it has 1 / 5000, and a student certain of it is that far off."""
    count, sure = 5000, 9.0
    teacher = answers([0.0], [3], math.log1p(-1 / count))
    student = torch.zeros(1, count)
    student[0, 3] = sure * temperature
    total = math.exp(sure) + count - 1
    p, q = (1 / count, 1 - 1 / count), (math.exp(sure) / total, (count - 1) / total)
    expected = temperature**2 * sum(one * math.log(one / other) for one, other in zip(p, q, strict=True))
    assert float(softmax_kl_of_top(student, teacher, temperature)) == pytest.approx(expected, rel=1e-4)


def test_a_rest_rounded_to_all_leaves_a_finite_value_and_gradient() -> None:
    """Another program's store may say so: what was kept then counts for a millionth, not for the logarithm of 0."""
    student = torch.tensor([[1.0, 0.0, -1.0, 2.0]], requires_grad=True)
    value = softmax_kl_of_top(student, answers([0.0, -1.0], [0, 2], 0.0))
    value.sum().backward()
    rest = math.log((1 + math.exp(2)) / (math.e + 1 + 1 / math.e + math.exp(2)))
    assert float(value) == pytest.approx(-rest, abs=1e-4)
    assert student.grad is not None and student.grad.isfinite().all()
