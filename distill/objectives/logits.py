"""Objectives between logits, one value a picture.

Each sums over classes as the paper does; the one average, over the batch, is taken by the module. Everything
is computed in fp32 (in float64 where that is given) through log-sum-exp, so that a confident network gives no infinity.

Shapes: N batch, C classes or attributes. z a logit, s of the student, t of the teacher, T the temperature.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor

from distill.objectives.correlation import standardized
from distill.objectives.objective import LogitObjective, Targets, check_temperature, check_weights, too_few
from distill.objectives.precision import widened
from distill.objectives.top import TopAnswers, softmax_kl_of_top


def bernoulli_kl(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """T^2 sum_c KL(Bernoulli(sigmoid(t_c / T)) || Bernoulli(sigmoid(s_c / T))), for attributes that are not exclusive.

    The emulation of section 4.5 of MobileNets (arXiv 1704.04861), with the temperature of Hinton et al. (arXiv
    1503.02531); T^2 keeps the gradient's size when T changes.

    Args:
        student, teacher: logits (N, C).

    Returns:
        float32 or float64 (N,), nats, zero where both agree.
    """
    s, t = widened(student) / temperature, widened(teacher) / temperature
    present = t.sigmoid() * (F.logsigmoid(t) - F.logsigmoid(s))
    absent = (-t).sigmoid() * (F.logsigmoid(-t) - F.logsigmoid(-s))
    return temperature**2 * (present + absent).sum(dim=1)


def softmax_kl(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """T^2 KL(softmax(t / T) || softmax(s / T)), for classes that exclude each other (arXiv 1503.02531, section 2).

    It does not see a constant added to all logits, so it must not be used for attributes.

    Args:
        student, teacher: logits (N, C).

    Returns:
        float32 or float64 (N,), nats, zero where both agree.
    """
    log_s = F.log_softmax(widened(student) / temperature, dim=1)
    log_t = F.log_softmax(widened(teacher) / temperature, dim=1)
    return temperature**2 * F.kl_div(log_s, log_t, reduction="none", log_target=True).sum(dim=1)


def squared_logits(student: Tensor, teacher: Tensor) -> Tensor:
    """sum_c (s_c - t_c)^2 (Ba & Caruana, arXiv 1312.6184): (N, C) and (N, C) to float32 or float64 (N,).

    It has no temperature: a common factor on both logits would only rescale it.
    """
    return (widened(student) - widened(teacher)).square().sum(dim=1)


@dataclass(frozen=True)
class BernoulliKl(LogitObjective):
    """Of attributes: `bernoulli_kl`.

    Attributes:
        temperature: T of both softened distributions.
        label_weight: weight of the cross-entropy with the labels, of each output by itself; 0 needs no labels.
    """

    name: Literal["bernoulli_kl"] = "bernoulli_kl"
    temperature: float = 1.0
    label_weight: float = 0.0
    exclusive: ClassVar[bool | None] = False

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        check_weights(label_weight=self.label_weight)

    def imitate(self, student: Tensor, teacher: Tensor, targets: Targets) -> Tensor:
        return bernoulli_kl(student, teacher, self.temperature)


@dataclass(frozen=True)
class SoftmaxKl(LogitObjective):
    """Of classes that exclude each other: `softmax_kl`, also from a teacher's largest logits alone.

    Attributes:
        temperature: T of both softened distributions.
        label_weight: weight of the cross-entropy with the labels, over all classes; 0 needs no labels.
        standardize: both networks' logits at mean 0 and deviation 1 for each picture.
    """

    name: Literal["softmax_kl"] = "softmax_kl"
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
        return softmax_kl(student, teacher, self.temperature)

    def imitate_top(self, student: Tensor, teacher: TopAnswers) -> Tensor:
        if self.standardize:
            raise too_few("objective.standardize is true", teacher)
        return softmax_kl_of_top(student, teacher, self.temperature)


@dataclass(frozen=True)
class SquaredLogits(LogitObjective):
    """Of attributes and of classes: `squared_logits`.

    Attributes:
        label_weight: weight of the cross-entropy with the labels, of each output by itself; 0 needs no labels.
    """

    name: Literal["squared_logits"] = "squared_logits"
    label_weight: float = 0.0

    def __post_init__(self) -> None:
        check_weights(label_weight=self.label_weight)

    def imitate(self, student: Tensor, teacher: Tensor, targets: Targets) -> Tensor:
        return squared_logits(student, teacher)
