"""Where to look for objects: from places and scores of many anchors to the few boxes that are looked at.

Of anchors that have found the same thing, one is kept: a box that a surer one overlaps by more than `SAME` is taken
only where too few are left without it. Whether that surer one is kept itself is not asked (Fast NMS, arXiv 1904.02689),
so that all pairs are compared at once: a loop over boxes is no plain graph, and torchvision's does not export.

Shapes: N pictures, A anchors, P candidates, K proposals.
"""

import torch
from torch import Tensor

from distill.objectives.boxes.coder import decode
from distill.objectives.boxes.geometry import overlaps

SAME = 0.7
"""Intersection over union from which two boxes are of one thing, as in Faster-RCNN (arXiv 1506.01497)."""
CANDIDATES = 600
"""Anchors that are compared, the surest."""
THINNEST = 0.01
"""The least width and height of a proposal, as a share of the picture's side: sizes are divided by."""


def propose(locations: Tensor, sureness: Tensor, anchors: Tensor, count: int) -> Tensor:
    """The boxes to look at.

    Args:
        locations: (N, A, 4), how far the box of each anchor is from it.
        sureness: (N, A), larger for an anchor that is surer to have found something.
        anchors: (N, A, 4), centre x, y, width, height as shares of the picture.
        count: K, at most.

    Returns:
        (N, K, 4), centre x, y, width, height, within the picture: as many as there are anchors, where those are fewer.
        They stand in the order of their anchors, so that a runtime that rounds otherwise moves none.
    """
    candidates = min(anchors.shape[1], max(CANDIDATES, count))
    count = min(count, candidates)
    surest = sureness.topk(candidates, dim=1).indices
    boxes = decode(_taken(locations, surest), _taken(anchors, surest)).clamp(0, 1)
    sizes = (boxes[..., 2:] - boxes[..., :2]).clamp(min=THINNEST)
    centred = torch.cat([(boxes[..., 2:] + boxes[..., :2]) / 2, sizes], dim=-1)
    again = (overlaps(boxes, centred) > SAME).to(boxes.dtype).triu(1).amax(dim=1)  # (N, P)
    place = torch.arange(candidates, device=boxes.device, dtype=boxes.dtype)
    chosen = (place + candidates * again).topk(count, dim=1, largest=False).indices
    order = surest.gather(1, chosen).topk(count, dim=1, largest=False).indices  # a sort's shape no graph knows
    return _taken(centred, chosen.gather(1, order))


def _taken(rows: Tensor, numbers: Tensor) -> Tensor:
    """(N, P, 4) of (N, A, 4)."""
    return rows.gather(1, numbers[..., None].expand(-1, -1, rows.shape[-1]))
