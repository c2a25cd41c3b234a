"""The label term recomputed in plain Python; what is unknown costs nothing."""

import cmath
import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from distill.objectives.labels import (
    LABEL_LOSSES,
    bootstrapped_cross_entropy,
    generalized_cross_entropy,
    labelled_cross_entropy,
    softmax_cross_entropy,
)
from tests.helpers import plain

LOGITS = [[0.3, -2.0, 1.5], [4.0, 0.0, -0.7], [1.0, 2.0, 3.0]]
LABELS = [[1.0, 0.0, -1.0], [0.25, -1.0, 1.0], [-1.0, -1.0, -1.0]]


def test_known_attributes_are_summed_and_unknown_ones_skipped() -> None:
    found = labelled_cross_entropy(torch.tensor(LOGITS), torch.tensor(LABELS))
    assert found.shape == (3,) and found.dtype == torch.float32
    for i in range(3):
        expected = 0.0
        for z, y in zip(LOGITS[i], LABELS[i], strict=True):
            if y >= 0:
                p = 1 / (1 + math.exp(-z))
                expected -= y * math.log(p) + (1 - y) * math.log(1 - p)
        assert float(found[i]) == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert float(found[2]) == 0


def test_an_unknown_attribute_moves_nothing() -> None:
    student = torch.tensor(LOGITS, requires_grad=True)
    labels = torch.tensor(LABELS)
    labelled_cross_entropy(student, labels).sum().backward()
    assert student.grad is not None
    assert torch.equal(student.grad == 0, labels < 0)


def test_integer_labels_and_half_precision() -> None:
    labels = torch.tensor([[1, 0, -1], [0, 1, 1]], dtype=torch.int8)
    student = torch.tensor([[500.0, -500.0, 500.0], [500.0, -500.0, 0.0]], dtype=torch.float16)
    found = labelled_cross_entropy(student, labels)
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx([0.0, 1000 + math.log(2)], abs=1e-3)


SHARES = [[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]


def plain_cross_entropy(logits: list[complex], labels: list[float]) -> complex:
    return -sum(y * cmath.log(p) for y, p in zip(labels, plain.softmax(logits), strict=True))


def plain_generalized(logits: list[complex], labels: list[float], q: float) -> complex:
    return sum(y * (1 - p**q) / q for y, p in zip(labels, plain.softmax(logits), strict=True))


def plain_bootstrapped(logits: list[complex], labels: list[float], trust: float) -> complex:
    own = max(range(len(logits)), key=lambda c: logits[c].real)
    believed = [trust * y + (1 - trust) * (c == own) for c, y in enumerate(labels)]
    return plain_cross_entropy(logits, believed)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (softmax_cross_entropy, plain_cross_entropy),
        (generalized_cross_entropy, partial(plain_generalized, q=0.7)),
        (partial(generalized_cross_entropy, q=1.0), partial(plain_generalized, q=1.0)),
        (bootstrapped_cross_entropy, partial(plain_bootstrapped, trust=0.8)),
        (partial(bootstrapped_cross_entropy, trust=0.3), partial(plain_bootstrapped, trust=0.3)),
    ],
)
def test_losses_of_exclusive_classes_equal_the_papers_formulas(
    found: Callable[..., Tensor], expected: Callable[..., complex]
) -> None:
    labels = torch.tensor(SHARES, dtype=torch.float64)
    values = found(torch.tensor(LOGITS).double(), labels)
    assert values.shape == (3,)

    def total(student: list[list[complex]], shares: list[list[float]]) -> complex:
        return sum(expected(s, y) for s, y in zip(student, shares, strict=True))

    plain.check(found, total, torch.tensor(LOGITS), labels)


def test_between_cross_entropy_and_absolute_error() -> None:
    logits, labels = torch.tensor(LOGITS).double(), torch.tensor(SHARES)
    near = generalized_cross_entropy(logits, labels, q=1e-6)
    torch.testing.assert_close(near, softmax_cross_entropy(logits, labels), rtol=1e-4, atol=0)
    error = 1 - (logits.softmax(dim=1) * labels).sum(dim=1)
    torch.testing.assert_close(generalized_cross_entropy(logits, labels, q=1.0), error)


@pytest.mark.parametrize("loss", LABEL_LOSSES.values(), ids=LABEL_LOSSES.keys())
def test_an_unknown_class_moves_nothing(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    student = torch.tensor(LOGITS, requires_grad=True)
    labels = torch.tensor([[1, 0, 0], [-1, -1, -1], [0, 1, 0]], dtype=torch.int8)
    values = loss(student, labels)
    assert float(values[1]) == 0 and (values[[0, 2]] > 0).all()
    values.sum().backward()
    assert student.grad is not None and torch.equal(student.grad[1], torch.zeros(3))
    assert student.grad[[0, 2]].abs().sum(dim=1).min() > 0


@pytest.mark.parametrize("loss", LABEL_LOSSES.values(), ids=LABEL_LOSSES.keys())
def test_a_class_known_in_part_is_unknown(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    student = torch.tensor(LOGITS, requires_grad=True)
    values = loss(student, torch.tensor([[1, -1, 0], [-1, 1, 0], [0, 0, -1]]))
    assert values.tolist() == [0, 0, 0]
    values.sum().backward()
    assert student.grad is not None and torch.equal(student.grad, torch.zeros(3, 3))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("loss", LABEL_LOSSES.values(), ids=LABEL_LOSSES.keys())
def test_confident_networks_that_are_wrong(loss: Callable[[Tensor, Tensor], Tensor], dtype: torch.dtype) -> None:
    student = torch.tensor([[60.0, 0.0, 0.0], [-900.0, 900.0, 0.0]], dtype=dtype, requires_grad=True)
    values = loss(student, torch.tensor([[0, 1, 0], [1, 0, 0]]))
    assert values.dtype == torch.float32 and values.isfinite().all()
    values.sum().backward()
    assert student.grad is not None and student.grad.isfinite().all()


def test_an_absurd_label_moves_a_robust_loss_little() -> None:
    """The gradient of generalised cross-entropy is that of cross-entropy times p_y^q."""
    logits = torch.tensor([[10.0, 0.0, 0.0]])
    wrong, p = torch.tensor([[0, 1, 0]]), logits.softmax(dim=1)[0, 1]
    gradients = []
    for loss in (softmax_cross_entropy, generalized_cross_entropy):
        student = logits.clone().requires_grad_()
        loss(student, wrong).sum().backward()
        assert student.grad is not None
        gradients.append(student.grad)
    torch.testing.assert_close(gradients[1], gradients[0] * p**0.7)
