"""People who are not enrolled: what thresholds are measured on.

Shapes: S photographs, D dimensions.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.errors import DistillError
from distill.evaluation.all_pairs import evaluate_all_pairs
from distill.files.run_directory import RunDirectory
from distill.gallery.gallery import RATES
from distill.gallery.model import Embedder, task_of
from distill.gallery.photographs import embed_photographs
from distill.recipe.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Strangers:
    """Some, embedded.

    Attributes:
        vectors: float32 (S, D) of unit length.
        identities: int64 (S,), -1 where nobody says who is shown.
        source: where they come from, in words.
    """

    vectors: np.ndarray
    identities: np.ndarray
    source: str

    def fars(self) -> dict[str, float]:
        """The threshold by FAR, over all pairs of those whose people are known; empty where there are none."""
        known = self.identities >= 0
        people, sizes = np.unique(self.identities[known], return_counts=True)
        genuine = int((sizes * (sizes - 1) // 2).sum())
        impostors = int(known.sum() * (known.sum() - 1) // 2) - genuine
        rates = [rate for rate in RATES if rate * impostors >= 1]
        if len(people) < 2 or not genuine or not rates:
            return {}
        # Intervals are not read, so two draws do.
        scores = evaluate_all_pairs(self.vectors[known], self.identities[known], fars=rates, seed=0, resamples=2)
        return {f"{rate:g}": point.threshold for rate, point in scores.points.items()}


def strangers_of(embedder: Embedder, place: Path, recipe: Recipe) -> Strangers:
    """People of a folder, or of a run's validation set.

    Args:
        place: photographs at any depth, whose first folders say who they show where all lie in some; or a run's
            directory.
        recipe: how photographs of a folder are read; a run's are as that prepared them.

    Raises:
        DistillError: there is nobody, or their photographs cannot be used.
    """
    if RunDirectory(place).marker.is_file():
        pictures = task_of(place).pictures.sets.validation
        if not len(pictures):
            raise DistillError(f"--strangers: {place} has no validation pictures. Name a folder of photographs.")
        vectors = embedder.embed(pictures, "validation")
        return Strangers(vectors, np.array(pictures.identities), f"the validation people of {place.name}")
    embedded = embed_photographs(embedder, place, recipe, "--strangers")
    known = all(embedded.owners)
    identities = np.unique(embedded.owners, return_inverse=True)[1] if known else np.full(len(embedded.names), -1)
    return Strangers(embedded.vectors, identities, f"the photographs of {place.name}")
