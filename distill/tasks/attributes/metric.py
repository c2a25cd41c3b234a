"""What a validation pass measures of attributes.

Shapes: N pictures, C attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from distill.answers.kind import Arrays
from distill.data.targets import Values
from distill.evaluation.average_precision import average_precision, mean_average_precision
from distill.modules.metrics import fixed


@dataclass(frozen=True)
class MeanAveragePrecision:
    """mAP of logits (N, C) against labels (N, C)."""

    classes: tuple[str, ...]
    name: str = "mAP"

    def __call__(self, outputs: Arrays, truths: Mapping[str, Values]) -> float:
        values = average_precision(outputs["logits"], fixed(truths, "labels").astype(np.int8), self.classes).values
        return mean_average_precision(values, self.classes)[0]
