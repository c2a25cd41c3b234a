"""The loss of a detector with anchors against boxes that should be found, one value a picture.

Shapes: N pictures, A anchors, C classes, R boxes of all pictures.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.objectives.boxes.classes import ClassLoss, binary, hardest, quality_focal, surest
from distill.objectives.boxes.coder import encode
from distill.objectives.boxes.geometry import overlaps
from distill.objectives.boxes.matching import match
from distill.objectives.boxes.wanted import Wanted
from distill.objectives.objective import Answers
from distill.objectives.precision import widened

ENOUGH = 0.5  # intersection over union from which an anchor takes a box, as in SSD


@dataclass(frozen=True)
class DetectionLoss:
    """SSD's loss (arXiv 1512.02325) with sigmoid scores, and classes that may be anything from 0 to 1.

    Both terms are sums over a picture's anchors, divided by how many of them have a box to find in the batch's mean
    picture, at least by 1: so each box of a batch weighs the same, in a picture of one as in a crowd.

    Attributes:
        class_loss: binary cross-entropy, over the anchors that have a box and over hard negatives; quality_focal, over
            all anchors; plain is binary with the class of the largest score as 1 and others as 0.
        negatives: how many anchors without a box count as background for each that has one, the hardest ones; of a
            picture in which none has, so many in all.
    """

    class_loss: ClassLoss = "binary"
    negatives: float = 3.0

    def __call__(self, student: Answers, wanted: Wanted) -> tuple[Tensor, Tensor]:
        """The terms of classes and of places, float32 (N,) each.

        A student of two stages has found its anchors itself, in each picture others. Where it looked is learnt beside,
        by the same loss: as one class, whose score is the largest of a box.

        Args:
            student: `logits` (N, A, C), `locations` (N, A, 4), and `anchors` (N, A, 4); of a student that proposes
                boxes first also `proposed_logits` (N, B, 1), and `proposed_locations` and `proposed_anchors`
                (N, B, 4).
        """
        classes, places = self._stage(student, "", wanted)
        if "proposed_logits" not in student:
            return classes, places
        anything = replace(wanted, scores=wanted.scores.amax(dim=1, keepdim=True))
        looked, where = self._stage(student, "proposed_", anything)
        return classes + looked, places + where

    def _stage(self, student: Answers, prefix: str, wanted: Wanted) -> tuple[Tensor, Tensor]:
        logits, locations, anchors = (
            widened(student[f"{prefix}{name}"])  # type: ignore[arg-type]
            for name in ("logits", "locations", "anchors")
        )
        if anchors.stride(0) == 0:  # of all pictures alike, and expanded: no copy of them for each box
            shared = overlaps(wanted.boxes, anchors[0])
        else:
            shared = overlaps(wanted.boxes[:, None], anchors[wanted.pictures])[:, 0]
        owners, passed_over = (
            match(torch.where(rows[:, None], shared, 0), wanted.pictures, len(logits), ENOUGH)
            for rows in (wanted.objects, wanted.ignored)
        )
        found = owners < len(wanted.boxes)
        background = ~found & (passed_over == len(wanted.boxes))
        matches = found.sum(dim=1)
        mean = matches.to(logits.dtype).mean().clamp(min=1)

        scores = surest(wanted.scores) if self.class_loss == "plain" else wanted.scores
        target = torch.cat([scores, scores.new_zeros(1, scores.shape[1])])[owners]
        if self.class_loss == "quality_focal":
            classes = torch.where(found | background, quality_focal(logits, target), 0).sum(dim=1)
        else:
            losses = binary(logits, target)
            hard = hardest(losses, background, (matches.clamp(min=1) * self.negatives).long())
            classes = torch.where(found, losses, 0).sum(dim=1) + hard

        whole = wanted.boxes.new_tensor([[0.0, 0.0, 1.0, 1.0]])  # of anchors without a box, whose loss is not taken
        places = encode(torch.cat([wanted.boxes, whole])[owners], anchors)
        apart = F.smooth_l1_loss(locations, places, reduction="none").sum(dim=2)
        sure = torch.cat([wanted.scores.amax(dim=1), wanted.scores.new_zeros(1)])[owners]
        return classes / mean, torch.where(found, sure * apart, 0).sum(dim=1) / mean
