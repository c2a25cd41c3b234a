"""Classes that exclude each other: the softmax of the logits shares one probability out among them.

Shapes: N pictures, C classes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor

from distill.answers.kind import Arrays, Tensors
from distill.answers.labelled import LabelledKind
from distill.answers.logits import Gives

NONE = "none of these"
"""The answer to a picture whose likeliest class has less than its threshold."""


@dataclass(frozen=True)
class Softmax(LabelledKind):
    """float32 (N, C) that sum to one. A threshold of these is the same for each class, and says from which probability
    the likeliest counts at all."""

    name: ClassVar[str] = "softmax"
    gives: ClassVar[Gives | None] = "softmax"
    words: ClassVar[str] = "probabilities of classes that exclude each other"
    hub_task: ClassVar[tuple[str, str]] = ("image-classification", "image classification")
    page: ClassVar[Path | None] = Path(__file__).with_name("classes.js")
    template: ClassVar[Path] = Path(__file__).with_name("classes.md")
    largest: ClassVar[bool] = True
    reading: ClassVar[str] = """\
import json

config = json.load(open("student/config.json", encoding="utf-8"))
likeliest = [config["classes"][c] for c in np.argsort(-answers[0])[:5]]
if config["thresholds"] and answers[0].max() < config["thresholds"][int(answers[0].argmax())]:
    likeliest = []  # none of these
"""

    def activate(self, outputs: Tensors) -> dict[str, Tensor]:
        return {"probabilities": outputs["logits"].softmax(dim=1)}

    def before_activation(self, answers: Arrays) -> np.ndarray:
        logs = np.log(self.probabilities_before(answers["probabilities"]))
        return np.asarray(logs - logs.mean(axis=1, keepdims=True))

    def sureness(self, answers: Arrays) -> np.ndarray | None:
        """The largest probability."""
        return np.asarray(answers["probabilities"].max(axis=1))

    def heading(self) -> list[str]:
        return ["class", "probability", *(self.classes or ())]

    def row(self, answers: Arrays) -> list[str]:
        """The most probable class, or `NONE` where that has less than its threshold; its probability; and every
        probability."""
        probabilities = answers["probabilities"]
        likeliest = int(probabilities.argmax())
        name = (self.classes or ())[likeliest]
        if self.thresholds and probabilities[likeliest] < self.thresholds[likeliest]:
            name = NONE
        return [name, f"{probabilities[likeliest]:.4f}", *(f"{p:.4f}" for p in probabilities)]
