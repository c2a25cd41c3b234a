"""The loss of a detector whose anchors are its own proposals, in each picture others: against plain Python."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from distill.objectives.boxes.detection import DetectionLoss
from distill.objectives.boxes.wanted import Wanted
from students.anchors import grid_anchors
from tests.helpers.plain_boxes import detection, terms

CLASSES = 3
PICTURES = (0, 0, 2, 2, 2, 2)  # whose each box is; the second has none
IGNORED = (1, 4)


def drawn(seed: int, count: int, classes: int) -> dict[str, Tensor]:
    """What three pictures' anchors, `count` each, are given."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(3, count, 2, generator=generator, dtype=torch.float64)
    sizes = 0.1 + 0.5 * torch.rand(3, count, 2, generator=generator, dtype=torch.float64)
    return {
        "logits": 2 * torch.randn(3, count, classes, generator=generator, dtype=torch.float64),
        "locations": 2 * torch.randn(3, count, 4, generator=generator, dtype=torch.float64),
        "anchors": torch.cat([centres, sizes], dim=2),
    }


@pytest.fixture
def wanted() -> Wanted:
    generator = torch.Generator().manual_seed(0)
    low = 0.6 * torch.rand(len(PICTURES), 2, generator=generator, dtype=torch.float64)
    high = low + 0.1 + 0.3 * torch.rand(len(PICTURES), 2, generator=generator, dtype=torch.float64)
    scores = torch.rand(len(PICTURES), CLASSES, generator=generator, dtype=torch.float64)
    ignored = torch.tensor([number in IGNORED for number in range(len(PICTURES))])
    return Wanted(torch.cat([low, high], dim=1), scores, torch.tensor(PICTURES), ~ignored, ignored)


def plainly(student: dict[str, Tensor], wanted: Wanted, class_loss: str) -> list[tuple[float, float]]:
    return terms([picture_alone(student, wanted, picture, class_loss) for picture in range(3)])


def picture_alone(
    student: dict[str, Tensor], wanted: Wanted, picture: int, class_loss: str
) -> tuple[float, float, int]:
    boxes, scores = wanted.boxes.tolist(), wanted.scores.tolist()
    own = [number for number, whose in enumerate(PICTURES) if whose == picture]
    objects = [(boxes[number], scores[number]) for number in own if number not in IGNORED]
    ignored = [boxes[number] for number in own if number in IGNORED]
    parts = (student[name][picture].tolist() for name in ("logits", "locations", "anchors"))
    return detection(*parts, objects, ignored, class_loss)


@pytest.mark.parametrize("class_loss", ["binary", "quality_focal", "plain"])
def test_each_picture_is_matched_with_its_own_anchors(wanted: Wanted, class_loss: Any) -> None:
    student = drawn(1, 20, CLASSES)
    found = DetectionLoss(class_loss)(student, wanted)
    for picture, expected in enumerate(plainly(student, wanted, class_loss)):
        assert [term[picture].item() for term in found] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("class_loss", ["binary", "quality_focal", "plain"])
def test_where_it_looked_is_learnt_beside_as_one_class(wanted: Wanted, class_loss: Any) -> None:
    student, sought = drawn(1, 20, CLASSES), drawn(2, 30, 1)
    both = student | {f"proposed_{name}": values for name, values in sought.items()}
    found = DetectionLoss(class_loss)(both, wanted)
    anything = replace(wanted, scores=torch.tensor([[max(scores)] for scores in wanted.scores.tolist()]).double())
    stages = zip(plainly(student, wanted, class_loss), plainly(sought, anything, class_loss), strict=True)
    for picture, parts in enumerate(stages):
        expected = [sum(pair) for pair in zip(*parts, strict=True)]
        assert [term[picture].item() for term in found] == pytest.approx(expected)


def test_anchors_of_all_pictures_alike_may_be_expanded_or_repeated(wanted: Wanted) -> None:
    anchors = grid_anchors((4, 2, 1)).double()
    student = drawn(1, len(anchors), CLASSES) | {"anchors": anchors.expand(3, -1, -1)}
    repeated = student | {"anchors": anchors.repeat(3, 1, 1)}
    assert student["anchors"].stride(0) == 0 != repeated["anchors"].stride(0)
    for one, other in zip(DetectionLoss()(student, wanted), DetectionLoss()(repeated, wanted), strict=True):
        assert torch.equal(one, other)


def test_pictures_without_any_box_are_background(wanted: Wanted) -> None:
    none = Wanted(*(values[:0] for values in (wanted.boxes, wanted.scores, wanted.pictures)), *2 * [wanted.ignored[:0]])
    both = drawn(1, 20, CLASSES) | {f"proposed_{name}": values for name, values in drawn(2, 30, 1).items()}
    classes, places = DetectionLoss()(both, none)
    assert (classes > 0).all() and not places.any()
