"""What a validation pass measures of embeddings.

Shapes: N pictures, D embedding dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from distill.answers.kind import Arrays
from distill.data.targets import Values
from distill.evaluation.all_pairs import evaluate_all_pairs
from distill.evaluation.embeddings import similarities
from distill.evaluation.roc import tar_name
from distill.modules.metrics import ANSWERS, fixed


@dataclass(frozen=True)
class TarAtFar:
    """TAR at a FAR over all pairs of embeddings (N, D), against the people shown (N,), -1 where unknown."""

    far: float

    @property
    def name(self) -> str:
        return tar_name(self.far)

    def __call__(self, outputs: Arrays, truths: Mapping[str, Values]) -> float:
        people, embeddings = fixed(truths, "identities"), outputs["embedding"]
        known = people >= 0
        # Its intervals are not read, so two draws do.
        scores = evaluate_all_pairs(embeddings[known], people[known], fars=[self.far], seed=0, resamples=2)
        return scores.points[self.far].tar


@dataclass(frozen=True)
class CosineToTeacher:
    """Mean cosine of embeddings (N, D) and a teacher's (N, D) of the same pictures."""

    name: str = "cosine"

    def __call__(self, outputs: Arrays, truths: Mapping[str, Values]) -> float:
        return float(similarities(outputs["embedding"], fixed(truths, ANSWERS)).mean())
