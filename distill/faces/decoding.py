"""From a detector's outputs to boxes, scores and landmarks, in pixels of the picture it was shown.

Three layouts, told apart by the shapes of the outputs alone, since exports name them as they like. Each has rows for
the cells of grids of strides 8, 16 and 32 (SCRFD of 15 outputs: up to 128), in reading order:

    yunet       4 tensors a stride: two of (R, 1), whose product is the score squared, (R, 4), (R, 10); a row a cell.
                Centre = cell + value, size = exp(value), landmark = cell + value, all times the stride, as
                OpenCV's FaceDetectorYN has them.
    scrfd       3 tensors a stride: (R, 1) scores, (R, 4) distances from the cell to left, top, right and bottom, and
                (R, 10), all times the stride; two rows a cell, or one where there are five strides.
    retinaface  3 tensors: (R, 4), (R, 2), of which the second is the face's, and (R, 10); two rows a cell, of boxes of
                16 and 32, 64 and 128, 256 and 512 pixels, with the variances 0.1 and 0.2 of SSD.

Shapes: R rows, H W pixels of the picture shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

STRIDES = (8, 16, 32)
_BOXES = {8: (16.0, 32.0), 16: (64.0, 128.0), 32: (256.0, 512.0)}
"""Sides of RetinaFace's boxes in pixels, by stride."""


class Rows(NamedTuple):
    """What a detector says of each row: float64 scores (R,), boxes (R, 4) by corners, landmarks (R, 5, 2)."""

    scores: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray


@dataclass(frozen=True)
class Layout:
    """How a family of detectors is shown a picture, and what it answers.

    Attributes:
        bgr: whether it wants blue first.
        mean, scale: the pixels are (x - mean) * scale, by channel in its own order.
        overlap: IoU past which the less sure of two boxes is the same face.
        decode: from the outputs, (R, C) each, height and width of the picture shown, and a score, to rows of at least
            that score, and the best score of any.
    """

    name: str
    bgr: bool
    mean: tuple[float, float, float]
    scale: float
    overlap: float
    decode: Callable[[Sequence[np.ndarray], int, int, float], tuple[Rows, float]]


def layout_of(outputs: Sequence[np.ndarray], height: int, width: int) -> Layout | None:
    """The layout whose shapes the outputs to a picture of that size have; None where they are of none.

    Args:
        outputs: (R, C) each, in the order of the graph.
    """
    shapes = sorted(output.shape for output in outputs)
    for layout, expected in _expected(height, width):
        if shapes == sorted(expected):
            return layout
    return None


def _expected(height: int, width: int) -> list[tuple[Layout, list[tuple[int, int]]]]:
    cells = {stride: -(-height // stride) * -(-width // stride) for stride in (*STRIDES, 64, 128)}
    return [
        (YUNET, [(cells[stride], columns) for stride in STRIDES for columns in (1, 1, 4, 10)]),
        (SCRFD, [(2 * cells[stride], columns) for stride in STRIDES for columns in (1, 4, 10)]),
        (SCRFD, [(cells[stride], columns) for stride in cells for columns in (1, 4, 10)]),
        (RETINAFACE, [(sum(2 * cells[stride] for stride in STRIDES), columns) for columns in (4, 2, 10)]),
    ]


def _columns(outputs: Sequence[np.ndarray]) -> Mapping[int, list[np.ndarray]]:
    """The outputs by their number of columns, the finest stride first."""
    columns: dict[int, list[np.ndarray]] = {}
    for output in sorted(outputs, key=len, reverse=True):
        columns.setdefault(output.shape[1], []).append(output)
    return columns


def _cells(rows: np.ndarray, stride: int, width: int) -> np.ndarray:
    """(column, row) of the cells with these numbers: float64 (R, 2)."""
    row, column = np.divmod(rows, -(-width // stride))
    return np.stack([column, row], axis=1).astype(np.float64)


def _joined(parts: Sequence[Rows]) -> Rows:
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _yunet(outputs: Sequence[np.ndarray], height: int, width: int, least: float) -> tuple[Rows, float]:
    columns, parts, best = _columns(outputs), [], 0.0
    for place, stride in enumerate(STRIDES):
        one, other = (columns[1][2 * place + k][:, 0].astype(np.float64).clip(0, 1) for k in (0, 1))
        scores = np.sqrt(one * other)
        best = max(best, float(scores.max(initial=0)))
        rows = np.flatnonzero(scores >= least)
        cells = _cells(rows, stride, width)
        values = columns[4][place][rows].astype(np.float64)
        centres, halves = cells + values[:, :2], np.exp(values[:, 2:]) / 2
        landmarks = cells[:, None] + columns[10][place][rows].astype(np.float64).reshape(-1, 5, 2)
        boxes = np.concatenate([centres - halves, centres + halves], axis=1)
        parts.append(Rows(scores[rows], boxes * stride, landmarks * stride))
    return _joined(parts), best


def _scrfd(outputs: Sequence[np.ndarray], height: int, width: int, least: float) -> tuple[Rows, float]:
    columns, parts, best = _columns(outputs), [], 0.0
    anchors = 2 if len(outputs) == 3 * len(STRIDES) else 1
    for place in range(len(outputs) // 3):
        stride = STRIDES[0] * 2**place
        scores = columns[1][place][:, 0].astype(np.float64)
        best = max(best, float(scores.max(initial=0)))
        rows = np.flatnonzero(scores >= least)
        cells = _cells(rows // anchors, stride, width)
        values = columns[4][place][rows].astype(np.float64)
        landmarks = cells[:, None] + columns[10][place][rows].astype(np.float64).reshape(-1, 5, 2)
        boxes = np.concatenate([cells - values[:, :2], cells + values[:, 2:]], axis=1)
        parts.append(Rows(scores[rows], boxes * stride, landmarks * stride))
    return _joined(parts), best


def _retinaface(outputs: Sequence[np.ndarray], height: int, width: int, least: float) -> tuple[Rows, float]:
    columns = _columns(outputs)
    (locations,), (confidences,), (points,) = columns[4], columns[2], columns[10]
    confidences = confidences.astype(np.float64)
    if not np.allclose(confidences.sum(axis=1), 1, atol=1e-3):  # exported without its last step
        powers = np.exp(confidences - confidences.max(axis=1, keepdims=True))
        confidences = powers / powers.sum(axis=1, keepdims=True)
    scores, parts, begin = confidences[:, 1], [], 0
    for stride in STRIDES:
        end = begin + 2 * -(-height // stride) * -(-width // stride)
        rows = np.flatnonzero(scores[begin:end] >= least)
        centres = (_cells(rows // 2, stride, width) + 0.5) * stride
        size = np.array(_BOXES[stride])[rows % 2][:, None]
        values = locations[begin:end][rows].astype(np.float64)
        middle, half = centres + values[:, :2] * 0.1 * size, size * np.exp(values[:, 2:] * 0.2) / 2
        shifts = points[begin:end][rows].astype(np.float64).reshape(-1, 5, 2)
        landmarks = centres[:, None] + shifts * 0.1 * size[:, None]
        parts.append(Rows(scores[begin:end][rows], np.concatenate([middle - half, middle + half], axis=1), landmarks))
        begin = end
    return _joined(parts), float(scores.max(initial=0))


YUNET = Layout("yunet", True, (0.0, 0.0, 0.0), 1.0, 0.3, _yunet)
SCRFD = Layout("scrfd", False, (127.5, 127.5, 127.5), 1 / 128, 0.4, _scrfd)
RETINAFACE = Layout("retinaface", True, (104.0, 117.0, 123.0), 1.0, 0.4, _retinaface)
