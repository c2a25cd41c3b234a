"""What a validation pass measures of classes that exclude each other.

Shapes: N pictures, C classes.
"""

from dataclasses import dataclass

import numpy as np

from distill.answers.kind import Arrays


@dataclass(frozen=True)
class TopOne:
    """The share of logits (N, C) that are highest for the class labelled (N, C), over the pictures with a label."""

    name: str = "top-1"

    def __call__(self, outputs: Arrays, truths: np.ndarray) -> float:
        known = (truths == 1).any(axis=1)
        return float((outputs["logits"][known].argmax(axis=1) == truths[known].argmax(axis=1)).mean())
