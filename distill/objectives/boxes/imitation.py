"""A teacher's boxes as what a student has to find.

Shapes: N pictures, R boxes of all of them, C classes.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.boxes.anchors import anchor_terms
from distill.objectives.boxes.classes import ClassLoss
from distill.objectives.boxes.detection import DetectionLoss
from distill.objectives.boxes.features import map_name, strides_of, uncorrelated
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

    A torch network that teaches may be asked about each view as well, for what it makes its boxes of: maps of features
    in which a mirrored or cut picture is another one.

    Args:
        class_loss: what makes a loss of the teacher's scores: binary, quality_focal, or plain, which takes the class of
            the largest one for certain.
        place_weight: of the places of boxes, beside 1 of their classes.
        certain_from: the score from which a box is an object; those from 0.05 to it are ignored, neither object nor
            background.
        least_visible: the share of its area from which a box that a view cuts is an object; with less it is ignored.
        label_weight: of the same loss with the boxes of the data; 0 needs no labels.
        feature_weight: of one minus the correlation of both networks' maps, the mean over pairs of them; it needs a
            torch teacher, which is asked about each view. 0 asks it about whole pictures alone.
        maps: which maps those are: pairs of the student's stride and the teacher's, such as [[16, 16], [32, 32]]; null
            pairs those of equal stride, in pixels of the picture that each sees.
        anchor_weight: of what both say of each anchor, place_weight included; both need the same anchors. 0 leaves it
            out.
    """

    name: Literal["boxes"] = "boxes"
    class_loss: ClassLoss = "binary"
    place_weight: float = 1.0
    certain_from: float = 0.3
    least_visible: float = 0.3
    label_weight: float = 0.0
    feature_weight: float = 0.0
    maps: tuple[tuple[int, int], ...] | None = None
    anchor_weight: float = 0.0
    compares = "boxes"
    asks_views: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.class_loss not in get_args(ClassLoss):
            raise DistillError(
                f"objective.class_loss is {self.class_loss!r}, expected one of {', '.join(get_args(ClassLoss))}."
            )
        keys = ("place_weight", "label_weight", "feature_weight", "anchor_weight")
        check_weights(**{key: getattr(self, key) for key in keys})
        if self.maps is not None:
            self._check_maps(self.maps)
        for key, share in (("certain_from", self.certain_from), ("least_visible", self.least_visible)):
            if not 0 <= share <= 1:
                raise DistillError(f"objective.{key} is {share}, expected a number from 0 to 1.")

    @property
    def needs_labels(self) -> str | None:
        return f"objective.label_weight is {self.label_weight}" if self.label_weight else None

    @property
    def needs_views(self) -> str | None:
        weights = {"feature_weight": self.feature_weight, "anchor_weight": self.anchor_weight}
        return next((f"objective.{key} is {weight}" for key, weight in weights.items() if weight), None)

    def can_teach(self, teacher: Answers) -> Tensor:
        return torch.stack([values.isfinite().all() for values in teacher.values() if isinstance(values, Tensor)]).all()

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        """Score each picture.

        Args:
            teacher: what it makes its boxes of in these views: maps under the student's names of theirs, with
                `feature_weight`; `logits` and `locations`, with `anchor_weight`. Else it is not looked at.

        Returns:
            float32 (N,) each: `classes`, `places`; `labels`, `features`, `anchors` where they have a weight; `loss`.

        Raises:
            DistillError: a column is missing.
        """
        classes, places = DetectionLoss(self.class_loss)(student, self._wanted(targets))
        parts = {"classes": classes, "places": places, "loss": classes + self.place_weight * places}
        if self.needs_labels:
            labelled = LabelledBoxes(self.place_weight, self.least_visible)
            parts["labels"] = labelled(student, targets, self.needs_labels)["loss"]
            parts["loss"] = parts["loss"] + self.label_weight * parts["labels"]
        if self.feature_weight:
            names = [map_name(stride) for stride in strides_of(teacher)]
            terms = [uncorrelated(student[name], teacher[name]) for name in names]  # type: ignore[arg-type]
            parts["features"] = torch.stack(terms).mean(dim=0)
            parts["loss"] = parts["loss"] + self.feature_weight * parts["features"]
        if self.anchor_weight:
            alike, near = anchor_terms(student, teacher, max(self.certain_from, UNSEEN))
            parts["anchors"] = alike + self.place_weight * near
            parts["loss"] = parts["loss"] + self.anchor_weight * parts["anchors"]
        return parts

    def _check_maps(self, maps: tuple[tuple[int, int], ...]) -> None:
        if not self.feature_weight:
            raise DistillError(
                "objective.maps pairs maps, and objective.feature_weight is 0. Leave it out, or set that."
            )
        students = [own for own, _ in maps]
        if not maps or min(map(min, maps)) < 1 or len(set(students)) < len(students):
            raise DistillError(
                f"objective.maps is {[list(pair) for pair in maps]}, expected pairs of the student's stride, each "
                "once, and the teacher's, such as [[16, 16], [32, 32]]."
            )

    def _wanted(self, targets: Targets) -> Wanted:
        boxes, scores = (
            ragged(targets, name, "objective.name is boxes") for name in ("teacher_boxes", "teacher_scores")
        )
        rows = widened(scores.rows)
        surest = rows.amax(dim=1)
        certain = surest >= max(self.certain_from, UNSEEN)
        return wanted_of(boxes, rows, certain, (surest >= UNSEEN) & ~certain, self.least_visible)
