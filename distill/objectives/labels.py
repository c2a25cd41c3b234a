"""The label term, one value a picture. Shapes: N batch, C attributes."""

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
