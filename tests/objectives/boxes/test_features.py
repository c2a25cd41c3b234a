"""Maps of two detectors, against Pearson's correlation in plain Python."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from distill.objectives.boxes.features import map_name, strides_of, uncorrelated


def maps(seed: int, channels: int = 3, side: int = 4) -> Tensor:
    return 5 * torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(seed)).double() + 2


def pearson(a: list[float], b: list[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return both / math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))


def channel(values: Tensor, number: int) -> list[float]:
    return [float(value) for value in values[:, number].flatten()]


def standard(values: list[float]) -> list[float]:
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return [(value - mean) / spread for value in values]


def test_the_mean_over_pictures_is_one_minus_correlation() -> None:
    student, teacher = maps(0), maps(1) + maps(0)
    values = uncorrelated(student, teacher)
    assert values.shape == (2,)
    expected = sum(1 - pearson(channel(student, number), channel(teacher, number)) for number in range(3)) / 3
    assert float(values.mean()) == pytest.approx(expected, rel=1e-6)


def test_each_picture_has_what_its_own_places_add() -> None:
    student, teacher = maps(0), maps(1)
    for picture, value in enumerate(uncorrelated(student, teacher).tolist()):
        total = 0.0
        for number in range(3):
            pairs = zip(standard(channel(student, number)), standard(channel(teacher, number)), strict=True)
            own = list(pairs)[16 * picture : 16 * picture + 16]  # 4 x 4 places of it
            total += sum((x - y) ** 2 for x, y in own) / 16 / 2
        assert value == pytest.approx(total / 3, rel=1e-6)


def test_scale_and_shift_of_a_channel_do_not_count() -> None:
    student = maps(0)
    factors = torch.tensor([0.1, 3.0, 70.0], dtype=torch.float64).view(1, 3, 1, 1)
    assert float(uncorrelated(student, student * factors - 4).abs().max()) < 1e-6
    assert float(uncorrelated(student, -student).mean()) == pytest.approx(2)


def test_a_channel_without_any_pattern_has_a_finite_gradient() -> None:
    """As of ReLU where nothing passes it."""
    student = torch.zeros(2, 3, 4, 4, requires_grad=True)
    loss: Any = uncorrelated(student, maps(1).float()).mean()
    loss.backward()
    assert student.grad is not None and bool(student.grad.isfinite().all())


def test_maps_of_other_sizes_are_brought_to_the_students() -> None:
    student = maps(0, side=4)
    larger = student.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert float(uncorrelated(student, larger).mean()) < 0.1 < float(uncorrelated(student, maps(1, side=8)).mean())


def test_maps_are_known_by_their_strides() -> None:
    answers = {"logits": maps(0), map_name(128): maps(0), map_name(16): maps(0)}
    assert strides_of(answers) == [16, 128]
