"""Objectives between logits, one value a picture.

Each sums over classes as the paper does; the one average, over the batch, is taken by the module. Everything
is computed in fp32 (in float64 where that is given) through log-sum-exp, so that a confident network gives no infinity.

Shapes: N batch, C classes or attributes. z a logit, s of the student, t of the teacher, T the temperature.
"""

import torch.nn.functional as F
from torch import Tensor

from distill.objectives.precision import widened


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
