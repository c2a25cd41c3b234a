"""How far the classes of each anchor are from what they should be, and from background.

z is a logit, y from 0 to 1 what its sigmoid should be.

Shapes: N pictures, A anchors, C classes.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

ClassLoss = Literal["binary", "quality_focal", "plain"]

FOCUS = 2  # the exponent of quality focal loss, as published


def binary(logits: Tensor, wanted: Tensor) -> Tensor:
    """sum_c of the cross-entropy log(1 + exp(z)) - y z, (...) of (..., C)."""
    return (F.softplus(logits) - wanted * logits).sum(dim=-1)


def quality_focal(logits: Tensor, wanted: Tensor) -> Tensor:
    """sum_c |sigmoid(z) - y|^2 times the same cross-entropy (Generalized Focal Loss, arXiv 2006.04388)."""
    weight = (logits.sigmoid() - wanted).abs().pow(FOCUS)
    return (weight * (F.softplus(logits) - wanted * logits)).sum(dim=-1)


def surest(scores: Tensor) -> Tensor:
    """(R, C), 1 for the class of the largest score, else 0."""
    numbers = torch.arange(scores.shape[1], device=scores.device)
    return (scores.argmax(dim=1, keepdim=True) == numbers).to(scores.dtype)


def hardest(losses: Tensor, candidates: Tensor, counts: Tensor) -> Tensor:
    """The sum of each picture's largest losses: hard negative mining.

    Args:
        losses: (N, A), none negative.
        candidates: bool (N, A), the anchors that may be taken.
        counts: int64 (N,), how many are.

    Returns:
        (N,).
    """
    largest = torch.where(candidates, losses, 0).sort(dim=1, descending=True).values
    taken = torch.arange(losses.shape[1], device=losses.device) < counts[:, None]
    return torch.where(taken, largest, 0).sum(dim=1)
