"""A face detector's file in onnxruntime: a photograph in, its faces out.

Shapes: H W pixels of the photograph, K faces.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill.errors import DistillError, shortened
from distill.faces.decoding import Layout, layout_of
from distill.faces.faces import Faces
from distill.predictors.onnx_session import OnnxSession
from distill.preprocess.preprocess import Preprocess

LEAST = 0.3
"""The score from which a place is taken for a face at all; which of those count is for `distill.faces.choice`."""
MULTIPLE = 32  # of pixels, that the sides of what a detector is shown are: its coarsest stride
_TRIED = 64  # pixels of the picture by whose outputs the layout is told


class Detector:
    """One file, by its layout. It is opened where it is first used, so that it can be sent to other processes.

    A photograph whose longer side is longer than `side` is reduced to that by an antialiased kernel; none is enlarged.
    Below it and to its right the sides are filled up with black to whole strides, or to the size that a file is fixed
    at.

    Args:
        file: YuNet, SCRFD or RetinaFace with five landmarks.
        side: pixels.

    Raises:
        DistillError: as it is opened: no ONNX file, or the outputs are of no known layout, and are listed.
    """

    def __init__(self, file: Path, side: int) -> None:
        self.file, self.side = file.expanduser(), side

    def __reduce__(self) -> tuple[type["Detector"], tuple[Path, int]]:
        return Detector, (self.file, self.side)

    def __call__(self, picture: np.ndarray) -> Faces:
        """The faces in a photograph, uint8 (H, W, 3), RGB.

        Raises:
            DistillError: the runtime refuses the picture.
        """
        high, wide, _ = picture.shape
        scale = self._scale(high, wide)
        height, width = max(1, round(high * scale)), max(1, round(wide * scale))
        pixels = torch.from_numpy(np.ascontiguousarray(picture)).unsqueeze(0)
        if (height, width) == (high, wide):
            shown = pixels[0].permute(2, 0, 1).float().numpy()
        else:
            shown = Preprocess.resizing(height, width).scale(pixels)[0].round().numpy()
        input_height, input_width = self._fixed or (-(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE)
        outputs = self._answers(shown, self._layout, input_height, input_width)
        rows, best = self._layout.decode(outputs, input_height, input_width, LEAST)
        kept = _apart(rows.boxes, rows.scores, self._layout.overlap)
        # From the centres of the pixels of what was shown to those of the photograph, along each side by itself.
        ratio = np.array([wide / width, high / height])
        boxes = (rows.boxes[kept].reshape(-1, 2, 2) + 0.5) * ratio - 0.5
        landmarks = (rows.landmarks[kept] + 0.5) * ratio - 0.5
        return Faces(high, wide, best, rows.scores[kept], boxes.reshape(-1, 4), landmarks)

    @property
    def layout(self) -> str:
        """What its outputs are of: yunet, scrfd or retinaface."""
        return self._layout.name

    def facts(self) -> dict[str, Any]:
        """How photographs are shown to it and what of its answers counts, for JSON: all that another program needs
        beside the graph to find what it finds."""
        layout = self._layout
        shown = {"layout": layout.name, "bgr": layout.bgr, "mean": layout.mean, "scale": layout.scale}
        sizes = {"side": self.side, "multiple": MULTIPLE, "fixed": self._fixed}
        return {**shown, **sizes, "least": LEAST, "overlap": layout.overlap}

    def fingerprint(self) -> str:
        """sha256 over all files of the graph, and how photographs are shown to it."""
        digest = hashlib.sha256(repr((self.side, LEAST, MULTIPLE)).encode())
        for file in self._session.files:
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def _scale(self, high: int, wide: int) -> float:
        scale = min(1.0, self.side / max(high, wide))
        if self._fixed is not None:
            scale = min(scale, self._fixed[0] / high, self._fixed[1] / wide)
        return scale

    def _answers(self, shown: np.ndarray, layout: Layout | None, height: int, width: int) -> list[np.ndarray]:
        """The outputs, (R, C) each, to a picture, float32 (3, h, w) in RGB, filled up to (height, width)."""
        filled = np.zeros((1, 3, height, width), np.float32)
        filled[0, :, : shown.shape[1], : shown.shape[2]] = shown
        if layout is not None:
            filled = filled[:, ::-1] if layout.bgr else filled
            filled = (filled - np.array(layout.mean, np.float32)[:, None, None]) * np.float32(layout.scale)
        session = self._session
        outputs = session.infer(filled.astype(session.dtype), list(session.outputs))
        return [output[0] if output.ndim == 3 else output for output in outputs]

    @cached_property
    def _session(self) -> OnnxSession:
        # Photographs of many sizes are shown one by one, each by a thread of its own.
        return OnnxSession(self.file, threads=1)

    @cached_property
    def _fixed(self) -> tuple[int, int] | None:
        """Height and width that the file is fixed at."""
        height, width = self._session.shape[2:]
        return None if height is None or width is None else (height, width)

    @cached_property
    def _layout(self) -> Layout:
        height, width = self._fixed or (_TRIED, _TRIED)
        if self._session.shape[1] not in (3, None):
            raise DistillError(
                f"{self.file}: its input has shape {self._session.shape}, expected a face detector's (1, 3, H, W)."
            )
        outputs = self._answers(np.zeros((3, 1, 1), np.float32), None, height, width)
        layout = layout_of(outputs, height, width)
        if layout is None:
            listed = shortened(
                ", ".join(
                    f"{name} {list(output.shape)}" for name, output in zip(self._session.outputs, outputs, strict=True)
                )
            )
            raise DistillError(
                f"{self.file}: is no face detector of a known layout. To a picture of {height} x {width} its outputs "
                f"are {listed}; expected those of YuNet, SCRFD or RetinaFace with five landmarks (an output of 10 "
                "columns for each of boxes)."
            )
        return layout


def _apart(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """int64 (K,), the boxes that no surer one overlaps by more than that IoU, the surest first."""
    areas = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1)
    rest, kept = np.argsort(-scores, kind="stable"), []
    while len(rest):
        first, others = rest[0], rest[1:]
        kept.append(first)
        corners = np.maximum(boxes[first, :2], boxes[others, :2]), np.minimum(boxes[first, 2:], boxes[others, 2:])
        shared = (corners[1] - corners[0]).clip(0).prod(axis=1)
        rest = others[shared <= overlap * (areas[first] + areas[others] - shared)]
    return np.array(kept, np.int64)
