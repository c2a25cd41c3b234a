"""What two detectors of the same anchors say of each of them, before any box is left out.

Shapes: N pictures, A anchors, C classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.objectives.boxes.classes import quality_focal
from distill.objectives.objective import Answers, check_shapes
from distill.objectives.precision import widened


def anchor_terms(student: Answers, teacher: Answers, certain_from: float) -> tuple[Tensor, Tensor]:
    """How far each anchor's classes, and its place, are from the teacher's: float32 (N,) each.

    Of classes, quality focal loss over all anchors, with the teacher's sigmoids as what they should be: it is 0 where
    both agree, and background that nobody doubts weighs nothing. Of places, smooth L1 of the anchors of which the
    teacher is sure, weighted by its largest score. Both are sums, divided by the number of these anchors, or by 1.

    Args:
        student, teacher: `logits` (N, A, C) and `locations` (N, A, 4).
        certain_from: the largest score from which the teacher is sure of an anchor.

    Raises:
        DistillError: their shapes differ.
    """
    tensors = [widened(answers[name]) for answers in (student, teacher) for name in ("logits", "locations")]  # type: ignore[arg-type]
    logits, locations, teacher_logits, teacher_locations = tensors
    check_shapes(logits, teacher_logits)
    wanted = teacher_logits.sigmoid()
    surest = wanted.amax(dim=2)
    sure = surest >= certain_from
    count = sure.sum(dim=1).clamp(min=1)
    apart = F.smooth_l1_loss(locations, teacher_locations, reduction="none").sum(dim=2)
    return quality_focal(logits, wanted).sum(dim=1) / count, torch.where(sure, surest * apart, 0).sum(dim=1) / count
