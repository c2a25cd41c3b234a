"""Softened KL from a teacher's k largest logits and the mass of the rest.

Shapes: N batch, C classes, k classes kept.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import torch.nn.functional as F
from torch import Tensor

from distill.errors import DistillError

TEMPERATURES = (1.0, 2.0, 4.0)
"""At which the mass of the classes left out is kept; from one temperature it cannot be had at another."""

_LEAST = -1e-6  # the largest log-mass of the rest: the classes kept always have some


@dataclass(frozen=True)
class TopAnswers:
    """What was kept of a teacher's answers.

    Attributes:
        logits: float (N, k), less the largest of the picture.
        classes: (N, k), which classes they are of.
        log_rest: float (N, 3), logarithm of the mass of all other classes at each of `TEMPERATURES`.
    """

    logits: Tensor
    classes: Tensor
    log_rest: Tensor

    def __len__(self) -> int:
        return len(self.logits)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """The same on another device."""
        return type(self)(*(getattr(self, field.name).to(*args, **kwargs) for field in fields(self)))

    def pin_memory(self) -> Self:
        """The same in page-locked memory."""
        return type(self)(*(getattr(self, field.name).pin_memory() for field in fields(self)))


def softmax_kl_of_top(student: Tensor, teacher: TopAnswers, temperature: float = 1.0) -> Tensor:
    """T^2 KL between distributions over the k classes kept and, as one, all others.

    With m the mass of the others, kept class i has probability (1 - m) softmax(t / T)_i. Lumping classes can only lower
    a divergence, so this is at most `softmax_kl`, and equal to it where the student shares out the rest as the teacher.

    Args:
        student: logits (N, C).

    Returns:
        float32 (N,), nats, zero where both agree.

    Raises:
        DistillError: a temperature at which the mass of the rest was not kept.
    """
    if temperature not in TEMPERATURES:
        raise DistillError(
            f"objective.temperature is {temperature}: of stored answers cut to their largest logits, the rest is known "
            f"at {', '.join(f'{one:g}' for one in TEMPERATURES)} alone. Take one of those, or store all logits."
        )
    scaled, classes = student.float() / temperature, teacher.classes.long()
    log_rest = teacher.log_rest[:, TEMPERATURES.index(temperature)].float().clamp(max=_LEAST)
    log_kept = (-log_rest.exp()).log1p().unsqueeze(1) + F.log_softmax(teacher.logits.float() / temperature, dim=1)
    total = scaled.logsumexp(dim=1)
    log_s = scaled.gather(1, classes) - total.unsqueeze(1)
    log_s_rest = scaled.scatter(1, classes, -float("inf")).logsumexp(dim=1) - total
    kept = (log_kept.exp() * (log_kept - log_s)).sum(dim=1)
    return temperature**2 * (kept + log_rest.exp() * (log_rest - log_s_rest))
