"""The label term, one value a picture. Shapes: N batch, C classes or attributes. y a label, p a probability."""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.precision import widened


def are_numbers(labels: Tensor) -> bool:
    """Whether labels are class numbers (N,), and not a column a class."""
    return labels.ndim == 1 and not labels.is_floating_point()


def one_hot(numbers: Tensor, classes: int) -> Tensor:
    """Class numbers (N,), negative where unknown, to labels (N, C): 1 for the class, -1 all along where it is unknown.

    Raises:
        DistillError: one is none of the C classes; on a CPU alone, for looking waits for other devices.
    """
    if numbers.device.type == "cpu" and numbers.numel():
        check_numbers(int(numbers.max()), classes)
    labels = (numbers.unsqueeze(1) == torch.arange(classes, device=numbers.device)).to(torch.float32)
    return torch.where(numbers.unsqueeze(1) < 0, -1.0, labels)


def class_numbers(labels: Tensor) -> Tensor:
    """Labels (N, C) of classes that exclude each other to class numbers int64 (N,), -1 where the class is unknown."""
    known = (labels == 1).any(dim=1)
    return torch.where(known, labels.argmax(dim=1), -1)


def check_numbers(largest: int, classes: int) -> None:
    """Refuse class numbers past the last output.

    Raises:
        DistillError: as it says.
    """
    if largest >= classes:
        raise DistillError(
            f"labels: class number {largest}, and the network has {classes} outputs; expected 0 to {classes - 1}, "
            "negative where unknown."
        )


def labelled_cross_entropy(student: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of attributes, which do not exclude each other, summed over those that are known.

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
    """Cross-entropy of classes that exclude each other, -sum_c y_c log p_c.

    Args:
        student: logits (N, C).
        labels: (N, C); one class of each picture, or the shares of the classes in a mixture; negative where unknown.

    Returns:
        float32 or float64 (N,), nats; zero for a picture whose class is unknown. So of all below.
    """
    return -_expected(_log_softmax(student), labels)


def generalized_cross_entropy(student: Tensor, labels: Tensor, q: float = 0.7) -> Tensor:
    """sum_c y_c (1 - p_c^q) / q (Zhang & Sabuncu 2018, arXiv 1805.07836), for labels of which some are wrong.

    Between cross-entropy (q to 0) and the mean absolute error (q = 1): the gradient of a picture is that of its
    cross-entropy times p_y^q, so one whose label the network finds absurd moves it little.

    Args:
        student, labels: as in `softmax_cross_entropy`.
        q: above 0, to 1; 0.7 in the paper.
    """
    return _expected(-(q * _log_softmax(student)).expm1() / q, labels)


def bootstrapped_cross_entropy(student: Tensor, labels: Tensor, trust: float = 0.8) -> Tensor:
    """Cross-entropy with trust y + (1 - trust) z, z the network's own choice (Reed et al. 2014, arXiv 1412.6596, hard).

    Args:
        student, labels: as in `softmax_cross_entropy`.
        trust: in the labels, beta in the paper, which takes 0.8.
    """
    log_p = _log_softmax(student)
    own = log_p.amax(dim=1) * (labels >= 0).all(dim=1)
    return -trust * _expected(log_p, labels) - (1 - trust) * own


def _log_softmax(logits: Tensor) -> Tensor:
    return F.log_softmax(widened(logits), dim=1)


def _expected(values: Tensor, labels: Tensor) -> Tensor:
    """(N, C) and the labels to their sum (N,), weighted by them; 0 where these are unknown."""
    known = (labels >= 0).all(dim=1, keepdim=True)
    return (values * torch.where(known, labels, 0).to(values.dtype)).sum(dim=1)


LabelLossName = Literal["cross_entropy", "generalized_cross_entropy", "bootstrapped_cross_entropy"]
LABEL_LOSSES: dict[LabelLossName, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": softmax_cross_entropy,
    "generalized_cross_entropy": generalized_cross_entropy,
    "bootstrapped_cross_entropy": bootstrapped_cross_entropy,
}
"""Of classes that exclude each other, by the name a recipe calls them."""
