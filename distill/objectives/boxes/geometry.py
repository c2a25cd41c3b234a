"""Boxes as shares of what is shown: what is seen of them, and how much of two is common to both.

Shapes: R boxes, A anchors.
"""

import torch
from torch import Tensor


def visible(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """What a view shows of boxes that may reach over its edges.

    Args:
        boxes: (R, 4), x1, y1, x2, y2 as shares of the view.

    Returns:
        (R, 4), the boxes clipped to the view; and (R,), the share of each box's area that is left, 0 of one that had
        none or lies outside.
    """
    clipped = boxes.clamp(0, 1)
    before, after = ((part[:, 2:] - part[:, :2]).prod(1) for part in (boxes, clipped))
    return clipped, torch.where(before > 0, after / before, 0)


def corners(anchors: Tensor) -> Tensor:
    """(A, 4), centre x, y, width, height to x1, y1, x2, y2."""
    centres, half = anchors[..., :2], anchors[..., 2:] / 2
    return torch.cat([centres - half, centres + half], dim=-1)


def overlaps(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Intersection over union, (..., R, A), of boxes (..., R, 4) x1, y1, x2, y2 and anchors (..., A, 4) centre x, y,
    width, height."""
    # Side by side: a tensor (R, A, 2) takes five times as long as two of (R, A).
    left, top, right, bottom = boxes[..., None, :].unbind(dim=-1)
    others = [edge[..., None, :] for edge in corners(anchors).unbind(dim=-1)]
    wide = (torch.minimum(right, others[2]) - torch.maximum(left, others[0])).clamp_(min=0)
    high = (torch.minimum(bottom, others[3]) - torch.maximum(top, others[1])).clamp_(min=0)
    both = wide.mul_(high)
    return both / ((right - left) * (bottom - top) + anchors[..., 2:].prod(dim=-1)[..., None, :] - both)
