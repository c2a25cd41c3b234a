"""What a validation pass measures: one number of all pictures' outputs, larger for better.

It is held against what is known of the pictures, by column: their targets, and what a task adds to them.

Shapes: N pictures.
"""

import copy
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
import torchmetrics

from distill.answers.kind import Arrays
from distill.data.targets import Values
from distill.errors import DistillError

ANSWERS = "teacher.answers"
"""The column of what a teacher answers to the pictures; no column of a source can be called so."""
NUMBERS = "labels.numbers"
"""The column of class numbers int64 (N,), where a loader gives these in place of labels (N, C)."""


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


class TorchMetric:
    """One of torchmetrics' as a `Metric`: of all pictures at once, every process having all of them.

    Args:
        metric: is given the logits, or the one tensor that a network gives, and the labels: class numbers (N,) of
            classes that exclude each other, without pictures of unknown class; else (N, C).
    """

    def __init__(self, metric: torchmetrics.Metric) -> None:
        self.metric = copy.deepcopy(metric).cpu()
        self.metric.sync_on_compute = False
        self.name = type(metric).__name__

    def __call__(self, outputs: Arrays, truths: Mapping[str, Values]) -> float:
        answers = outputs["logits"] if "logits" in outputs else next(iter(outputs.values()))
        labels = fixed(truths, NUMBERS if NUMBERS in truths else "labels")
        if labels.ndim == 1:
            answers, labels = answers[labels >= 0], labels[labels >= 0]
        self.metric.reset()
        try:
            self.metric.update(torch.from_numpy(answers), torch.from_numpy(labels).long())
            value: Any = self.metric.compute()
        except (RuntimeError, TypeError, ValueError) as error:
            raise DistillError(
                f"metric {self.name}: cannot score outputs {answers.shape} against labels {labels.shape} "
                f"({' '.join(str(error).split())[:200]})."
            ) from error
        if not isinstance(value, torch.Tensor) or value.numel() != 1:
            found = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            raise DistillError(f'metric {self.name}: gives {found}, expected one number, such as of average="macro".')
        return float(value)
