"""Probabilities go back to logits; the tests of black boxes have what is refused."""

import numpy as np
import pytest
import torch

from distill.answers.logits import CLAMP, to_logits


def test_probabilities_and_logits_are_inverse() -> None:
    logits = np.linspace(-16, 8, 200, dtype=np.float32).reshape(50, 4)
    tensor = torch.from_numpy(logits)
    np.testing.assert_allclose(to_logits(tensor.sigmoid().numpy(), "probabilities", "t"), logits, atol=1e-3)
    back = torch.from_numpy(to_logits(tensor.softmax(dim=1).numpy(), "softmax", "t"))
    torch.testing.assert_close(back.softmax(dim=1), tensor.softmax(dim=1))
    assert to_logits(logits, "logits", "t") is logits


def test_saturated_probabilities_are_clamped() -> None:
    found = to_logits(np.array([[0.0, 1.0, 0.5]], np.float32), "probabilities", "t")
    limit = float(np.log((1 - CLAMP) / CLAMP))
    np.testing.assert_allclose(found, [[-limit, limit, 0.0]], rtol=1e-6)
    assert found.dtype == np.float32
    assert to_logits(np.array([[0.0, 1.0]], np.float32), "softmax", "t")[0, 0] == pytest.approx(np.log(CLAMP))
