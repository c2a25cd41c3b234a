"""What a detector has found when it is done: the surest boxes, none of them twice.

Shapes: N pictures, K boxes of an answer, C classes.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from distill.answers.kind import Kind, Tensors
from distill.answers.located import LocatedKind
from distill.answers.suppression import suppressed
from distill.errors import DistillError

MOST = 100
"""Detections of a picture that a teacher gives."""
IOU = 0.6
"""Above which the weaker of two boxes of one class is left out: YOLOX's, and that of TensorFlow's SSD."""


def classes_of(kind: Kind, teacher: str) -> tuple[str, ...]:
    """The classes (C,) that detections are asked of.

    Raises:
        DistillError: other answers are asked for.
    """
    if not isinstance(kind, Detections) or kind.classes is None:
        raise DistillError(f"teacher {teacher}: finds boxes, and this recipe needs {kind.words}. Give another teacher.")
    return kind.classes


def surest(boxes: np.ndarray, scores: np.ndarray, iou: float | None) -> dict[str, np.ndarray]:
    """A detector's answers (N, K, 4) and (N, K, C) as detections: the `MOST` surest, one class each.

    Args:
        iou: of two boxes of a class that overlap by more than this, the less sure is dropped; None drops none.
    """
    found, sureness, classes = suppressed(boxes, scores, 1.0 if iou is None else iou, MOST)
    rows = np.repeat(np.arange(len(boxes)), found.counts)
    places = np.arange(len(rows)) - np.repeat(found.offsets[:-1], found.counts)
    answers = {"boxes": np.zeros((len(boxes), MOST, 4), np.float32)}
    answers["scores"] = np.zeros((len(boxes), MOST, scores.shape[2]), np.float32)
    answers["boxes"][rows, places] = found.rows
    answers["scores"][rows, places, classes.rows] = sureness.rows
    return answers


@dataclass(frozen=True)
class Detections(LocatedKind):
    """float32 `boxes` (N, K, 4), x1, y1, x2, y2 as shares of the picture, and `scores` (N, K, C) from 0 to 1.

    Rows are ordered by their largest score. A box may be of several classes; a row of zeros is none.

    Args:
        classes: their names, in order; None while nobody knows them.
        most: K.
    """

    most: int = MOST

    name: ClassVar[str] = "detections"
    raw: ClassVar[tuple[str, ...]] = ("boxes", "scores")
    words: ClassVar[str] = "the boxes of what was found, and a score of each class for each box"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"boxes": (self.most, 4), "scores": (self.most, len(self.classes or ()))}

    def head(self) -> Any:
        """Refuse: a student gives boxes of its anchors.

        Raises:
            DistillError: always.
        """
        raise DistillError("detections are what a teacher gives; a student is asked for boxes.")

    @classmethod
    def useless(cls, outputs: Tensors) -> str | None:
        if bool(((outputs["scores"] < 0) | (outputs["scores"] > 1)).any()):
            return "scores outside of 0..1"
        return super().useless(outputs)

    def check(self) -> None:
        super().check()
        if not isinstance(self.most, int) or self.most < 1:
            raise DistillError(f"most: {self.most!r}, expected the number of boxes of a picture, at least one.")
