"""What a validation pass measures: one number of all pictures' outputs, larger for better.

Shapes: N pictures.
"""

from typing import Protocol

import numpy as np

from distill.answers.kind import Arrays


class Metric(Protocol):
    """A number of a network's raw tensors (N, ...) and of what they are held against (N, ...)."""

    @property
    def name(self) -> str: ...

    def __call__(self, outputs: Arrays, truths: np.ndarray) -> float: ...
