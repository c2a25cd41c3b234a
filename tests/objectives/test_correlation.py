"""Correlations: Pearson's formula in plain Python, what they are blind to, and rows that do not vary."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from distill.objectives.correlation import correlation_distance, standardized, uncorrelated
from distill.objectives.logits import softmax_kl
from tests.helpers import plain
from tests.helpers.plain import logits

TEMPERATURES = [1.0, 4.0]


def plain_dist(student: list[list[complex]], teacher: list[list[float]], temperature: float) -> complex:
    s, t = ([plain.softmax(row, temperature) for row in rows] for rows in (student, teacher))
    inter = sum(1 - plain.pearson(a, b) for a, b in zip(s, t, strict=True))
    columns = list(zip(zip(*s, strict=True), zip(*t, strict=True), strict=True))
    intra = sum(1 - plain.pearson(a, b) for a, b in columns) / len(columns)
    return temperature**2 * (inter + len(s) * intra)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_dist_equals_the_papers_formula(temperature: float) -> None:
    plain.check(
        lambda s, t: correlation_distance(s, t, temperature),
        lambda s, t: plain_dist(s, t, temperature),
        logits(0),
        logits(1),
    )


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_standardized_kl_equals_the_papers_formula(temperature: float) -> None:
    def expected(student: list[list[complex]], teacher: list[list[float]]) -> complex:
        rows = zip(map(plain.z_scores, student), map(plain.z_scores, teacher), strict=True)
        return sum(plain.softmax_kl(s, t, temperature) for s, t in rows)

    def found(student: Tensor, teacher: Tensor) -> Tensor:
        return softmax_kl(standardized(student), standardized(teacher), temperature)

    plain.check(found, expected, logits(0), logits(1))


def test_standardized_logits_have_mean_0_and_deviation_1() -> None:
    found = standardized(logits(3, classes=120).float() * 7 + 40)
    torch.testing.assert_close(found.mean(dim=1), torch.zeros(6), rtol=0, atol=1e-5)
    torch.testing.assert_close(found.std(dim=1, correction=0), torch.ones(6), rtol=1e-5, atol=0)


def affine(rows: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.rand(len(rows), 1, generator=generator, dtype=rows.dtype) * 5 + 0.1
    return rows * scale + torch.randn(len(rows), 1, generator=generator, dtype=rows.dtype)


def test_rows_that_are_stretched_and_shifted_count_the_same() -> None:
    student, teacher = logits(0), logits(1)
    expected = uncorrelated(student, teacher)
    torch.testing.assert_close(uncorrelated(affine(student, 2), affine(teacher, 3)), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(standardized(affine(student, 2)), standardized(student), rtol=0, atol=1e-12)
    torch.testing.assert_close(uncorrelated(-student, student), torch.full((6,), 2.0).double(), rtol=0, atol=1e-12)


def test_dist_is_blind_to_a_constant_added_to_a_pictures_logits() -> None:
    student, teacher = logits(0), logits(1)
    shift = logits(2, classes=1)
    expected = correlation_distance(student, teacher)
    torch.testing.assert_close(correlation_distance(student + shift, teacher - shift), expected, rtol=0, atol=1e-12)


def test_zero_where_both_agree() -> None:
    teacher = logits(0).float()
    assert torch.equal(correlation_distance(teacher, teacher), torch.zeros(6))
    assert (correlation_distance(logits(1).float(), teacher) > 0.01).all()


def test_the_class_term_is_one_value_of_the_batch() -> None:
    student, teacher = logits(0), logits(1)
    s, t = student.softmax(dim=1), teacher.softmax(dim=1)
    rest = correlation_distance(student, teacher) - uncorrelated(s, t)
    torch.testing.assert_close(rest, uncorrelated(s.T, t.T).mean().expand(6), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    "formula",
    [correlation_distance, lambda s, t: softmax_kl(standardized(s), standardized(t))],
    ids=["dist", "standardized"],
)
def test_confident_networks_and_constant_rows_give_finite_values_and_gradients(
    formula: Callable[[Tensor, Tensor], Tensor], dtype: torch.dtype
) -> None:
    rows = [[60, 0, 0], [0, 60, 0], [0, 60, 60], [0, 0, 0], [0.1, 0.1, 0.1], [-900, 900, 0]]
    networks = torch.tensor(rows, dtype=dtype)
    for shift in range(6):
        student = networks.roll(shift, 0).requires_grad_()
        values = formula(student, networks)
        assert values.dtype == torch.float32 and values.isfinite().all()
        values.sum().backward()
        assert student.grad is not None and student.grad.isfinite().all()


def test_equal_values_have_no_direction_whatever_their_size() -> None:
    """The mean of equal numbers is not always that number; its rounding must not become a direction."""
    for size in (0.1, 1e-12, 1e6):
        rows = torch.full((2, 1001), size, requires_grad=True)
        found = standardized(rows)
        assert torch.equal(found, torch.zeros(2, 1001))
        found.sum().backward()
        assert rows.grad is not None and torch.equal(rows.grad, torch.zeros(2, 1001))


@pytest.mark.parametrize(("size", "spread"), [(1.0, 1e-4), (1e3, 0.1), (1e-3, 1e-16), (0.0, 1e-16)])
def test_what_varies_by_more_than_rounding_has_a_direction(size: float, spread: float) -> None:
    """Of numbers that fp32 holds apart, however small their differences are beside them or beside 1."""
    rows = (size + spread * logits(4)).float()
    if size == 1e-3:
        rows[:, 1:] -= size  # one number far from all others
    wide = rows.double()
    expected = (wide - wide.mean(dim=1, keepdim=True)) / wide.std(dim=1, keepdim=True, correction=0)
    torch.testing.assert_close(standardized(rows), expected.float(), rtol=2e-3, atol=2e-3)


def test_what_has_no_square_in_fp32_has_no_direction() -> None:
    """The true gradient, 1 over the length, would drown the rest of the batch, and rounding would be its direction."""
    rows = (1e-20 * logits(4)).float().requires_grad_()
    found = standardized(rows)
    assert torch.equal(found, torch.zeros(6, 5))
    (found * logits(5)).sum().backward()
    assert rows.grad is not None and torch.equal(rows.grad, torch.zeros(6, 5))


def test_one_picture_teaches_its_own_relations_alone() -> None:
    student, teacher = logits(0, count=1), logits(1, count=1)
    expected = uncorrelated(student.softmax(dim=1), teacher.softmax(dim=1))
    torch.testing.assert_close(correlation_distance(student, teacher), expected, rtol=0, atol=1e-12)
