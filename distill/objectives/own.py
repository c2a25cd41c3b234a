"""Somebody's own loss as an objective.

Shapes: N batch, C classes or attributes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.objective import Answers, Objective, Targets

Loss = Callable[[Any, Any, Any], Tensor]
"""A student's answers, a teacher's, and the labels, to one value a picture (N,)."""


class OwnLoss(Objective):
    """A callable as it is.

    Args:
        loss: is given what student and teacher answer, a tensor (N, ...) each, or of a network that gives several these
            by name; and the labels as the loader has them, (N, C) or class numbers (N,), None where there are none.
    """

    compares = "logits"

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.name = getattr(loss, "__name__", type(loss).__name__)

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        values = self.loss(_alone(student), _alone(teacher), targets.get("labels"))
        pictures = len(next(iter(student.values())))
        check_values(values, pictures, self.name)
        return {"loss": values}

    def can_teach(self, teacher: Answers) -> Tensor:
        tensors = [answer for answer in teacher.values() if isinstance(answer, Tensor)]
        return torch.stack([tensor.isfinite().all() for tensor in tensors]).all()


def check_values(values: object, pictures: int, name: str) -> None:
    """Refuse what is not one value a picture: an average taken early weighs a last, smaller batch otherwise.

    Raises:
        DistillError: it is no tensor of shape (pictures,).
    """
    found = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
    if found != (pictures,):
        raise DistillError(
            f"loss {name}: gives {found} for {pictures} pictures, expected one value a picture, ({pictures},): of "
            'torch\'s losses reduction="none", and the sum over classes or dimensions.'
        )


def _alone(answers: Mapping[str, Any]) -> Any:
    return next(iter(answers.values())) if len(answers) == 1 else dict(answers)
