"""What a validation pass measures of classes that exclude each other.

Shapes: N pictures, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from distill.answers.kind import Arrays
from distill.data.targets import Values
from distill.modules.metrics import fixed


@dataclass(frozen=True)
class TopOne:
    """The share of logits (N, C) that are highest for the class labelled (N, C), over the pictures with a label."""

    name: str = "top-1"

    def __call__(self, outputs: Arrays, truths: Mapping[str, Values]) -> float:
        labels = fixed(truths, "labels")
        known = (labels == 1).any(axis=1)
        return float((outputs["logits"][known].argmax(axis=1) == labels[known].argmax(axis=1)).mean())
