"""What two detectors say of the same anchors, against plain Python."""

import math

import pytest
import torch
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.boxes.anchors import anchor_terms
from tests.helpers.plain_boxes import cross_entropy, smooth


def answers(seed: int, classes: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "logits": 2 * torch.randn(2, 5, classes, generator=generator, dtype=torch.float64) - 1,
        "locations": torch.randn(2, 5, 4, generator=generator, dtype=torch.float64),
    }


@pytest.mark.parametrize("certain", [0.3, 0.7, 1.0])
def test_terms_are_those_of_each_anchor(certain: float) -> None:
    student, teacher = answers(0), answers(1)
    classes, places = anchor_terms(student, teacher, certain)
    counts = []
    for picture in range(2):
        alike = near = 0.0
        count = 0
        for anchor in range(5):
            wanted = [1 / (1 + math.exp(-z)) for z in teacher["logits"][picture, anchor].tolist()]
            alike += cross_entropy(student["logits"][picture, anchor].tolist(), wanted, focus=2)
            if max(wanted) >= certain:
                count += 1
                pairs = zip(*(one["locations"][picture, anchor].tolist() for one in (student, teacher)), strict=True)
                near += max(wanted) * sum(smooth(x - y) for x, y in pairs)
        assert float(classes[picture]) == pytest.approx(alike / max(count, 1), rel=1e-9)
        assert float(places[picture]) == pytest.approx(near / max(count, 1), rel=1e-9)
        counts.append(count)
    assert any(counts) == (certain < 1)  # the last case has no anchor that is sure


def test_a_student_that_says_the_same_is_done() -> None:
    for term in anchor_terms(answers(0), answers(0), 0.3):
        assert not term.any()


def test_other_classes_are_refused() -> None:
    with pytest.raises(DistillError, match="both need the same outputs"):
        anchor_terms(answers(0), answers(1, classes=4), 0.3)
