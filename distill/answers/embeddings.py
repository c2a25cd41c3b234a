"""Embeddings: vectors of unit length that lie close where two pictures show one person.

Shapes: N pictures, D dimensions.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import torch.nn.functional as F
from torch import Tensor

from distill.answers.kind import Arrays, Kind, Tensors
from distill.errors import DistillError
from distill.objectives.embedding import SHORTEST


@dataclass(frozen=True)
class Embedding(Kind):
    """float32 (N, D) of length 1.

    Args:
        dimensions: D; None while it is the teacher's own.
        far_thresholds: the cosine from which two pictures count as one person, by the FAR that was asked for and is not
            exceeded there, such as "0.01"; None where none was measured.
    """

    dimensions: int | None = None
    far_thresholds: dict[str, float] | None = None

    name: ClassVar[str] = "embedding"
    raw: ClassVar[tuple[str, ...]] = ("embedding",)
    tensors: ClassVar[tuple[str, ...]] = ("embeddings",)
    words: ClassVar[str] = "embeddings"
    hub_task: ClassVar[tuple[str, str]] = ("image-feature-extraction", "face embedding")
    page: ClassVar[Path | None] = Path(__file__).with_name("embeddings.js")
    vectors: ClassVar[str] = "embeddings"
    template: ClassVar[Path] = Path(__file__).with_name("embeddings.md")
    reading: ClassVar[str] = """\
other = answers  # of another picture, by the same blocks
cosine = float(answers[0] @ other[0])
"""

    def of_outputs(self, outputs: Tensors) -> Self:
        return replace(self, dimensions=outputs["embedding"].shape[1])

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"embedding": (self.dimensions or 0,)}

    @property
    def same_from(self) -> dict[str, float]:
        return dict(self.far_thresholds or {})

    def activate(self, outputs: Tensors) -> dict[str, Tensor]:
        """Of unit length; the zero vector stays."""
        return {"embeddings": F.normalize(outputs["embedding"], dim=1)}

    def check(self) -> None:
        dimensions, thresholds = self.dimensions, self.far_thresholds
        if not isinstance(dimensions, int) or dimensions < 1:
            raise DistillError(f"dimensions: {dimensions!r}, expected those of an embedding, at least one.")
        numbers = thresholds is None or (
            isinstance(thresholds, dict) and all(isinstance(value, float | int) for value in thresholds.values())
        )
        if not numbers:
            raise DistillError(f"far_thresholds: {thresholds!r}, expected a cosine by FAR, or null.")

    @classmethod
    def useless(cls, outputs: Tensors) -> str | None:
        if bool((outputs["embedding"].norm(dim=1) < SHORTEST).any()):
            return "the zero vector, which has no direction,"
        return super().useless(outputs)

    def heading(self) -> list[str]:
        raise DistillError(
            "gives embeddings, which are compared, and have no classes to write. Look faces up with distill gallery, "
            "score pairs with distill evaluate, or use the page that distill export --formats web writes."
        )

    def row(self, answers: Arrays) -> list[str]:
        return [f"{value:.6f}" for value in answers["embeddings"]]

    def limits(self) -> list[str]:
        return ["A threshold holds for the people and pictures it was measured on; measure it again on your own."]
