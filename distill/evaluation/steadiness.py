"""How steady a network's answers are, without a label: does a picture changed a little stay the nearest to itself?

A network that is shown what it was trained on answers nearly the same to a picture, its mirror image and a crop of it,
and other things to other pictures. Shown wrong numbers it answers much the same to everything.

Shapes: N pictures, D numbers of an answer, V changed versions of each picture, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill.errors import DistillError
from distill.evaluation.bootstrap import bootstrap, percentile_interval


@dataclass(frozen=True, eq=False)
class Steadiness:
    """Attributes:
    values: float64 (N,), of each picture the share of its versions whose nearest answer is the picture's own, or
        the mean of that and of how sure its answer is.
    """

    values: np.ndarray
    seed: int
    resamples: int

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    def interval(self, less: "Steadiness | None" = None) -> tuple[float, float]:
        """The 95 % interval of the mean, or of its paired difference from another's."""
        values = self.values if less is None else self.values - less.values
        draws = bootstrap(
            lambda counts: (counts @ values / counts.sum(axis=1))[:, None],
            len(values),
            seed=self.seed,
            resamples=self.resamples,
        )
        low, high = percentile_interval(draws)[:, 0]
        return float(low), float(high)


def own_nearest(answers: np.ndarray, versions: Sequence[np.ndarray]) -> np.ndarray:
    """Of each picture the share of its versions that lie nearer to its own answer than to any other's, by cosine.

    Answers are centred first, since all of a network's point one way; equal ones are nobody's.

    Args:
        answers: float (N, D), of the pictures.
        versions: V of float (N, D), of the same pictures changed.

    Returns:
        float64 (N,).

    Raises:
        DistillError: fewer than two pictures, or a shape differs.
    """
    if len(answers) < 2 or any(version.shape != answers.shape for version in versions):
        raise DistillError(f"steadiness: answers {answers.shape}, expected two or more, and versions of that shape.")
    centre = answers.mean(axis=0, dtype=np.float64)
    base = _unit(answers - centre)
    hits = np.zeros(len(answers))
    for version in versions:
        cosines = _unit(version - centre) @ base.T
        own = np.diag(cosines).copy()
        np.fill_diagonal(cosines, -np.inf)
        hits += own > cosines.max(axis=1)
    return hits / len(versions)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))
