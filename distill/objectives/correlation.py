"""What only goes by how values vary: their standardised form, and the correlation of two networks' answers.

Both take the mean off and divide by the spread. Values whose spread is rounding beside their size do not vary: they
become zero, and get no gradient.

Shapes: N batch, C classes. z a logit, p a probability, s of the student, t of the teacher, T the temperature.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from distill.objectives.objective import LogitObjective, Targets, check_temperature, check_weights
from distill.objectives.precision import widened

_ROUNDING = 4.0  # units of the last place that the mean of equal values may be off by
_LEAST = 1e-18  # what is smaller has no square in fp32


def standardized(logits: Tensor) -> Tensor:
    """(z - mean) / deviation over a picture's classes (Sun et al. 2024, arXiv 2403.01427, Z-score).

    A student whose logits are the teacher's stretched and shifted then gives the teacher's answer: it learns their
    order and proportions, not their range, which a small network may not reach.

    Args:
        logits: (N, C).

    Returns:
        float32 or float64 (N, C), mean 0 and mean square 1.
    """
    return _direction(widened(logits)) * logits.shape[1] ** 0.5


def correlation_distance(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """DIST (Huang et al. 2022, arXiv 2205.10536): T^2 (inter-class + intra-class), each 1 - Pearson's correlation.

    Inter-class: of a picture's probabilities over classes, one value a picture. Intra-class: of a class's probabilities
    over the pictures of the batch, averaged over classes; one value for the batch, which is added to every picture's.
    The paper's weights, 2 and 2 beside 1 for labels, are a label weight of 0.5 here.

    Args:
        student, teacher: logits (N, C).

    Returns:
        float32 or float64 (N,), 0 where both agree; each of the two terms is 2 at most.
    """
    s, t = (widened(logits).div(temperature).softmax(dim=1) for logits in (student, teacher))
    inter_class, intra_class = uncorrelated(s, t), uncorrelated(s.T, t.T).mean()
    return temperature**2 * (inter_class + intra_class)


def uncorrelated(first: Tensor, second: Tensor) -> Tensor:
    """1 - Pearson's correlation of each row: float (M, K) and (M, K) to (M,).

    As half the squared distance of the two directions, which is the same and 0 for equal rows to the last digit. A row
    that does not vary has none: 1/2 beside one that does, 0 beside another.
    """
    return (_direction(first) - _direction(second)).square().sum(dim=1) / 2


def _direction(values: Tensor) -> Tensor:
    """(M, K), each row less its mean, at length 1."""
    centred = values - values.mean(dim=1, keepdim=True)
    length, size = (torch.linalg.vector_norm(one, dim=1, keepdim=True) for one in (centred, values))
    rounding = _ROUNDING * torch.finfo(values.dtype).eps
    varies = length > (rounding * size).clamp(min=_LEAST)
    # replaced before the division: 0 / 0 would be NaN in the backward pass even where the result is not used
    return torch.where(varies, centred, 0) / torch.where(varies, length, 1)


@dataclass(frozen=True)
class Dist(LogitObjective):
    """Of classes that exclude each other: `correlation_distance`.

    Attributes:
        temperature: T of both softened distributions.
        label_weight: weight of the cross-entropy with the labels, over all classes; 0 needs no labels.
        standardize: both networks' logits at mean 0 and deviation 1 for each picture.
    """

    name: Literal["dist"] = "dist"
    temperature: float = 1.0
    label_weight: float = 0.0
    standardize: bool = False
    exclusive: ClassVar[bool | None] = True

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        check_weights(label_weight=self.label_weight)

    def imitate(self, student: Tensor, teacher: Tensor, targets: Targets) -> Tensor:
        if self.standardize:
            student, teacher = standardized(student), standardized(teacher)
        return correlation_distance(student, teacher, self.temperature)
