"""What the page shows of embeddings: ROC, scores of genuine and impostor pairs, rank curve, the hardest pairs.

Shapes: K pairs shown, H W pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill import formatting
from distill.report.data_uris import picture_uri, svg_uri
from distill.report.plots import histogram_plot, rank_plot, roc_plot


@dataclass(frozen=True)
class Pairs:
    """Pairs of pictures shown with what the models made of them, in the order they are shown in.

    Attributes:
        pictures: uint8 (K, 2, H, W, 3), RGB, the two sides of each pair.
        same: bool (K,), whether a pair shows one person.
        student: float (K,), the student's scores.
        teacher: float (K,), the teacher's; None where there is none.
    """

    pictures: np.ndarray
    same: np.ndarray
    student: np.ndarray
    teacher: np.ndarray | None = None


def embedding_parts(results: Mapping[str, Any], pairs: Pairs | None) -> dict[str, Any]:
    """The variables of embeddings.html, None or empty where the run did not produce them.

    Args:
        results: the content of results.json; read are `roc`, `histograms` and `ranks`, each from a model's role to its
            values, and `at_teacher_thresholds`.
    """
    thresholds = results.get("at_teacher_thresholds") or []
    marked = thresholds[0] if thresholds else None
    roc, histograms, ranks = (_measured(results.get(name)) for name in ("roc", "histograms", "ranks"))
    return {
        "roc": svg_uri(roc_plot(roc)) if roc else None,
        "histograms": svg_uri(histogram_plot(histograms, marked)) if histograms else None,
        "ranks": svg_uri(rank_plot(ranks)) if ranks else None,
        "rank_1": ", ".join(f"{role} {formatting.score(shares[0])}" for role, shares in ranks.items()),
        "thresholds": thresholds,
        "hardest": _hardest(pairs) if pairs else [],
    }


def _measured(models: Mapping[str, Any] | None) -> dict[str, Any]:
    return {role: values for role, values in (models or {}).items() if values}


def _hardest(pairs: Pairs) -> list[dict[str, Any]]:
    """Genuine and impostor pairs, each with a title."""
    groups = []
    for same, title in ((True, "One person, least alike to the student"), (False, "Two people, most alike")):
        shown = [
            {
                "sides": [picture_uri(side) for side in pairs.pictures[k]],
                "student": float(pairs.student[k]),
                "teacher": None if pairs.teacher is None else float(pairs.teacher[k]),
            }
            for k in np.flatnonzero(pairs.same == same)
        ]
        if shown:
            groups.append({"title": title, "pairs": shown})
    return groups
