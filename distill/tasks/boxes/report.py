"""What the page shows of boxes: precision against recall, and pictures with what is there and what was found.

Shapes: D boxes found of all pictures together, H W pixels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distill.answers.drawing import drawn
from distill.data.prepared.pictures import Pictures
from distill.evaluation.boxes.curves import precision_recall
from distill.evaluation.boxes.error_kinds import error_kinds
from distill.evaluation.boxes.matching import Matches
from distill.report.data_uris import picture_uri, svg_uri
from distill.report.section import Section
from distill.tasks.boxes.entries import BoxEntries
from distill.tasks.boxes.found import Found, ragged
from distill.tasks.boxes.pictures import BOX_CLASSES, BOXES
from distill.tasks.boxes.plots import error_kinds_plot, precision_recall_plot

EXAMPLES = 12
SHOWN_FROM = 0.3
"""The score from which a box is drawn."""
CURVES, ERRORS, GALLERY = (Path(__file__).with_name(f"{name}.html") for name in ("curves", "errors", "gallery"))


def box_report(
    matches: Mapping[str, Matches], found: Mapping[str, Found], test: Pictures, shown: np.ndarray
) -> tuple[BoxEntries, list[Section]]:
    """The task's entries of results.json and its sections of the page.

    Args:
        matches, found: by role, the teacher's first.
        shown: int64 (n,), which test pictures are shown.
    """
    curves = {role: precision_recall(one) for role, one in matches.items()}
    errors = {role: error_kinds(one) for role, one in matches.items()}
    entries: BoxEntries = {
        "precision_recall": {role: curve.mean[0].tolist() for role, curve in curves.items()},
        "errors": {role: one.to_dict()["kinds"] for role, one in errors.items()},
    }
    plot, bars = svg_uri(precision_recall_plot(curves)), svg_uri(error_kinds_plot(errors))
    examples = [_example(test, int(number), found) for number in shown]
    return entries, [
        Section("Precision and recall", CURVES, {"plot": plot, "roles": list(curves)}),
        Section("What the errors cost", ERRORS, {"plot": bars, "roles": list(errors)}),
        Section("What was found", GALLERY, {"examples": examples, "from_score": SHOWN_FROM}, below="agreement"),
    ]


def _example(test: Pictures, number: int, found: Mapping[str, Found]) -> dict[str, Any]:
    """One test picture as often as there is somebody to ask: what is labelled, and what each model found."""
    (picture,) = test.gather(np.array([number]))
    boxes, classes = (ragged(test.targets[name])[number] for name in (BOXES, BOX_CLASSES))
    panels = {"labelled": drawn(picture, boxes, [test.classes[c] for c in classes])}
    for role, one in found.items():
        sure = one.scores[number] >= SHOWN_FROM
        names = [
            f"{test.classes[c]} {score:.2f}"
            for c, score in zip(one.classes[number][sure], one.scores[number][sure], strict=True)
        ]
        panels[role] = drawn(picture, one.boxes[number][sure], names)
    return {"panels": {role: picture_uri(panel) for role, panel in panels.items()}}
