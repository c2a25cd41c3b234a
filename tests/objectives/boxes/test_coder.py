"""Places of boxes as differences from anchors, by the published formulas, and back."""

import torch

from distill.objectives.boxes.coder import decode, encode
from tests.helpers.plain_boxes import encoded

BOXES = torch.tensor([[0.1, 0.2, 0.5, 0.9], [-0.2, 0.4, 0.1, 0.5], [0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
ANCHORS = torch.tensor([[0.3, 0.5, 0.2, 0.4], [0.1, 0.1, 0.5, 0.1], [0.5, 0.5, 1.0, 1.0]], dtype=torch.float64)


def test_differences_are_those_of_the_formula() -> None:
    wanted = [encoded(box, anchor) for box, anchor in zip(BOXES.tolist(), ANCHORS.tolist(), strict=True)]
    torch.testing.assert_close(encode(BOXES, ANCHORS), torch.tensor(wanted, dtype=torch.float64))


def test_a_box_like_its_anchor_has_no_difference_and_one_moved_by_a_tenth_of_it_has_one() -> None:
    anchor = torch.tensor([0.5, 0.5, 0.2, 0.4])
    moved = torch.tensor([0.42, 0.3, 0.62, 0.7])
    torch.testing.assert_close(encode(moved, anchor), torch.tensor([1.0, 0.0, 0.0, 0.0]), atol=1e-5, rtol=0)
    assert decode(torch.zeros(4), anchor).tolist() == [0.4, 0.3, 0.6, 0.7] or torch.allclose(
        decode(torch.zeros(4), anchor), torch.tensor([0.4, 0.3, 0.6, 0.7])
    )


def test_boxes_come_back() -> None:
    torch.testing.assert_close(decode(encode(BOXES, ANCHORS), ANCHORS), BOXES)
