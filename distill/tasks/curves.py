"""What a report draws of verification, short enough for results.json.

Shapes: B bins.
"""

from typing import Any

import numpy as np

from distill.evaluation.roc import Roc

POINTS, BINS = 200, 100


def roc_curve(roc: Roc) -> dict[str, Any]:
    """FAR and TAR, rising, at most `POINTS` of them."""
    far, tar = roc.curve(POINTS)
    return {"far": far.tolist(), "tar": tar.tolist()}


def histograms(roc: Roc) -> dict[str, Any]:
    """Pairs of each kind by score: B + 1 `edges`, and B counts `genuine` and `impostors`."""
    # The first threshold lies above every score.
    scores = roc.thresholds[1:]
    edges = np.linspace(scores.min(), max(scores.max(), scores.min() + 1e-6), BINS + 1)
    found: dict[str, Any] = {"edges": edges.tolist()}
    for kind, accepts in (("genuine", roc.true_accepts), ("impostors", roc.false_accepts)):
        counts, _ = np.histogram(scores, edges, weights=np.diff(accepts))
        found[kind] = counts.round().astype(int).tolist()
    return found
