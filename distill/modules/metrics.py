"""What a validation pass measures: one number of all pictures' outputs, larger for better.

It is held against what is known of the pictures, by column: their targets, and what a task adds to them.

Shapes: N pictures, C classes or attributes, D embedding dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from distill.data.targets import Values
from distill.errors import DistillError
from distill.evaluation.all_pairs import evaluate_all_pairs
from distill.evaluation.average_precision import average_precision, mean_average_precision
from distill.evaluation.embeddings import similarities
from distill.evaluation.roc import tar_name

ANSWERS = "teacher.answers"
"""The column of what a teacher answers to the pictures; no column of a source can be called so."""


class Metric(Protocol):
    """A number of a network's outputs (N, C) and of what is known of the pictures, by column."""

    @property
    def name(self) -> str: ...

    def __call__(self, outputs: np.ndarray, truths: Mapping[str, Values]) -> float: ...


@dataclass(frozen=True)
class MeanAveragePrecision:
    """mAP of scores (N, C) against labels (N, C)."""

    classes: tuple[str, ...]
    name: str = "mAP"

    def __call__(self, outputs: np.ndarray, truths: Mapping[str, Values]) -> float:
        values = average_precision(outputs, _fixed(truths, "labels").astype(np.int8), self.classes).values
        return mean_average_precision(values, self.classes)[0]


@dataclass(frozen=True)
class TopOne:
    """The share of scores (N, C) that are highest for the class labelled (N, C), over the pictures with a label."""

    name: str = "top-1"

    def __call__(self, outputs: np.ndarray, truths: Mapping[str, Values]) -> float:
        labels = _fixed(truths, "labels")
        known = (labels == 1).any(axis=1)
        return float((outputs[known].argmax(axis=1) == labels[known].argmax(axis=1)).mean())


@dataclass(frozen=True)
class TarAtFar:
    """TAR at a FAR over all pairs of embeddings (N, D), against the people shown (N,), -1 where unknown."""

    far: float

    @property
    def name(self) -> str:
        return tar_name(self.far)

    def __call__(self, outputs: np.ndarray, truths: Mapping[str, Values]) -> float:
        people = _fixed(truths, "identities")
        known = people >= 0
        # Its intervals are not read, so two draws do.
        return (
            evaluate_all_pairs(outputs[known], people[known], fars=[self.far], seed=0, resamples=2).points[self.far].tar
        )


@dataclass(frozen=True)
class CosineToTeacher:
    """Mean cosine of embeddings (N, D) and a teacher's (N, D) of the same pictures."""

    name: str = "cosine"

    def __call__(self, outputs: np.ndarray, truths: Mapping[str, Values]) -> float:
        return float(similarities(outputs, _fixed(truths, ANSWERS)).mean())


def _fixed(truths: Mapping[str, Values], name: str) -> np.ndarray:
    """A column (N, ...)."""
    values = truths.get(name)
    if not isinstance(values, np.ndarray):
        raise DistillError(
            f"validation: the pictures come with {', '.join(truths)}, and {name} is needed to score them."
        )
    return values
