"""What a validation pass measures of places.

Shapes: N pictures, C cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from distill.answers.kind import Arrays
from distill.data.sources.degrees import COORDINATES
from distill.data.targets import Values
from distill.evaluation.great_circle import great_circle
from distill.evaluation.places import CHIEF
from distill.modules.metrics import fixed


@dataclass(frozen=True, eq=False)
class Within:
    """The share of pictures whose likeliest cell's mean photograph is within 750 km of where they were taken, among
    those of which that is known.

    Attributes:
        places: degrees (C, 2).
    """

    places: np.ndarray
    name: str = CHIEF

    def __call__(self, outputs: Arrays, truths: Mapping[str, Values]) -> float:
        there = fixed(truths, COORDINATES.name).astype(np.float64)
        known = np.isfinite(there).all(axis=1)
        guesses = self.places[outputs["logits"][known].argmax(axis=1)]
        return float((great_circle(guesses, there[known]) <= float(CHIEF.split()[1])).mean())
