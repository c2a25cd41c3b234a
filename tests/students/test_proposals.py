"""Where a detector of two stages looks: against plain Python, picture by picture."""

import math
import random

import pytest
import torch
from torchvision.ops import box_convert, box_iou

from students.anchors import map_anchors
from students.proposals import CANDIDATES, SAME, THINNEST, propose
from tests.helpers.plain_boxes import overlap

CELL = [(0.2, 0.2), (0.5, 0.3)]
ANCHORS = map_anchors(4, CELL)  # 32


def guessed(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    # Up to a few times their anchor's size and far from it, so that some leave the picture.
    return (
        4 * torch.randn(3, len(ANCHORS), 4, generator=generator),
        torch.randn(3, len(ANCHORS), generator=generator),
    )


def plainly(locations: list[list[float]], sureness: list[float], count: int) -> list[list[float]]:
    boxes = []
    for (dx, dy, dw, dh), (x, y, width, height) in zip(locations, ANCHORS.tolist(), strict=True):
        x, y = x + dx / 10 * width, y + dy / 10 * height
        width, height = width * math.exp(dw / 5), height * math.exp(dh / 5)
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in corners)
        sizes = max(right - left, THINNEST), max(bottom - top, THINNEST)
        boxes.append(((left, top, right, bottom), ((left + right) / 2, (top + bottom) / 2, *sizes)))
    order = sorted(range(len(boxes)), key=lambda number: -sureness[number])
    first, again = [], []
    for place, number in enumerate(order):
        surer = order[:place]
        (again if any(overlap(boxes[other][0], boxes[number][1]) > SAME for other in surer) else first).append(number)
    return [list(boxes[number][1]) for number in sorted([*first, *again][:count])]


@pytest.mark.parametrize("count", [1, 5, 20, 31])
def test_they_are_the_surest_boxes_that_are_not_found_twice(count: int) -> None:
    for seed in range(4):
        locations, sureness = guessed(seed)
        found = propose(locations, sureness, ANCHORS.expand(3, -1, -1), count)
        for picture in range(3):
            expected = plainly(locations[picture].tolist(), sureness[picture].tolist(), count)
            assert found[picture].tolist() == [pytest.approx(box, abs=1e-6) for box in expected]


def test_a_thing_that_many_anchors_found_is_looked_at_once_while_others_wait() -> None:
    """All anchors but four find the same box."""
    random.seed(0)
    wanted = torch.tensor([0.5, 0.5, 0.4, 0.4])
    centres, sizes = (wanted[:2] - ANCHORS[:, :2]) / ANCHORS[:, 2:] * 10, (wanted[2:] / ANCHORS[:, 2:]).log() * 5
    locations = torch.cat([centres, sizes], dim=1)
    apart = random.sample(range(len(ANCHORS)), 4)
    locations[apart] = 0
    sureness = torch.linspace(1, 2, len(ANCHORS))
    sureness[apart] = torch.linspace(-4, -3, 4)
    proposals = box_convert(propose(locations[None], sureness[None], ANCHORS[None], 5)[0], "cxcywh", "xyxy")
    alike = box_iou(proposals, proposals).fill_diagonal_(0)
    assert alike.max() < SAME
    many = box_convert(propose(locations[None], sureness[None], ANCHORS[None], 8)[0], "cxcywh", "xyxy")
    assert (box_iou(many, many).fill_diagonal_(0) > 0.99).any()  # there are no others left


def test_there_are_as_many_as_anchors_where_those_are_fewer() -> None:
    locations, sureness = guessed(0)
    assert propose(locations, sureness, ANCHORS.expand(3, -1, -1), 300).shape == (3, len(ANCHORS), 4)


def test_of_many_anchors_the_surest_are_compared() -> None:
    anchors = map_anchors(20, CELL)  # 800
    assert len(anchors) > CANDIDATES
    sureness = torch.randn(1, len(anchors), generator=torch.Generator().manual_seed(0))
    found = propose(torch.zeros(1, len(anchors), 4), sureness, anchors[None], CANDIDATES)
    taken = sureness[0].argsort(descending=True)[:CANDIDATES].sort().values
    inside = box_convert(box_convert(anchors[taken], "cxcywh", "xyxy").clamp(0, 1), "xyxy", "cxcywh")
    torch.testing.assert_close(found[0], inside)


def test_what_is_nowhere_is_still_a_box() -> None:
    locations = torch.full((1, len(ANCHORS), 4), 1e4)
    proposals = propose(locations, torch.zeros(1, len(ANCHORS)), ANCHORS[None], 10)
    assert proposals.isfinite().all() and (proposals[..., 2:] >= THINNEST).all()
    assert (proposals >= 0).all() and (proposals <= 1).all()
