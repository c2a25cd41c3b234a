"""How the cosines of genuine and of impostor pairs lie: counts between edges, read off the curve of all thresholds.

Shapes: B bins.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.evaluation.roc import Roc


@dataclass(frozen=True)
class CosineHistogram:
    """Pairs by cosine.

    Attributes:
        edges: float64 (B + 1,), from -1 to 1; a bin holds its lower edge, and the last its upper one as well.
        genuine, impostor: int64 (B,), pairs in each bin.
    """

    edges: np.ndarray
    genuine: np.ndarray
    impostor: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, as the report reads it."""
        return {name: getattr(self, name).tolist() for name in ("edges", "genuine", "impostor")}


def cosine_histogram(curve: Roc, bins: int = 80) -> CosineHistogram:
    """Count the pairs of a curve in bins of equal width. No pair is scored again, however many there are.

    What rounding carried beyond -1 or 1 is counted in the outermost bins.

    Args:
        curve: of scores that are cosines.
    """
    edges = np.linspace(-1, 1, bins + 1)
    # thresholds fall, so those from an edge up come first; the very first accepts nothing, as does an edge above
    accepting = np.maximum(np.searchsorted(-curve.thresholds, -edges[1:-1], side="right") - 1, 0)
    genuine, impostor = (
        -np.diff(np.concatenate(([accepts[-1]], accepts[accepting], [0])))
        for accepts in (curve.true_accepts, curve.false_accepts)
    )
    return CosineHistogram(edges, genuine, impostor)
