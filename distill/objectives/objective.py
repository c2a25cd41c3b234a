"""An objective: one imitation term and, if wanted, weighted others beside it.

Shapes: N batch, C classes or attributes, D embedding dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.embedding import SHORTEST, cosine, squared_embedding
from distill.objectives.labels import labelled_cross_entropy
from distill.objectives.logits import bernoulli_kl, softmax_kl, squared_logits
from distill.objectives.relational import angle_relations, distance_relations
from distill.objectives.top import TopAnswers, softmax_kl_of_top

Imitation = Literal["bernoulli_kl", "softmax_kl", "squared_logits", "squared_embedding", "cosine"]
# Those between embeddings; the others are between logits.
EMBEDDING: frozenset[str] = frozenset({"squared_embedding", "cosine"})
# Those that are blind to a constant added to all of a picture's logits, and so to how many attributes it has.
EXCLUSIVE: frozenset[str] = frozenset({"softmax_kl"})
_SOFTENED: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "bernoulli_kl": bernoulli_kl,
    "softmax_kl": softmax_kl,
}
_COLD: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared_logits": squared_logits,
    "squared_embedding": squared_embedding,
    "cosine": cosine,
}


@dataclass(frozen=True)
class Objective:
    """What the student minimises; the keys of a recipe's `objective` section.

    Attributes:
        name: the imitation term.
        temperature: T of both softened distributions; only the `_kl` terms have one.
        label_weight: weight of the cross-entropy with the labels; 0 needs no labels.
        distance_weight: of embeddings, weight of the difference of the distances within a batch.
        angle_weight: of embeddings, weight of the difference of the angles within a batch.
    """

    name: Imitation = "bernoulli_kl"
    temperature: float = 1.0
    label_weight: float = 0.0
    distance_weight: float = 0.0
    angle_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in get_args(Imitation):
            raise DistillError(f"objective.name is {self.name!r}, expected one of {', '.join(get_args(Imitation))}.")
        if self.temperature <= 0:
            raise DistillError(f"objective.temperature is {self.temperature}, expected a positive number.")
        if self.name in _COLD and self.temperature != 1:
            raise DistillError(f"objective.temperature: {self.name} has none; leave it at 1.")
        for key in ("label_weight", "distance_weight", "angle_weight"):
            if getattr(self, key) < 0:
                raise DistillError(f"objective.{key} is {getattr(self, key)}, expected 0 or more.")
        if self.name not in EMBEDDING and (self.distance_weight or self.angle_weight):
            raise DistillError(
                f"objective.distance_weight, objective.angle_weight: between embeddings, and objective.name is "
                f"{self.name}. Leave both at 0, or use {' or '.join(sorted(EMBEDDING))}."
            )

    def __call__(
        self, student: Tensor, teacher: Tensor | TopAnswers, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Score each picture.

        Args:
            student: logits (N, C), or embeddings (N, D).
            teacher: the same, or the largest logits, which only `softmax_kl` can use.
            labels: (N, C), needed where `label_weight` is not 0.

        Returns:
            float32 by name: each term unweighted, (N,), or () where it is one of the batch; and `loss` (N,), their
            weighted sum.

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
        for name, weight, relation in (
            ("distances", self.distance_weight, distance_relations),
            ("angles", self.angle_weight, angle_relations),
        ):
            if weight:
                assert isinstance(teacher, Tensor)  # _imitate refuses the largest logits alone
                parts[name] = relation(student, teacher)
                parts["loss"] = parts["loss"] + weight * parts[name]
        return parts

    def can_teach(self, answers: Tensor) -> Tensor:
        """Whether all of a teacher's answers (N, C) say something: bool ()."""
        finite = answers.isfinite().all()
        if self.name not in EMBEDDING:
            return finite
        return finite & (torch.linalg.vector_norm(answers, dim=1) >= SHORTEST).all()

    @property
    def useless(self) -> str:
        """What `can_teach` finds, in words."""
        return "NaN, infinity or the zero vector" if self.name in EMBEDDING else "NaN or infinity"

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
        if self.name in _COLD:
            return _COLD[self.name](student, teacher)
        return _SOFTENED[self.name](student, teacher, self.temperature)
