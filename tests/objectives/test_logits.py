"""Each formula recomputed picture by picture in plain Python, and what is known of it in closed form."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from distill.objectives.logits import bernoulli_kl, softmax_kl, squared_logits
from tests.helpers import plain

TEMPERATURES = [0.5, 1.0, 4.0]
Formula = Callable[[Tensor, Tensor], Tensor]
ALL: dict[str, Formula] = {
    "bernoulli_kl": bernoulli_kl,
    "bernoulli_kl, T=3": partial(bernoulli_kl, temperature=3.0),
    "softmax_kl": softmax_kl,
    "softmax_kl, T=3": partial(softmax_kl, temperature=3.0),
    "squared_logits": squared_logits,
}
each_formula = pytest.mark.parametrize("formula", ALL.values(), ids=ALL.keys())


def logits(seed: int, count: int = 6, classes: int = 5, spread: float = 2.0) -> Tensor:
    return torch.randn(count, classes, generator=torch.Generator().manual_seed(seed)) * spread


def gradient(formula: Formula, student: Tensor, teacher: Tensor) -> Tensor:
    student = student.clone().requires_grad_()
    formula(student, teacher).sum().backward()
    assert student.grad is not None
    return student.grad


def plain_bernoulli_kl(student: list[float], teacher: list[float], temperature: float) -> float:
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        p, q = (1 / (1 + math.exp(-z / temperature)) for z in (t, s))
        total += p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    return temperature**2 * total


def plain_softmax_kl(student: list[float], teacher: list[float], temperature: float) -> float:
    def softmax(values: list[float]) -> list[float]:
        powers = [math.exp(value / temperature) for value in values]
        return [power / sum(powers) for power in powers]

    pairs = zip(softmax(teacher), softmax(student), strict=True)
    return temperature**2 * sum(p * math.log(p / q) for p, q in pairs)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize(
    ("formula", "plain"),
    [(bernoulli_kl, plain_bernoulli_kl), (softmax_kl, plain_softmax_kl)],
    ids=["bernoulli", "softmax"],
)
def test_divergences_are_the_formula(
    formula: Callable[..., Tensor], plain: Callable[..., float], temperature: float
) -> None:
    student, teacher = logits(0), logits(1)
    found = formula(student, teacher, temperature)
    assert found.shape == (6,) and found.dtype == torch.float32
    for i in range(6):
        expected = plain(student[i].tolist(), teacher[i].tolist(), temperature)
        assert float(found[i]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_squared_logits_is_the_formula() -> None:
    student, teacher = logits(0), logits(1)
    found = squared_logits(student, teacher)
    assert found.shape == (6,) and found.dtype == torch.float32
    for i in range(6):
        expected = sum((s - t) ** 2 for s, t in zip(student[i].tolist(), teacher[i].tolist(), strict=True))
        assert float(found[i]) == pytest.approx(expected, rel=1e-5)


@each_formula
def test_zero_where_both_agree_and_positive_elsewhere(formula: Formula) -> None:
    teacher = logits(0)
    torch.testing.assert_close(formula(teacher, teacher), torch.zeros(6), rtol=0, atol=1e-5)
    torch.testing.assert_close(gradient(formula, teacher, teacher), torch.zeros(6, 5), rtol=0, atol=1e-5)
    assert (formula(logits(1), teacher) > 0.01).all()


@each_formula
def test_each_picture_is_scored_alone(formula: Formula) -> None:
    together = formula(logits(0), logits(1))
    for i in range(6):
        torch.testing.assert_close(formula(logits(0)[i : i + 1], logits(1)[i : i + 1])[0], together[i])


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize(("found", "expected"), [(softmax_kl, plain.softmax_kl), (bernoulli_kl, plain.bernoulli_kl)])
def test_in_double_precision_to_the_last_digits(
    found: Callable[[Tensor, Tensor, float], Tensor],
    expected: Callable[[plain.Row, plain.Row, float], complex],
    temperature: float,
) -> None:
    plain.check(
        lambda s, t: found(s, t, temperature),
        lambda s, t: sum(expected(*rows, temperature) for rows in zip(s, t, strict=True)),
        logits(0),
        logits(1),
    )


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_gradient_of_bernoulli_kl(temperature: float) -> None:
    student, teacher = logits(0), logits(1)
    found = gradient(partial(bernoulli_kl, temperature=temperature), student, teacher)
    expected = temperature * ((student / temperature).sigmoid() - (teacher / temperature).sigmoid())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_gradient_of_softmax_kl(temperature: float) -> None:
    student, teacher = logits(0), logits(1)
    found = gradient(partial(softmax_kl, temperature=temperature), student, teacher)
    expected = temperature * ((student / temperature).softmax(1) - (teacher / temperature).softmax(1))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_gradients_keep_their_size_when_the_temperature_rises() -> None:
    student, teacher = logits(0), logits(1)
    difference = student - teacher
    # The limits for T to infinity, where a sigmoid has slope 1/4 and a softmax over C classes 1/C.
    limits = {bernoulli_kl: difference / 4, softmax_kl: (difference - difference.mean(dim=1, keepdim=True)) / 5}
    for formula, limit in limits.items():
        found = gradient(partial(formula, temperature=60.0), student, teacher)
        assert (found - limit).norm() < 0.02 * limit.norm()
        for temperature in (2.0, 4.0, 8.0, 16.0):
            ratio = gradient(partial(formula, temperature=temperature), student, teacher).norm() / limit.norm()
            assert 0.6 < float(ratio) < 1.5


def test_values_tend_to_half_the_variance_of_the_difference() -> None:
    student, teacher = logits(0), logits(1)
    difference = student - teacher
    found = bernoulli_kl(student, teacher, 30.0)
    torch.testing.assert_close(found, difference.square().sum(dim=1) / 8, rtol=0.02, atol=1e-3)
    found = softmax_kl(student, teacher, 30.0)
    torch.testing.assert_close(found, difference.var(dim=1, correction=0) / 2, rtol=0.1, atol=1e-3)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_classes_are_summed_not_averaged(temperature: float) -> None:
    student, teacher = logits(0), logits(1)
    twice = student.repeat(1, 2), teacher.repeat(1, 2)
    torch.testing.assert_close(bernoulli_kl(*twice, temperature), 2 * bernoulli_kl(student, teacher, temperature))
    torch.testing.assert_close(squared_logits(*twice), 2 * squared_logits(student, teacher))
    # Half the probability falls on each copy: the sum over both is the old one, a mean would be half of it.
    torch.testing.assert_close(
        softmax_kl(*twice, temperature), softmax_kl(student, teacher, temperature), rtol=1e-4, atol=1e-5
    )


def test_only_softmax_is_blind_to_a_student_too_high_on_everything() -> None:
    teacher = logits(1)
    higher = teacher + 5
    torch.testing.assert_close(softmax_kl(higher, teacher), torch.zeros(6), rtol=0, atol=1e-5)
    assert (bernoulli_kl(higher, teacher) > 1).all()
    torch.testing.assert_close(squared_logits(higher, teacher), torch.full((6,), 5 * 25.0))


@each_formula
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_very_confident_networks_give_finite_values_and_gradients(formula: Formula, dtype: torch.dtype) -> None:
    confident = torch.tensor([[900.0, -900.0, 0.0], [-900.0, 900.0, 60.0], [60.0, -60.0, 1e-3]], dtype=dtype)
    for student in (confident, -confident, torch.zeros_like(confident), confident.flip(1)):
        values = formula(student, confident)
        assert values.dtype == torch.float32 and values.isfinite().all() and (values >= -1e-3).all()
        assert gradient(formula, student.float(), confident).isfinite().all()


def test_a_confident_student_that_is_wrong_pays_in_proportion() -> None:
    # log(sigmoid(-400)) would be -inf; by log-sum-exp each attribute costs the distance of the logits.
    student, teacher = torch.tensor([[-400.0, 400.0]]), torch.tensor([[400.0, -400.0]])
    assert float(bernoulli_kl(student, teacher)) == pytest.approx(800)
    assert float(softmax_kl(student, teacher)) == pytest.approx(800)


@each_formula
def test_half_precision_is_computed_in_single(formula: Formula) -> None:
    student, teacher = logits(0).half(), logits(1).half()
    assert torch.equal(formula(student, teacher), formula(student.float(), teacher.float()))
