"""What the outputs of a detector's graph mean: from its arrays to boxes and scores.

Shapes: N batch, K boxes, W classes of the detector, h w the pixels it sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from distill.errors import DistillError

Corners = Literal["xyxy", "xywh", "cxcywh"]
"""Two corners; the upper left corner and the size; the centre and the size."""
Unit = Literal["pixels", "shares"]
"""Of the picture it sees."""
Scores = Literal["classes", "objectness", "class_and_score"]
"""One for each class; these after one that is to be multiplied with each of them; the best class and its score."""

_AT_MOST = 1 + 1e-3  # of a score: float16 rounds one
SURE = 0.3
"""The score from which a box counts where it is asked whether boxes are read as they were written."""
_MOSTLY = 0.5  # of the boxes that count
_SWAPPED = 0.1
_INSIDE_A_PIXEL, _BEYOND = 1.5, 4.0


@dataclass(frozen=True)
class BoxOutputs:
    """How a detector writes what it sees.

    Attributes:
        boxes: the four numbers of a box.
        unit: of these numbers.
        scores: how sure it is of a box, and of which class that is.
        strides: of a detector that leaves its boxes on grids, the pixels of a cell of each, in the order the cells
            come in: its boxes are cxcywh, centres count from the cell in cells, and sizes are logarithms of cells. None
            where boxes are decoded.
        file: for messages.
    """

    boxes: Corners
    unit: Unit
    scores: Scores
    strides: tuple[int, ...] | None
    file: str

    def __post_init__(self) -> None:
        for key, choice in (("boxes", Corners), ("unit", Unit), ("scores", Scores)):
            if getattr(self, key) not in get_args(choice):
                raise DistillError(
                    f"teacher.{key} is {getattr(self, key)!r}, expected one of {', '.join(get_args(choice))}."
                )
        if self.strides is not None and (not self.strides or min(self.strides) < 1):
            raise DistillError(f"teacher.strides is {list(self.strides)}, expected pixels of a cell: 8, 16, 32.")
        if self.strides is not None and (self.boxes, self.unit) != ("cxcywh", "pixels"):
            raise DistillError(
                f"teacher.boxes is {self.boxes} in {self.unit}, and teacher.strides says that they lie on grids, where "
                "they are cxcywh in pixels. Leave out strides, or correct the others."
            )

    def __call__(
        self, outputs: Sequence[np.ndarray], classes: int | None, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a graph gave to N pictures as boxes and scores.

        Args:
            outputs: one array (N, K, 4 + ...) that has all, or boxes (N, K, 4), scores and, of `class_and_score`,
                numbers of classes; (N, columns, K) is turned around.
            classes: W where their names are known.
            height, width: pixels it saw.

        Returns:
            boxes float32 (N, K, 4), x1, y1, x2, y2 as shares of the picture, and scores (N, K, W).

        Raises:
            DistillError: the arrays are of other shapes, scores leave 0..1, or boxes are in another unit, or
                written otherwise, than said.
        """
        boxes, scores = self._parts(outputs, classes)
        if self.strides is not None:
            boxes = self._off_grids(boxes, self.strides, height, width)
        low, high = scores.min(initial=0), scores.max(initial=0)
        if not (low >= 0 and high <= _AT_MOST):  # NaN is neither
            raise DistillError(
                f"{self.file}: scores from {low:.3g} to {high:.3g}, expected 0 to 1. Are they logits, or does "
                "teacher.scores say another order of columns than the file has?"
            )
        if self.unit == "pixels":
            boxes = boxes / np.array([width, height, width, height], np.float32)
        corners = _corners(boxes, self.boxes)
        swapped = np.asarray((corners[..., 2:] < corners[..., :2]).any(axis=2))
        self._check_corners(swapped, scores)
        scores = np.where(swapped[..., None], 0, scores)  # a few are no boxes, as networks give them of low scores
        self._check_unit(corners, scores, height, width)
        return corners.astype(np.float32), np.minimum(scores, 1).astype(np.float32)

    def _parts(self, outputs: Sequence[np.ndarray], classes: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (N, K, 4) and scores (N, K, W), as they are written."""
        pair = self.scores == "class_and_score"
        if len(outputs) == 1:
            columns = 6 if pair else None if classes is None else 4 + (self.scores == "objectness") + classes
            rows = self._upright(outputs[0], columns)
            boxes, beside = rows[..., :4], rows[..., 4:]
            if pair:
                return boxes, self._spread(beside[..., 0], beside[..., 1], classes)
        else:
            boxes, beside = self._upright(outputs[0], 4), outputs[1]
            if pair:
                if len(outputs) != 3 or any(array.size != boxes[..., 0].size for array in outputs[1:]):
                    raise self._other_shapes(outputs, "boxes, scores and classes")
                score, number = (array.reshape(boxes.shape[:2]) for array in outputs[1:])
                return boxes, self._spread(score, number, classes)
            if len(outputs) != 2 or beside.ndim != 3:
                raise self._other_shapes(outputs, "boxes (N, K, 4) and scores (N, K, classes)")
            if beside.shape[1] != boxes.shape[1]:
                beside = beside.transpose(0, 2, 1)
        if self.scores == "objectness":
            beside = beside[..., :1] * beside[..., 1:]
        if beside.shape[:2] != boxes.shape[:2] or beside.shape[2] < 1 or classes not in (None, beside.shape[2]):
            raise self._other_shapes(outputs, f"scores of {classes or 'its'} classes for each box")
        return boxes, beside

    def _upright(self, array: np.ndarray, columns: int | None) -> np.ndarray:
        """(N, K, columns) of that or of (N, columns, K)."""
        if array.ndim == 3 and columns in (None, array.shape[2]):
            return array
        if array.ndim == 3 and array.shape[1] == columns:
            return array.transpose(0, 2, 1)
        raise self._other_shapes([array], f"(N, K, {columns or 'columns'})")

    def _spread(self, score: np.ndarray, number: np.ndarray, classes: int | None) -> np.ndarray:
        """The best class of each box (N, K) and its score, as scores (N, K, W). Rows that are none have a class < 0, or
        score 0."""
        count = int(number.max(initial=0)) + 1 if classes is None else classes
        whole = number.round().astype(np.int64)
        if np.abs(whole - number).max(initial=0) > 1e-3 or whole.max(initial=0) >= count:
            raise DistillError(
                f"{self.file}: class {number.max(initial=0):g} of a box, expected whole numbers below {count}. Do "
                "teacher.outputs name boxes, scores and classes in this order, and teacher.classes all of them?"
            )
        spread = np.zeros((*score.shape, count), np.float32)
        np.put_along_axis(spread, np.maximum(whole, 0)[..., None], np.where(whole < 0, 0, score)[..., None], axis=2)
        return spread

    def _off_grids(self, boxes: np.ndarray, strides: tuple[int, ...], height: int, width: int) -> np.ndarray:
        cells, sizes = [], []
        for stride in strides:
            y, x = np.mgrid[: height // stride, : width // stride]
            cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
            sizes.append(np.full((x.size, 1), stride))
        cell, size = np.concatenate(cells), np.concatenate(sizes)
        if len(cell) != boxes.shape[1]:
            raise DistillError(
                f"{self.file}: {boxes.shape[1]} boxes a picture, and grids of strides {list(strides)} on {height} x "
                f"{width} pixels have {len(cell)} cells. Correct teacher.strides, or leave it out of decoded boxes."
            )
        with np.errstate(over="ignore"):  # an infinite size is refused with the other numbers that are none
            return np.concatenate([(boxes[..., :2] + cell) * size, np.exp(boxes[..., 2:]) * size], axis=2)

    def _check_corners(self, swapped: np.ndarray, scores: np.ndarray) -> None:
        sure = swapped[scores.max(axis=2, initial=0) > SURE]
        if len(sure) and sure.mean() > _SWAPPED:
            raise DistillError(
                f"{self.file}: {sure.mean():.0%} of its boxes end before they begin. teacher.boxes is {self.boxes}; is "
                "it another of xyxy, xywh and cxcywh?"
            )

    def _check_unit(self, corners: np.ndarray, scores: np.ndarray, height: int, width: int) -> None:
        sure = corners[scores.max(axis=2, initial=0) > SURE]
        if not np.isfinite(corners).all():
            raise DistillError(f"{self.file}: NaN or infinity in its boxes. Check the size, scale, mean and std.")
        if not len(sure):
            return
        inside = np.abs(sure * [width, height, width, height]).max(axis=1) <= _INSIDE_A_PIXEL
        if self.unit == "pixels" and inside.mean() > _MOSTLY:
            raise DistillError(
                f"{self.file}: {inside.mean():.0%} of its boxes lie inside one pixel. teacher.unit is pixels; is it "
                "shares?"
            )
        outside = (sure[:, :2] >= 1).any(axis=1) | (sure[:, 2:] <= 0).any(axis=1)
        beyond = outside | (np.abs(sure).max(axis=1) > _BEYOND)
        if beyond.mean() > _MOSTLY:
            raise DistillError(
                f"{self.file}: {beyond.mean():.0%} of its boxes lie beyond the picture. teacher.unit is {self.unit} "
                f"and teacher.boxes {self.boxes}; is it pixels, or of another size than {height} x {width}?"
            )

    def _other_shapes(self, outputs: Sequence[np.ndarray], expected: str) -> DistillError:
        shapes = ", ".join(str(array.shape) for array in outputs)
        return DistillError(
            f"{self.file}: its outputs have shapes {shapes}, expected {expected}. teacher.scores is {self.scores}; "
            "teacher.outputs names the outputs, teacher.classes all classes of the file."
        )


def _corners(boxes: np.ndarray, form: Corners) -> np.ndarray:
    """(N, K, 4) to two corners each."""
    if form == "xyxy":
        return boxes
    start, size = boxes[..., :2], boxes[..., 2:]
    first = start - size / 2 if form == "cxcywh" else start
    return np.concatenate([first, first + size], axis=2)
