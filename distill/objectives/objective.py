"""An objective: one imitation term and, if wanted, a weighted label term."""

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from distill.errors import DistillError
from distill.objectives.labels import labelled_cross_entropy
from distill.objectives.logits import bernoulli_kl, softmax_kl, squared_logits
from distill.objectives.top import TopAnswers, softmax_kl_of_top

Imitation = Literal["bernoulli_kl", "softmax_kl", "squared_logits"]
# Those that are blind to a constant added to all of a picture's logits, and so to how many attributes it has.
EXCLUSIVE: frozenset[str] = frozenset({"softmax_kl"})


@dataclass(frozen=True)
class Objective:
    """What the student minimises; the keys of a recipe's `objective` section.

    Attributes:
        name: the imitation term.
        temperature: T of both softened distributions; `squared_logits` has none.
        label_weight: weight of the cross-entropy with the labels; 0 needs no labels.
    """

    name: Imitation = "bernoulli_kl"
    temperature: float = 1.0
    label_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in get_args(Imitation):
            raise DistillError(f"objective.name is {self.name!r}, expected one of {', '.join(get_args(Imitation))}.")
        if self.temperature <= 0:
            raise DistillError(f"objective.temperature is {self.temperature}, expected a positive number.")
        if self.name == "squared_logits" and self.temperature != 1:
            raise DistillError("objective.temperature: squared_logits has none; leave it at 1.")
        if self.label_weight < 0:
            raise DistillError(f"objective.label_weight is {self.label_weight}, expected 0 or more.")

    def __call__(
        self, student: Tensor, teacher: Tensor | TopAnswers, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Score each picture.

        Args:
            student: logits (N, C).
            teacher: logits (N, C), or the largest of them, which only `softmax_kl` can use.
            labels: (N, C), needed where `label_weight` is not 0.

        Returns:
            float32 (N,) by name: each term unweighted, and `loss`, their weighted sum.

        Raises:
            DistillError: the shapes differ, labels are needed and absent, or the objective needs more than was kept.
        """
        parts: dict[str, Tensor] = {self.name: self._imitate(student, teacher)}
        parts["loss"] = parts[self.name]
        if self.label_weight:
            if labels is None or labels.shape != student.shape:
                found = "none" if labels is None else tuple(labels.shape)
                raise DistillError(
                    f"objective.label_weight is {self.label_weight}, which needs labels of shape "
                    f"{tuple(student.shape)}; the batch has {found}. Set it to 0 to train without labels."
                )
            parts["labels"] = labelled_cross_entropy(student, labels)
            parts["loss"] = parts["loss"] + self.label_weight * parts["labels"]
        return parts

    def _imitate(self, student: Tensor, teacher: Tensor | TopAnswers) -> Tensor:
        if isinstance(teacher, TopAnswers):
            if self.name != "softmax_kl":
                raise DistillError(
                    f"objective.name is {self.name}, which needs all logits of the teacher, and the store kept its "
                    f"{teacher.logits.shape[1]} largest. Take softmax_kl, or store all of them."
                )
            return softmax_kl_of_top(student, teacher, self.temperature)
        if student.shape != teacher.shape:
            raise DistillError(
                f"the student answers {tuple(student.shape)} and the teacher {tuple(teacher.shape)} (pictures, "
                "outputs): both need the same outputs in the same order."
            )
        if self.name == "squared_logits":
            return squared_logits(student, teacher)
        formula = bernoulli_kl if self.name == "bernoulli_kl" else softmax_kl
        return formula(student, teacher, self.temperature)
