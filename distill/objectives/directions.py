"""What a student of embeddings minimises: how far its directions are from the teacher's, and relations within a batch.

Shapes: N batch, D embedding dimensions.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from distill.objectives.embedding import SHORTEST, cosine, squared_embedding
from distill.objectives.objective import Answers, Objective, Targets, check_shapes, check_weights
from distill.objectives.relational import angle_relations, distance_relations


class EmbeddingObjective(Objective):
    """One between embeddings, with relations within the batch beside it."""

    compares = "embedding"
    useless: ClassVar[str] = "NaN, infinity or the zero vector"
    distance_weight: float
    angle_weight: float

    @abstractmethod
    def imitate(self, student: Tensor, teacher: Tensor) -> Tensor:
        """The imitation term, float32 (N,), of embeddings (N, D) each."""

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        embedding, teacher_embedding = student[self.compares], teacher[self.compares]
        # Of logits alone the largest are kept.
        assert isinstance(embedding, Tensor) and isinstance(teacher_embedding, Tensor)
        check_shapes(embedding, teacher_embedding)
        term = self.imitate(embedding, teacher_embedding)
        parts = {self.name: term, "loss": term}
        for name, weight, relation in (
            ("distances", self.distance_weight, distance_relations),
            ("angles", self.angle_weight, angle_relations),
        ):
            if weight:
                parts[name] = relation(embedding, teacher_embedding)
                parts["loss"] = parts["loss"] + weight * parts[name]
        return parts

    def can_teach(self, teacher: Answers) -> Tensor:
        answers = teacher[self.compares]
        assert isinstance(answers, Tensor)
        return answers.isfinite().all() & (torch.linalg.vector_norm(answers, dim=1) >= SHORTEST).all()


@dataclass(frozen=True)
class SquaredEmbedding(EmbeddingObjective):
    """`squared_embedding`.

    Attributes:
        distance_weight: weight of the difference of the distances within a batch.
        angle_weight: weight of the difference of the angles within a batch.
    """

    name: Literal["squared_embedding"] = "squared_embedding"
    distance_weight: float = 0.0
    angle_weight: float = 0.0

    def __post_init__(self) -> None:
        check_weights(distance_weight=self.distance_weight, angle_weight=self.angle_weight)

    def imitate(self, student: Tensor, teacher: Tensor) -> Tensor:
        return squared_embedding(student, teacher)


@dataclass(frozen=True)
class Cosine(EmbeddingObjective):
    """`cosine`.

    Attributes:
        distance_weight: weight of the difference of the distances within a batch.
        angle_weight: weight of the difference of the angles within a batch.
    """

    name: Literal["cosine"] = "cosine"
    distance_weight: float = 0.0
    angle_weight: float = 0.0

    def __post_init__(self) -> None:
        check_weights(distance_weight=self.distance_weight, angle_weight=self.angle_weight)

    def imitate(self, student: Tensor, teacher: Tensor) -> Tensor:
        return cosine(student, teacher)
