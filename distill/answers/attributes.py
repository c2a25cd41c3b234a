"""Attributes: one probability for each class by itself, by the sigmoid of its logit.

Shapes: N pictures, C attributes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor

from distill.answers.kind import Arrays, Tensors
from distill.answers.labelled import LabelledKind
from distill.answers.logits import Gives

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Probabilities(LabelledKind):
    """float32 (N, C) from 0 to 1, each by itself."""

    name: ClassVar[str] = "probabilities"
    gives: ClassVar[Gives | None] = "probabilities"
    words: ClassVar[str] = "one probability for each class by itself"
    hub_task: ClassVar[tuple[str, str]] = ("image-classification", "multi-label image classification")
    page: ClassVar[Path | None] = Path(__file__).with_name("attributes.js")
    template: ClassVar[Path] = Path(__file__).with_name("attributes.md")
    reading: ClassVar[str] = """\
import json

config = json.load(open("student/config.json", encoding="utf-8"))
names, thresholds = config["classes"], config["thresholds"]
present = [name for name, p, least in zip(names, answers[0], thresholds) if p >= least]
"""

    def activate(self, outputs: Tensors) -> dict[str, Tensor]:
        return {"probabilities": outputs["logits"].sigmoid()}

    def before_activation(self, answers: Arrays) -> np.ndarray:
        p = self.probabilities_before(answers["probabilities"])
        return np.asarray(np.log(p / (1 - p)))

    def sureness(self, answers: Arrays) -> np.ndarray | None:
        """How far probabilities are from even, in the mean."""
        return np.asarray(np.abs(2 * answers["probabilities"] - 1).mean(axis=1))

    def heading(self) -> list[str]:
        return ["present", *(self.classes or ())]

    def row(self, answers: Arrays) -> list[str]:
        """What is present at the thresholds, and every probability."""
        probabilities, names = answers["probabilities"], self.classes or ()
        thresholds = self.thresholds or (DEFAULT_THRESHOLD,) * len(names)
        present = [name for name, p, least in zip(names, probabilities, thresholds, strict=True) if p >= least]
        return [" ".join(present), *(f"{p:.4f}" for p in probabilities)]
