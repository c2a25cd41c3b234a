"""Boxes of a detector with anchors: one for each anchor, before any is suppressed.

Shapes: N pictures, A anchors, C classes.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from torch import Tensor

from distill.answers.detections import Detections
from distill.answers.kind import Kind, Tensors
from distill.answers.located import LocatedKind
from distill.errors import DistillError
from distill.objectives.boxes.coder import decode


@dataclass(frozen=True)
class Boxed:
    """What is asked of a student that finds boxes: its own predictors on several maps of features.

    Attributes:
        classes: C.
    """

    classes: int

    def __post_init__(self) -> None:
        if self.classes < 1:
            raise DistillError(f"student: it is to find boxes of {self.classes} classes, expected at least 1.")

    @property
    def takes(self) -> Literal["pyramid"]:
        return "pyramid"


@dataclass(frozen=True)
class Boxes(LocatedKind):
    """float32 `boxes` (N, A, 4), x1, y1, x2, y2 as shares of the picture, and `scores` (N, A, C) from 0 to 1.

    A network gives how far a box is from each anchor, and its anchors beside, the same for every picture.

    Args:
        classes: their names, in order; None while nobody knows them.
        anchors: A; 0 until a network has been seen.
    """

    anchors: int = 0

    name: ClassVar[str] = "boxes"
    raw: ClassVar[tuple[str, ...]] = ("locations", "logits", "anchors")
    words: ClassVar[str] = "boxes around things, and a score of each class for each box"
    once: ClassVar[type[Kind] | None] = Detections

    def of_outputs(self, outputs: Tensors) -> Self:
        return replace(self, anchors=outputs["logits"].shape[1])

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        places = (self.anchors, 4)
        return {"locations": places, "logits": (self.anchors, len(self.classes or ())), "anchors": places}

    def head(self) -> Boxed:
        return Boxed(len(self.classes or ()))

    def activate(self, outputs: Tensors) -> dict[str, Tensor]:
        boxes = decode(outputs["locations"], outputs["anchors"])
        return {"boxes": boxes, "scores": outputs["logits"].sigmoid()}

    def check(self) -> None:
        super().check()
        if not isinstance(self.anchors, int) or self.anchors < 1:
            raise DistillError(f"anchors: {self.anchors!r}, expected the number of a detector's anchors, at least one.")
