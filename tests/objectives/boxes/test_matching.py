"""Which anchor has to find which box, against plain Python and torchvision."""

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_convert, box_iou

from distill.objectives.boxes.geometry import overlaps, visible
from distill.objectives.boxes.matching import match
from students.anchors import grid_anchors
from tests.helpers.plain_boxes import matched, seen

ANCHORS = grid_anchors((5, 3, 2, 1))


def boxes_at_random(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = 0.8 * torch.rand(count, 2, generator=generator)
    return torch.cat([low, low + 0.02 + 0.6 * torch.rand(count, 2, generator=generator)], dim=1)


def found(boxes: Tensor, pictures: Tensor, count: int) -> list[list[int | None]]:
    owners = match(overlaps(boxes, ANCHORS), pictures, count, 0.5)
    return [[None if owner == len(boxes) else int(owner) for owner in row] for row in owners]


def test_the_overlap_is_torchvisions() -> None:
    boxes = boxes_at_random(40, seed=1)
    torch.testing.assert_close(overlaps(boxes, ANCHORS), box_iou(boxes, box_convert(ANCHORS, "cxcywh", "xyxy")))


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_is_matched_as_each_picture_by_itself(seed: int) -> None:
    counts = [3, 0, 1, 8]
    boxes, pictures = boxes_at_random(sum(counts), seed), torch.arange(4).repeat_interleave(torch.tensor(counts))
    wanted = []
    for picture in range(4):
        numbers = (pictures == picture).nonzero()[:, 0].tolist()
        owners = matched(overlaps(boxes[numbers], ANCHORS).tolist(), len(ANCHORS), 0.5)
        wanted.append([None if owner is None else numbers[owner] for owner in owners])
    assert found(boxes, pictures, 4) == wanted
    assert {owner for row in wanted for owner in row} >= set(range(12)) - {None}  # each box has an anchor


def test_a_box_that_no_anchor_is_like_has_the_best_one() -> None:
    thin = torch.tensor([[0.1, 0.5, 0.9, 0.51]])
    shared = overlaps(thin, ANCHORS)[0]
    (owners,) = found(thin, torch.tensor([0]), 1)
    assert shared.max() < 0.5
    assert [number for number, owner in enumerate(owners) if owner == 0] == [int(shared.argmax())]


def test_of_two_boxes_that_want_one_anchor_the_first_has_it() -> None:
    box = boxes_at_random(1, seed=3)
    owners = found(box.repeat(2, 1), torch.tensor([0, 0]), 1)[0]
    assert set(owners) == {None, 0}


def test_no_boxes_and_boxes_that_are_not_to_be_matched() -> None:
    assert found(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), 2) == [[None] * len(ANCHORS)] * 2
    boxes = boxes_at_random(3, seed=4)
    shared = overlaps(boxes, ANCHORS)
    shared[1] = 0
    assert not (match(shared, torch.zeros(3, dtype=torch.long), 1, 0.5) == 1).any()


def test_what_is_seen_of_a_box() -> None:
    boxes = torch.tensor([[0.1, 0.2, 0.3, 0.4], [-0.5, 0.5, 0.5, 1.5], [1.1, 0, 1.2, 1], [0.2, 0.2, 0.2, 0.9]])
    clipped, share = visible(boxes)
    for box, ours, left in zip(boxes.tolist(), clipped.tolist(), share.tolist(), strict=True):
        theirs, part = seen(box)
        assert ours == pytest.approx(theirs) and left == pytest.approx(part)
    assert share.tolist() == pytest.approx([1, 0.25, 0, 0])
