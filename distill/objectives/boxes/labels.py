"""Boxes that the data says are there.

Shapes: N pictures, C classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from distill.objectives.boxes.detection import DetectionLoss
from distill.objectives.boxes.wanted import ragged, wanted_by_labels
from distill.objectives.objective import Answers, Targets


@dataclass(frozen=True)
class LabelledBoxes:
    """The loss of labels: the columns `boxes`, `box_classes` and `box_ignored` of the data.

    Attributes:
        place_weight: of the places of boxes, beside 1 of their classes.
        least_visible: the share of its area from which a box that a view cuts is an object; with less it is ignored.
    """

    place_weight: float = 1.0
    least_visible: float = 0.3

    def __call__(self, student: Answers, targets: Targets, reason: str) -> dict[str, Tensor]:
        """`classes`, `places` and their weighted sum `loss`, float32 (N,) each; zero where nobody labelled the picture.

        Args:
            reason: who needs labels, for the message.

        Raises:
            DistillError: there are none.
        """
        wanted = wanted_by_labels(targets, student["logits"].shape[2], self.least_visible, reason)  # type: ignore[union-attr]
        known = _labelled(targets, reason)
        classes, places = (torch.where(known, loss, 0) for loss in DetectionLoss()(student, wanted))
        return {"classes": classes, "places": places, "loss": classes + self.place_weight * places}


def _labelled(targets: Targets, reason: str) -> Tensor:
    """bool (N,), the pictures whose boxes are known: one that has none is background only if somebody looked.

    The labels of a picture that came without any are unknown; one that shows a class and has no box is of another set,
    whose boxes are of other classes.
    """
    empty = ragged(targets, "boxes", reason).offsets.diff() == 0
    labels = targets.get("labels")
    if labels is None:
        return empty.new_ones(empty.shape)
    return (labels >= 0).all(dim=1) & ~(empty & (labels > 0).any(dim=1))
