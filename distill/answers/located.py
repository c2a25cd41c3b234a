"""What kinds share that say where things are: boxes, and a score for each class of each of them.

Shapes: N pictures, K boxes of an answer, C classes.
"""

from abc import ABC
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from distill.answers.drawing import drawn
from distill.answers.kind import Arrays, Kind
from distill.answers.labelled import NO_LOGIT, check_names
from distill.answers.suppression import suppressed

SHOWN_FROM = 0.3
"""The score from which a box is written into a table, or drawn."""


@dataclass(frozen=True)
class LocatedKind(Kind, ABC):
    """float32 `boxes` (N, K, 4), x1, y1, x2, y2 as shares of the picture, and `scores` (N, K, C) from 0 to 1.

    Args:
        classes: their names, in order; None while nobody knows them.
    """

    classes: tuple[str, ...] | None = None

    tensors: ClassVar[tuple[str, ...]] = ("boxes", "scores")
    hub_task: ClassVar[tuple[str, str]] = ("object-detection", "object detection")
    page: ClassVar[Path | None] = Path(__file__).with_name("boxes.js")
    template: ClassVar[Path] = Path(__file__).with_name("boxes.md")
    reading: ClassVar[str] = """\
import json

from PIL import ImageDraw

names = json.load(open("student/config.json", encoding="utf-8"))["classes"]
draw, kept = ImageDraw.Draw(picture), []
for k, c in sorted(np.argwhere(scores[0] >= 0.3), key=lambda place: -scores[0][tuple(place)]):
    box, others = boxes[0, k], np.reshape([boxes[0, j] for j, d in kept if d == c], (-1, 4))
    both = np.clip(np.minimum(box, others)[:, 2:] - np.maximum(box, others)[:, :2], 0, None).prod(axis=1)
    either = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod() - both
    if (both <= 0.6 * either).all():  # no surer box of its class is at its place
        kept.append((k, c))
        left, top, right, bottom = (float(edge) for edge in box * [*picture.size, *picture.size])
        draw.rectangle((left, top, right, bottom), outline="red")
        draw.text((left + 2, top), f"{names[c]} {scores[0, k, c]:.2f}", fill="red")
picture.save("boxes.png")
"""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self.classes

    def called(self, classes: tuple[str, ...] | None) -> Self:
        return replace(self, classes=classes)

    def check(self) -> None:
        check_names(self.classes)

    def before_activation(self, answers: Arrays) -> np.ndarray:
        """Boxes, and the logits of scores."""
        p = np.clip(answers["scores"].astype(np.float64), NO_LOGIT, 1 - NO_LOGIT)
        parts = answers["boxes"].astype(np.float64), np.log(p / (1 - p))
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    def sureness(self, answers: Arrays) -> np.ndarray | None:
        """The largest score in each picture."""
        return np.asarray(answers["scores"].max(axis=(1, 2)))

    def heading(self) -> list[str]:
        return ["class", "score", "x1", "y1", "x2", "y2"]

    def rows(self, answers: Arrays) -> list[list[str]]:
        """A row for each thing found, the surest first; its edges as shares of the picture, within it."""
        return [
            [name, f"{score:.4f}", *(f"{edge:.4f}" for edge in box.clip(0, 1))]
            for name, score, box in zip(*self._found(answers), strict=True)
        ]

    def moved(self, answers: Arrays, scale: tuple[float, float], shift: tuple[float, float]) -> Arrays:
        boxes = answers["boxes"] * np.array([*scale, *scale], np.float32) + np.array([*shift, *shift], np.float32)
        return {**answers, "boxes": boxes}

    def drawn(self, picture: np.ndarray, answers: Arrays) -> np.ndarray:
        names, scores, boxes = self._found(answers)
        return drawn(picture, boxes, [f"{name} {score:.2f}" for name, score in zip(names, scores, strict=True)])

    def _found(self, answers: Arrays) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Names of classes, scores (D,) and boxes (D, 4) of what is found in one picture, the surest first."""
        found = suppressed(answers["boxes"][None], answers["scores"][None], least=SHOWN_FROM)
        boxes, scores, classes = (column.rows for column in found)
        names = self.classes or tuple(map(str, range(answers["scores"].shape[1])))
        return [names[number] for number in classes], scores, boxes
