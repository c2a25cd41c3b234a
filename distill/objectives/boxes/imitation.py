"""A teacher's boxes as what a student has to find.

Shapes: N pictures, R boxes of all of them, C classes.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from distill.errors import DistillError
from distill.objectives.boxes.classes import ClassLoss
from distill.objectives.boxes.detection import DetectionLoss
from distill.objectives.boxes.labels import LabelledBoxes
from distill.objectives.boxes.wanted import Wanted, ragged, wanted_of
from distill.objectives.objective import Answers, Objective, Targets, check_weights
from distill.objectives.precision import widened

UNSEEN = 0.05
"""Boxes of a smaller score are as if the teacher had not given them."""


@dataclass(frozen=True)
class BoxImitation(Objective):
    """The teacher's boxes of the whole picture, moved into the view, found by the student's own anchors.

    The targets hold them: `teacher_boxes`, and `teacher_scores` with a score for each class. What places cost is
    weighted by the largest score of a box.

    Args:
        class_loss: what makes a loss of the teacher's scores: binary, quality_focal, or plain, which takes the class of
            the largest one for certain.
        place_weight: of the places of boxes, beside 1 of their classes.
        certain_from: the score from which a box is an object; those from 0.05 to it are ignored, neither object nor
            background.
        least_visible: the share of its area from which a box that a view cuts is an object; with less it is ignored.
        label_weight: of the same loss with the boxes of the data; 0 needs no labels.
    """

    name: Literal["boxes"] = "boxes"
    class_loss: ClassLoss = "binary"
    place_weight: float = 1.0
    certain_from: float = 0.3
    least_visible: float = 0.3
    label_weight: float = 0.0
    compares = "boxes"
    asks_views: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.class_loss not in get_args(ClassLoss):
            raise DistillError(
                f"objective.class_loss is {self.class_loss!r}, expected one of {', '.join(get_args(ClassLoss))}."
            )
        check_weights(place_weight=self.place_weight, label_weight=self.label_weight)
        for key, share in (("certain_from", self.certain_from), ("least_visible", self.least_visible)):
            if not 0 <= share <= 1:
                raise DistillError(f"objective.{key} is {share}, expected a number from 0 to 1.")

    @property
    def needs_labels(self) -> str | None:
        return f"objective.label_weight is {self.label_weight}" if self.label_weight else None

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        """Score each picture; `teacher` is not looked at.

        Returns:
            float32 (N,) each: `classes`, `places`, `labels` where they have a weight, and `loss`.

        Raises:
            DistillError: a column is missing.
        """
        classes, places = DetectionLoss(self.class_loss)(student, self._wanted(targets))
        parts = {"classes": classes, "places": places, "loss": classes + self.place_weight * places}
        if self.needs_labels:
            labelled = LabelledBoxes(self.place_weight, self.least_visible)
            parts["labels"] = labelled(student, targets, self.needs_labels)["loss"]
            parts["loss"] = parts["loss"] + self.label_weight * parts["labels"]
        return parts

    def _wanted(self, targets: Targets) -> Wanted:
        boxes, scores = (
            ragged(targets, name, "objective.name is boxes") for name in ("teacher_boxes", "teacher_scores")
        )
        rows = widened(scores.rows)
        surest = rows.amax(dim=1)
        certain = surest >= max(self.certain_from, UNSEEN)
        return wanted_of(boxes, rows, certain, (surest >= UNSEEN) & ~certain, self.least_visible)
