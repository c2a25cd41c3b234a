"""An objective: one imitation term and, if wanted, weighted others beside it.

Shapes: N batch, C classes or attributes, D embedding dimensions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.correlation import correlation_distance, standardized
from distill.objectives.decoupled import decoupled_kl
from distill.objectives.embedding import SHORTEST, cosine, squared_embedding
from distill.objectives.labels import labelled_cross_entropy, softmax_cross_entropy
from distill.objectives.logits import bernoulli_kl, softmax_kl, squared_logits
from distill.objectives.relational import angle_relations, distance_relations
from distill.objectives.top import TopAnswers, softmax_kl_of_top

Imitation = Literal["bernoulli_kl", "softmax_kl", "dkd", "dist", "squared_logits", "squared_embedding", "cosine"]
# Those between embeddings; the others are between logits.
EMBEDDING: frozenset[str] = frozenset({"squared_embedding", "cosine"})
# Those that are blind to a constant added to all of a picture's logits, and so to how many attributes it has.
EXCLUSIVE: frozenset[str] = frozenset({"softmax_kl", "dkd", "dist"})
_SOFTENED: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "bernoulli_kl": bernoulli_kl,
    "softmax_kl": softmax_kl,
    "dist": correlation_distance,
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
        temperature: T of both softened distributions; the `_kl` terms, dkd and dist have one.
        label_weight: weight of the cross-entropy with the labels: over all classes beside a term for classes that
            exclude each other (softmax_kl, dkd, dist), else of each output by itself; 0 needs no labels.
        standardize: of softmax_kl, dkd and dist: both networks' logits at mean 0 and deviation 1 for each picture.
        target_weight: of dkd, alpha: weight of how sure the teacher is of the labelled class.
        others_weight: of dkd, beta: weight of what it says of the other classes.
        distance_weight: of embeddings, weight of the difference of the distances within a batch.
        angle_weight: of embeddings, weight of the difference of the angles within a batch.
    """

    name: Imitation = "bernoulli_kl"
    temperature: float = 1.0
    label_weight: float = 0.0
    standardize: bool = False
    target_weight: float = 1.0
    others_weight: float = 8.0
    distance_weight: float = 0.0
    angle_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in get_args(Imitation):
            raise DistillError(f"objective.name is {self.name!r}, expected one of {', '.join(get_args(Imitation))}.")
        if not 0 < self.temperature < math.inf:
            raise DistillError(f"objective.temperature is {self.temperature}, expected a positive number.")
        if self.name in _COLD and self.temperature != 1:
            raise DistillError(f"objective.temperature: {self.name} has none; leave it at 1.")
        for key in ("label_weight", "target_weight", "others_weight", "distance_weight", "angle_weight"):
            if not 0 <= getattr(self, key) < math.inf:
                raise DistillError(f"objective.{key} is {getattr(self, key)}, expected 0 or more.")
        if self.name != "dkd" and (self.target_weight, self.others_weight) != (1.0, 8.0):
            raise DistillError(
                f"objective.target_weight, objective.others_weight: of dkd, and objective.name is {self.name}. Leave "
                "both out, or use dkd."
            )
        if self.standardize and self.name not in EXCLUSIVE:
            raise DistillError(
                f"objective.standardize: forgets the mean and spread of a picture's logits, which {self.name} teaches. "
                f"Leave it out, or use {', '.join(sorted(EXCLUSIVE))}."
            )
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
            labels: (N, C), needed where `needs_labels` says so.

        Returns:
            float32 by name: each term unweighted, (N,), or () where it is one of the batch; and `loss` (N,), their
            weighted sum.

        Raises:
            DistillError: the shapes differ, labels are needed and absent, or the objective needs more than was kept.
        """
        parts: dict[str, Tensor] = {self.name: self._imitate(student, teacher, labels)}
        parts["loss"] = parts[self.name]
        if self.label_weight:
            known = self._labels(labels, student)
            entropy = softmax_cross_entropy if self.name in EXCLUSIVE else labelled_cross_entropy
            parts["labels"] = entropy(student, known)
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

    @property
    def needs_labels(self) -> str | None:
        """The key that asks for labels, with its value; None where a transfer on this objective needs none."""
        if self.label_weight:
            return f"objective.label_weight is {self.label_weight}"
        return "objective.name is dkd" if self.name == "dkd" else None

    def check_labels(self, labels: Tensor | None) -> None:
        """Refuse labels (N, C) of unknown class, of which dkd can make nothing; a module looks before they are sent.

        Raises:
            DistillError: some are unknown.
        """
        if labels is not None and bool((labels < 0).any()):
            raise DistillError(
                "objective.name is dkd, which needs the class of every picture, and a batch has some of unknown "
                "class. Take softmax_kl, or leave out the pictures without labels."
            )

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

    def _imitate(self, student: Tensor, teacher: Tensor | TopAnswers, labels: Tensor | None) -> Tensor:
        if isinstance(teacher, TopAnswers):
            if self.name != "softmax_kl" or self.standardize:
                key = "objective.standardize is true" if self.standardize else f"objective.name is {self.name}"
                raise DistillError(
                    f"{key}, which needs all logits of the teacher, and the store kept its "
                    f"{teacher.logits.shape[1]} largest. Take softmax_kl alone, or store all of them."
                )
            return softmax_kl_of_top(student, teacher, self.temperature)
        if student.shape != teacher.shape:
            raise DistillError(
                f"the student answers {tuple(student.shape)} and the teacher {tuple(teacher.shape)} (pictures, "
                "outputs): both need the same outputs in the same order."
            )
        if self.name in _COLD:
            return _COLD[self.name](student, teacher)
        if self.standardize:
            student, teacher = standardized(student), standardized(teacher)
        if self.name == "dkd":
            known = self._labels(labels, student)
            if known.device.type == "cpu":  # elsewhere, looking would wait for the device
                self.check_labels(known)
            weights = self.target_weight, self.others_weight
            return decoupled_kl(student, teacher, known, self.temperature, *weights)
        return _SOFTENED[self.name](student, teacher, self.temperature)

    def _labels(self, labels: Tensor | None, student: Tensor) -> Tensor:
        if labels is not None and labels.shape == student.shape:
            return labels
        found = "none" if labels is None else tuple(labels.shape)
        advice = "Set it to 0 to train without labels" if self.label_weight else "Take softmax_kl to train without"
        raise DistillError(
            f"{self.needs_labels}, which needs labels of shape {tuple(student.shape)}; the batch has {found}. {advice}."
        )
