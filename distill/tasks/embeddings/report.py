"""What the page shows of embeddings: ROC, scores of genuine and impostor pairs, the way from photographs, rank curve,
hardest pairs.

Shapes: K pairs shown, H W pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill import formatting
from distill.evaluation.open_set import OpenSetScores
from distill.report.data_uris import picture_uri, svg_uri
from distill.report.section import Section
from distill.tasks.embeddings.entries import EmbeddingEntries
from distill.tasks.embeddings.plots import histogram_plot, rank_plot, roc_plot

VERIFICATION, FINDING, IDENTIFICATION, HARDEST = (
    Path(__file__).with_name(name)
    for name in ("verification.html", "finding.html", "identification.html", "hardest.html")
)


@dataclass(frozen=True)
class ShownPairs:
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


def embedding_report(
    entries: EmbeddingEntries,
    pairs: ShownPairs,
    open_sets: Mapping[str, OpenSetScores],
    scores: Mapping[str, Mapping[str, Any]],
) -> list[Section]:
    """The sections on verification, on what finding faces cost where they were looked for, on identification where
    pictures were searched for, and the hardest pairs.

    Args:
        open_sets: by role, the search among people of whom some are not enrolled; empty where it was not measured.
        scores: by role, what stands under a model in results.json.
    """
    thresholds, ranks = entries.get("at_teacher_thresholds", []), entries["ranks"]
    verification = {
        "models": list(entries["roc"]),
        "roc": svg_uri(roc_plot(entries["roc"])),
        "histograms": svg_uri(histogram_plot(entries["histograms"], thresholds[0] if thresholds else None)),
        "thresholds": thresholds,
    }
    sections = [Section("Verification", VERIFICATION, verification)]
    if finding := _finding(scores):
        sections.append(Section("From photographs to answer", FINDING, finding))
    if ranks:
        identification = {
            "models": list(ranks),
            "ranks": svg_uri(rank_plot(ranks)),
            "rank_1": ", ".join(f"{role} {formatting.score(shares[0])}" for role, shares in ranks.items()),
            "open_sets": open_sets,
        }
        sections.append(Section("Identification", IDENTIFICATION, identification))
    if hardest := _hardest(pairs):
        sections.append(Section("Hardest pairs", HARDEST, {"hardest": hardest}))
    return sections


def _finding(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """What was found in the photographs, which is the same for all models, and what each scores with it; None where
    faces were not looked for."""
    found = {role: one["finding"] for role, one in scores.items() if "finding" in one}
    if not found:
        return None
    first = next(iter(found.values()))
    rows = []
    for role, finding in found.items():
        shown = [scores[role], finding["whole"], *([finding["given"]] if "given" in finding else [])]
        rows.append({"role": role, "scores": shown, "loss": finding.get("loss")})
    return {
        "photographs": first["photographs"],
        "unusable": ", ".join(f"{kind} {formatting.count(number)}" for kind, number in first["unusable"].items()),
        "pairs_lost": first["pairs_lost"],
        "pairs": first["whole"]["counts"]["pairs"],
        "given": "given" in first,
        "rows": rows,
    }


def _hardest(pairs: ShownPairs) -> list[dict[str, Any]]:
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
