"""What a validation pass measures of attributes.

Shapes: N pictures, C attributes.
"""

from dataclasses import dataclass

import numpy as np

from distill.answers.kind import Arrays
from distill.evaluation.average_precision import average_precision, mean_average_precision


@dataclass(frozen=True)
class MeanAveragePrecision:
    """mAP of logits (N, C) against labels (N, C)."""

    classes: tuple[str, ...]
    name: str = "mAP"

    def __call__(self, outputs: Arrays, truths: np.ndarray) -> float:
        values = average_precision(outputs["logits"], truths.astype(np.int8), self.classes).values
        return mean_average_precision(values, self.classes)[0]
