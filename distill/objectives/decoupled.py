"""Decoupled knowledge distillation (Zhao et al. 2022, arXiv 2203.08679): the labelled class apart from the others.

The divergence of two softmax distributions splits into one of how sure a network is of the labelled class, and one of
how it ranks the others, which counts the less the surer the teacher is. Here each has a weight of its own.

Shapes: N batch, C classes. z a logit, y the labelled class, s of the student, t of the teacher, T the temperature.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.objectives.logits import bernoulli_kl
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
