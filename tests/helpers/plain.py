"""Objectives in plain Python, number by number from the papers, and their exact gradients.

The formulas take complex numbers, so that a step of i h along one logit moves the imaginary part of the result by h
times the derivative, and nothing is subtracted: exact to the last digits, where a difference quotient keeps half.
"""

import cmath
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Row = Sequence[complex]
Formula = Callable[[list[list[complex]], list[list[float]]], complex]

_STEP = 1e-30
TOLERANCE = 1e-10


def softmax(row: Row, temperature: float = 1.0) -> list[complex]:
    powers = [cmath.exp(z / temperature) for z in row]
    return [power / sum(powers) for power in powers]


def kl(first: Row, second: Row) -> complex:
    return sum(p * cmath.log(p / q) for p, q in zip(first, second, strict=True))


def softmax_kl(student: Row, teacher: Row, temperature: float) -> complex:
    return temperature**2 * kl(softmax(teacher, temperature), softmax(student, temperature))


def bernoulli_kl(student: Row, teacher: Row, temperature: float) -> complex:
    both = ([1 / (1 + cmath.exp(-z / temperature)) for z in row] for row in (teacher, student))
    return temperature**2 * sum(kl([p, 1 - p], [q, 1 - q]) for p, q in zip(*both, strict=True))


def dkd(student: Row, teacher: Row, target: int, temperature: float, alpha: float, beta: float) -> complex:
    t, s = softmax(teacher, temperature), softmax(student, temperature)
    sure = kl([t[target], 1 - t[target]], [s[target], 1 - s[target]])
    others = [[p / (1 - row[target]) for c, p in enumerate(row) if c != target] for row in (t, s)]
    return temperature**2 * (alpha * sure + beta * kl(*others))


def pearson(first: Row, second: Row) -> complex:
    a, b = ([x - sum(row) / len(row) for x in row] for row in (first, second))
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product / cmath.sqrt(sum(x * x for x in a)) / cmath.sqrt(sum(y * y for y in b))


def z_scores(row: Row) -> list[complex]:
    mean = sum(row) / len(row)
    deviation = cmath.sqrt(sum((z - mean) ** 2 for z in row) / len(row))
    return [(z - mean) / deviation for z in row]


def check(found: Callable[[Tensor, Tensor], Tensor], expected: Formula, student: Tensor, teacher: Tensor) -> None:
    """The batch's sum and its gradient equal those of a plain formula, in float64."""
    student = student.double().requires_grad_()
    total = found(student, teacher.double()).sum()
    total.backward()
    rows, answers = student.detach().tolist(), teacher.double().tolist()
    assert abs(float(total.detach()) - expected(rows, answers).real) < TOLERANCE
    assert student.grad is not None
    for i, row in enumerate(rows):
        for j in range(len(row)):
            moved = [list(map(complex, one)) for one in rows]
            moved[i][j] += 1j * _STEP
            derivative = expected(moved, answers).imag / _STEP
            assert abs(float(student.grad[i, j]) - derivative) < TOLERANCE, (i, j)


def logits(seed: int, count: int = 6, classes: int = 5, spread: float = 2.0) -> Tensor:
    """float64 (count, classes)."""
    return torch.randn(count, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * spread
