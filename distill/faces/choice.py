"""Which of the faces found in a photograph are used, and why others are not."""

from typing import NamedTuple

import numpy as np

from distill.faces.faces import Faces
from distill.faces.settings import Detect

_FACE = "face: "
PROMINENT = 2
"""A face that is more than so many times smaller than the largest of a photograph stands in its background."""
KINDS = ("none found", "doubtful", "small", "turned away")
"""How the reasons begin, and what is counted."""


class Chosen(NamedTuple):
    """One face of a photograph, or its lack.

    Attributes:
        number: its row in `Faces`; None where there is no face.
        reason: why it cannot be used, as ledgers have it, or "".
    """

    number: int | None
    reason: str


def about_a_face(reason: str) -> bool:
    """Whether a picture was left out for its face, by the ledger's reason, and not because it cannot be read."""
    return reason.startswith(_FACE)


def kind_of(reason: str) -> str:
    """Which of `KINDS` a reason is of."""
    return next(kind for kind in KINDS if reason.startswith(f"{_FACE}{kind}"))


def choose(faces: Faces, settings: Detect, every: bool) -> list[Chosen]:
    """The face that a photograph is used for, or each of its faces, the largest first.

    A face is taken by where it stands among those that are sure enough, and refused afterwards where it is small or
    turned away: in its place another one would be taken for the person whom the photograph shows.

    Args:
        every: each of the faces; settings.face says which otherwise.

    Returns:
        at least one.
    """
    if not len(faces):
        return [Chosen(None, f"{_FACE}none found (best score {faces.best:.2f})")]
    sure = np.flatnonzero(faces.scores >= settings.least_score)
    if not len(sure):
        least = f"below least_score {settings.least_score:g}"
        return [Chosen(0, f"{_FACE}doubtful, score {faces.scores[0]:.2f}, {least}")]
    boxes = faces.boxes[sure]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1).round()  # of two as large the surer comes first
    order = np.argsort(-areas, kind="stable")
    if settings.face != "largest" and not every:
        prominent = order[areas[order] * PROMINENT**2 >= areas.max()]
        middle = np.array([faces.width - 1, faces.height - 1]) / 2
        away = np.linalg.norm((boxes[prominent, :2] + boxes[prominent, 2:]) / 2 - middle, axis=1)
        order = prominent[np.argsort(away, kind="stable")]
    return [
        Chosen(int(number), _refusal(faces, int(number), settings)) for number in sure[order if every else order[:1]]
    ]


def _refusal(faces: Faces, number: int, settings: Detect) -> str:
    size, turn, score = faces.sizes[number], faces.turns[number], faces.scores[number]
    if size < settings.least_size:
        return f"{_FACE}small, {size:.0f} pixels, below least_size {settings.least_size:g} (score {score:.2f})"
    if turn > settings.largest_turn:
        return (
            f"{_FACE}turned away by about {turn:.0f} degrees, more than largest_turn {settings.largest_turn:g} "
            f"(score {score:.2f})"
        )
    return ""
