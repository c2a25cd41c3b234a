"""Boxes that the data says are there.

Shapes: N pictures, C classes.
"""

from dataclasses import dataclass

from torch import Tensor

from distill.objectives.boxes.detection import DetectionLoss
from distill.objectives.boxes.wanted import wanted_by_labels
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
        """`classes`, `places` and their weighted sum `loss`, float32 (N,) each.

        Args:
            reason: who needs labels, for the message.

        Raises:
            DistillError: there are none.
        """
        wanted = wanted_by_labels(targets, student["logits"].shape[2], self.least_visible, reason)  # type: ignore[union-attr]
        classes, places = DetectionLoss()(student, wanted)
        return {"classes": classes, "places": places, "loss": classes + self.place_weight * places}
