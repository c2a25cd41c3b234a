"""The label term, one value a picture. Shapes: N batch, C attributes or classes."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from distill.objectives.precision import widened


def labelled_cross_entropy(student: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy summed over the attributes that are known.

    Args:
        student: logits (N, C).
        labels: (N, C); 1 present, 0 absent, negative unknown. A value in between is a mixture of two pictures' labels.

    Returns:
        float32 or float64 (N,), nats; zero for a picture of which nothing is known.
    """
    known = labels >= 0
    logits = widened(student)
    entropy = F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype).clamp(min=0), reduction="none")
    return (entropy * known).sum(dim=1)


def softmax_cross_entropy(student: Tensor, labels: Tensor) -> Tensor:
    """-sum_c y_c log softmax(s)_c, of classes that exclude each other.

    Args:
        student: logits (N, C).
        labels: (N, C); rows of one 1, or a mixture of two such rows, or negative where the class is unknown.

    Returns:
        float32 or float64 (N,), nats; zero for a picture of unknown class.
    """
    log_s = F.log_softmax(widened(student), dim=1)
    return -(labels.to(log_s.dtype).clamp(min=0) * log_s).sum(dim=1)


CLASS_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"cross_entropy": softmax_cross_entropy}
"""What a network of classes that exclude each other can be trained on labels by."""
