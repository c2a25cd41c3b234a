"""Embedding terms and their gradients recomputed in plain Python float64, and what they do where no direction is."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from distill.objectives.embedding import cosine, squared_embedding, unit

Formula = Callable[[Tensor, Tensor], Tensor]
each_formula = pytest.mark.parametrize("formula", [squared_embedding, cosine])


def embeddings(seed: int, count: int = 6, dimensions: int = 7) -> Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3


def gradient(formula: Formula, student: Tensor, teacher: Tensor) -> Tensor:
    student = student.clone().requires_grad_()
    formula(student, teacher).sum().backward()
    assert student.grad is not None
    return student.grad


def plain_unit(vector: list[float]) -> tuple[list[float], float]:
    length = math.sqrt(math.fsum(x * x for x in vector))
    return [x / length for x in vector], length


def plain_squared(student: list[float], teacher: list[float]) -> tuple[float, list[float]]:
    """sum_d (s_d - t_d)^2, and its gradient 2 (s (s.t) - t) / |student| from 2 (s - t) projected on the sphere."""
    s, length = plain_unit(student)
    t, _ = plain_unit(teacher)
    dot = math.fsum(a * b for a, b in zip(s, t, strict=True))
    value = math.fsum((a - b) ** 2 for a, b in zip(s, t, strict=True))
    return value, [2 * (a * dot - b) / length for a, b in zip(s, t, strict=True)]


def plain_cosine(student: list[float], teacher: list[float]) -> tuple[float, list[float]]:
    """1 - cos, and its gradient (s (s.t) - t) / |student|."""
    (s, length), (t, _) = plain_unit(student), plain_unit(teacher)
    dot = math.fsum(a * b for a, b in zip(s, t, strict=True))
    return 1 - dot, [(a * dot - b) / length for a, b in zip(s, t, strict=True)]


@pytest.mark.parametrize(("formula", "plain"), [(squared_embedding, plain_squared), (cosine, plain_cosine)])
@pytest.mark.parametrize("seed", range(20))
def test_value_and_gradient_are_the_formula_to_1e_12(formula: Formula, plain: Callable[..., object], seed: int) -> None:
    student, teacher = embeddings(seed), embeddings(seed + 100)
    found, slope = formula(student, teacher), gradient(formula, student, teacher)
    assert found.shape == (6,) and found.dtype == slope.dtype == torch.float64
    for i in range(6):
        value, slopes = plain(student[i].tolist(), teacher[i].tolist())  # type: ignore[misc]
        assert float(found[i]) == pytest.approx(value, rel=0, abs=1e-12)
        assert slope[i].tolist() == pytest.approx(slopes, rel=0, abs=1e-12)


@each_formula
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_vectors_cost_exactly_nothing(formula: Formula, dtype: torch.dtype) -> None:
    teacher = embeddings(0).to(dtype)
    assert (formula(teacher, teacher) == 0).all()
    assert (gradient(formula, teacher, teacher) == 0).all()


def test_lengths_cost_nothing_and_opposite_vectors_most() -> None:
    teacher = embeddings(0)
    for formula, most in ((squared_embedding, 4.0), (cosine, 2.0)):
        torch.testing.assert_close(formula(0.25 * teacher, teacher), torch.zeros(6).double(), rtol=0, atol=1e-14)
        torch.testing.assert_close(formula(-8 * teacher, teacher), torch.full((6,), most).double())


def test_dimensions_are_summed_not_averaged() -> None:
    # the same angle in a space of twice the dimensions costs the same; a mean would halve it
    student, teacher = embeddings(0), embeddings(1)
    twice = squared_embedding(student.repeat(1, 2), teacher.repeat(1, 2))
    torch.testing.assert_close(twice, squared_embedding(student, teacher))


@each_formula
def test_near_vectors_keep_their_digits_in_fp32(formula: Formula) -> None:
    # an angle of 1e-4: 1 - s.t in fp32 would be 0 or 6e-8, never 5e-9
    student, teacher = torch.tensor([[1.0, 1e-4]]), torch.tensor([[1.0, 0.0]])
    expected = {squared_embedding: 1e-8, cosine: 5e-9}[formula]
    assert float(formula(student, teacher)[0]) == pytest.approx(expected, rel=1e-3)


@each_formula
@pytest.mark.parametrize("length", [0.0, 1e-30])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_vector_without_direction_moves_nothing_and_spoils_nothing(
    formula: Formula, length: float, dtype: torch.dtype
) -> None:
    student, teacher = embeddings(0).to(dtype), embeddings(1).to(dtype)
    alone = gradient(formula, student[1:], teacher[1:])
    student[0] = length
    assert float(formula(student, teacher)[0]) == pytest.approx(
        {squared_embedding: 1.0, cosine: 0.5}[formula], rel=1e-5
    )
    slope = gradient(formula, student, teacher)
    assert (slope[0] == 0).all()
    assert torch.equal(slope[1:], alone)


@pytest.mark.parametrize(("length", "expected"), [(0.99e-6, 0.0), (1e-6, 1.0), (1.01e-6, 1.0), (1e-3, 1.0)])
def test_a_vector_has_a_direction_from_a_millionth_up(length: float, expected: float) -> None:
    """Ten units of the last place that fp32 keeps of a unit vector: shorter differences of two are rounding."""
    student = torch.tensor([[0.0, length, 0.0]], dtype=torch.float64, requires_grad=True)
    found = unit(student)
    assert found.tolist() == [[0.0, expected, 0.0]]
    found[:, 2].sum().backward()  # turned aside, a vector moves by its own length: the slope is 1 / length
    assert student.grad is not None and float(student.grad[0, 2]) == pytest.approx(expected / length)


def test_unit_vectors_have_length_one() -> None:
    assert torch.linalg.vector_norm(unit(embeddings(0)), dim=1).tolist() == pytest.approx([1.0] * 6, abs=1e-15)


@each_formula
def test_half_precision_is_computed_in_single(formula: Formula) -> None:
    student, teacher = embeddings(0).half(), embeddings(1).half()
    found = formula(student, teacher)
    assert found.dtype == torch.float32
    assert torch.equal(found, formula(student.float(), teacher.float()))
