"""Crops that hold an object: what a crop at random mostly shows of a picture with few of them is ground.

Shapes: N batch, R boxes of all pictures together.
"""

from collections.abc import Iterable

import numpy as np

from distill.data.targets import Column, Ragged
from distill.data.views.philox import Purpose, uniform, words
from distill.data.views.views import Views
from distill.errors import DistillError


def boxes_column(columns: Iterable[Column]) -> Column | None:
    """The column whose boxes crops are drawn around: the last of boxes in any number, so that a teacher's, which come
    after the data's own, go before these. None where there is none."""
    found = [column for column in columns if column.ragged and column.place == "boxes"]
    return found[-1] if found else None


def check_objects(views: Views, columns: Iterable[Column]) -> None:
    """Refuse to draw crops around boxes that nobody knows.

    Raises:
        DistillError: `keep_object` is set, and the pictures have no boxes.
    """
    if views.keep_object and boxes_column(columns) is None:
        raise DistillError(f"views.keep_object is {views.keep_object}, and the pictures have no boxes. Set it to 0.")


def around_objects(
    views: Views, seed: int, hashes: np.ndarray, view: int, sides: np.ndarray, boxes: Ragged
) -> tuple[np.ndarray, np.ndarray]:
    """Crops moved so that the centre of one of the picture's boxes lies inside.

    Which of the boxes it is, and where in the crop it lies, is drawn: all are equally likely, and so are all places of
    the crop that are inside the picture and hold the centre.

    Args:
        hashes: uint64 (N,), of the pictures.
        sides: (N, 2), height and width of the crops as shares of the picture.
        boxes: (R, 4) of the pictures, x1, y1, x2, y2 as shares of it.

    Returns:
        bool (N,), which crops are moved, and float64 (N, 2), where their upper left corners then are, as shares. Crops
        of a picture without boxes are not, nor those around a centre outside of the picture.
    """
    u = uniform(words(seed, hashes, view, Purpose.OBJECT))
    counts = boxes.counts
    chosen = boxes.offsets[:-1] + np.minimum((u[:, 1] * counts).astype(np.int64), counts - 1)
    known = counts > 0
    centres = np.full((len(hashes), 2), 0.5)
    box = boxes.rows[chosen[known]].astype(np.float64)
    centres[known] = np.stack([box[:, 1] + box[:, 3], box[:, 0] + box[:, 2]], axis=1) / 2
    moved = (u[:, 0] < views.keep_object) & known & ((centres >= 0) & (centres <= 1)).all(axis=1)
    first, last = np.maximum(centres - sides, 0), np.minimum(centres, 1 - sides)
    return moved, first + (last - first) * u[:, 2:]
