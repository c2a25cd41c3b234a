"""Decoupled knowledge distillation (Zhao et al. 2022, arXiv 2203.08679): the labelled class apart from the others.

The divergence of two softmax distributions splits into one of how sure a network is of the labelled class, and one of
how it ranks the others, which counts the less the surer the teacher is. Here each has a weight of its own.

Shapes: N batch, C classes. z a logit, y the labelled class, s of the student, t of the teacher, T the temperature.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.correlation import standardized
from distill.objectives.logits import bernoulli_kl
from distill.objectives.objective import LogitObjective, Targets, check_temperature, check_weights
from distill.objectives.precision import widened


def decoupled_kl(
    student: Tensor,
    teacher: Tensor,
    labels: Tensor,
    temperature: float = 1.0,
    target_weight: float = 1.0,
    others_weight: float = 8.0,
) -> Tensor:
    """T^2 (alpha TCKD + beta NCKD), equation 7 of the paper with the T^2 of its implementation.

    TCKD is the divergence of the two-way distributions (class y, any other); NCKD that of the distributions over the
    classes other than y. Both come from logits that are compared, never from log(softmax x mask), whose infinities a
    confident student would meet.

    Args:
        student, teacher: logits (N, C), C at least 2.
        labels: (N, C), one class of each picture; of a mixture, the class with the larger share counts.
        target_weight, others_weight: alpha and beta.

    Returns:
        float32 or float64 (N,), nats, zero where both agree.
    """
    classes = labels.argmax(dim=1, keepdim=True)
    target = torch.zeros_like(labels, dtype=torch.bool).scatter_(1, classes, True)
    s, t = widened(student) / temperature, widened(teacher) / temperature
    sure = bernoulli_kl(_odds(s, classes, target), _odds(t, classes, target))
    log_s, log_t = _others(s, target), _others(t, target)
    others = (log_t.exp().masked_fill(target, 0) * (log_t - log_s)).sum(dim=1)
    return temperature**2 * (target_weight * sure + others_weight * others)


def _odds(logits: Tensor, classes: Tensor, target: Tensor) -> Tensor:
    """(N, 1), log(p_y / (1 - p_y)) = z_y - log sum exp of the other logits."""
    other = logits.masked_fill(target, -float("inf")).logsumexp(dim=1, keepdim=True)
    return logits.gather(1, classes) - other


def _others(logits: Tensor, target: Tensor) -> Tensor:
    """(N, C), log softmax over the classes but y, and 0 at y."""
    return F.log_softmax(logits.masked_fill(target, -float("inf")), dim=1).masked_fill(target, 0)


@dataclass(frozen=True)
class Dkd(LogitObjective):
    """Of classes that exclude each other, on pictures of known class: `decoupled_kl`.

    Attributes:
        temperature: T of both softened distributions.
        label_weight: weight of the cross-entropy with the labels, over all classes.
        standardize: both networks' logits at mean 0 and deviation 1 for each picture.
        target_weight: alpha: weight of how sure the teacher is of the labelled class.
        others_weight: beta: weight of what it says of the other classes.
    """

    name: Literal["dkd"] = "dkd"
    temperature: float = 1.0
    label_weight: float = 0.0
    standardize: bool = False
    target_weight: float = 1.0
    others_weight: float = 8.0
    exclusive: ClassVar[bool | None] = True
    needs_every_label: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        check_weights(
            label_weight=self.label_weight, target_weight=self.target_weight, others_weight=self.others_weight
        )

    @property
    def needs_labels(self) -> str:
        return super().needs_labels or "objective.name is dkd"

    def check_targets(self, targets: Targets) -> None:
        """Refuse labels (N, C) of unknown class.

        Raises:
            DistillError: some are unknown.
        """
        labels = targets.get("labels")
        if labels is not None and bool((labels < 0).any()):
            raise DistillError(
                "objective.name is dkd, which needs the class of every picture, and a batch has some of unknown "
                "class. Take softmax_kl, or leave out the pictures without labels."
            )

    def imitate(self, student: Tensor, teacher: Tensor, targets: Targets) -> Tensor:
        if self.standardize:
            student, teacher = standardized(student), standardized(teacher)
        known = self.labels(targets, student)
        if known.device.type == "cpu":  # elsewhere, looking would wait for the device
            self.check_targets(targets)
        return decoupled_kl(student, teacher, known, self.temperature, self.target_weight, self.others_weight)
