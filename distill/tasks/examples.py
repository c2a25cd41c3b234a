"""What the page shows of single pictures: what the student sees in them, and whether their labels agree.

Shapes: K pictures shown, C classes, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill.report.data_uris import picture_uri
from distill.report.section import Section

TEMPLATE = Path(__file__).with_name("examples.html")
TOP_PREDICTIONS = 5
_AGREEMENT = {1: "right", 0: "wrong", -1: "unknown"}


@dataclass(frozen=True)
class Examples:
    """Pictures shown with what the student saw in them.

    Attributes:
        pictures: uint8 (K, H, W, 3), RGB.
        classes: C names.
        probabilities: float (K, C), of the student.
        labels: int8 (K, C): 1 present, 0 absent, -1 unknown.
    """

    pictures: np.ndarray
    classes: Sequence[str]
    probabilities: np.ndarray
    labels: np.ndarray

    def section(self, plural: str) -> Section:
        """Each picture with its most probable classes.

        Args:
            plural: what the classes are called: attributes.
        """
        rows = zip(self.pictures, self.probabilities, self.labels, strict=True)
        examples = [
            {"picture": picture_uri(picture), "predictions": self._predictions(probabilities, labels)}
            for picture, probabilities, labels in rows
        ]
        return Section("What the student sees", TEMPLATE, {"plural": plural, "examples": examples}, below="agreement")

    def _predictions(self, probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
        """Of one picture (C,), the most probable first."""
        return [
            {
                "name": self.classes[c],
                "probability": float(probabilities[c]),
                "verdict": _AGREEMENT[int(labels[c])],
            }
            for c in np.argsort(-probabilities, kind="stable")[:TOP_PREDICTIONS]
        ]
