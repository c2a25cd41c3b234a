"""What should be found in the pictures of a batch, whoever says so: a teacher, or labels.

Shapes: N pictures, R boxes of all of them, C classes.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.boxes.geometry import visible
from distill.objectives.objective import Targets
from distill.objectives.precision import widened


@dataclass(frozen=True, eq=False)
class Wanted:
    """Boxes, and what each of them is for.

    Attributes:
        boxes: (R, 4), x1, y1, x2, y2 as shares of the view, clipped to it.
        scores: (R, C), what the classes of each box should be.
        pictures: int64 (R,), whose box each is.
        objects: bool (R,), those to be found.
        ignored: bool (R,), those that are neither objects nor background.
    """

    boxes: Tensor
    scores: Tensor
    pictures: Tensor
    objects: Tensor
    ignored: Tensor


def wanted_of(boxes: Any, scores: Tensor, objects: Tensor, ignored: Tensor, least: float) -> Wanted:
    """Boxes as views show them.

    Args:
        boxes: a ragged column of rows (R, 4), shares of the view, not clipped.
        least: the share of its area from which a box is an object; with less of it in view it is ignored, and with
            none of it there is nothing of it.
    """
    clipped, share = visible(widened(boxes.rows))
    seen = (share > 0) & (clipped[:, 2:] > clipped[:, :2]).all(dim=1)
    enough = share >= least
    return Wanted(clipped, scores, boxes.pictures, objects & seen & enough, seen & (ignored | (objects & ~enough)))


def wanted_by_labels(targets: Targets, classes: int, least: float, reason: str) -> Wanted:
    """The boxes of the data: those that it marks as difficult or as crowds are ignored.

    Args:
        classes: C.
        least: as in `wanted_of`.
        reason: who needs them, for the message.

    Raises:
        DistillError: there are none.
    """
    boxes, numbers, marked = (ragged(targets, name, reason) for name in ("boxes", "box_classes", "box_ignored"))
    ignored = marked.rows > 0
    scores = (numbers.rows[:, None] == torch.arange(classes, device=numbers.rows.device)).float()
    return wanted_of(boxes, scores, ~ignored, ignored, least)


def ragged(targets: Targets, name: str, reason: str) -> Any:
    """A ragged column: `rows`, their `offsets`, and `pictures`, whose each is.

    Raises:
        DistillError: it is not there.
    """
    column = targets.get(name)
    if column is None or not hasattr(column, "pictures"):
        raise DistillError(
            f"{reason}, which needs the column {name} of boxes; the batch has {', '.join(targets) or 'none'}."
        )
    return column
