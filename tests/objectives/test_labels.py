"""The label term recomputed in plain Python; what is unknown costs nothing."""

import math

import pytest
import torch

from distill.objectives.labels import labelled_cross_entropy

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
