"""What a validation pass measures: one number of all pictures' outputs, larger for better.

It is held against what is known of the pictures, by column: their targets, and what a task adds to them.

Shapes: N pictures.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from distill.answers.kind import Arrays
from distill.data.targets import Values
from distill.errors import DistillError

ANSWERS = "teacher.answers"
"""The column of what a teacher answers to the pictures; no column of a source can be called so."""


class Metric(Protocol):
    """A number of a network's raw tensors (N, ...) and of what is known of the pictures, by column."""

    @property
    def name(self) -> str: ...

    def __call__(self, outputs: Arrays, truths: Mapping[str, Values]) -> float: ...


def fixed(truths: Mapping[str, Values], name: str) -> np.ndarray:
    """A column (N, ...).

    Raises:
        DistillError: the pictures have none of that name.
    """
    values = truths.get(name)
    if not isinstance(values, np.ndarray):
        raise DistillError(
            f"validation: the pictures come with {', '.join(truths)}, and {name} is needed to score them."
        )
    return values
