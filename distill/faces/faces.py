"""The faces found in one photograph.

A place is (column, row) in pixels of the upright photograph, and the centre of its first pixel is (0, 0), as
`distill.preprocess.landmarks` counts.

Shapes: K faces.
"""

from dataclasses import dataclass

import numpy as np

from distill.preprocess.landmarks import LANDMARKS, Point


@dataclass(frozen=True, eq=False)
class Faces:
    """What a detector found, the surest first.

    Attributes:
        height, width: pixels of the photograph.
        best: the highest score of any place in it, whether a face was found or not.
        scores: float64 (K,), 0 to 1.
        boxes: float64 (K, 4): left, top, right, bottom; a face at the edge may reach beyond the photograph.
        landmarks: float64 (K, 5, 2), in the order of `LANDMARKS`.
    """

    height: int
    width: int
    best: float
    scores: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def sizes(self) -> np.ndarray:
        """float64 (K,), the shorter side of each box in pixels."""
        return np.minimum(self.boxes[:, 2] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 1])

    @property
    def turns(self) -> np.ndarray:
        """float64 (K,), degrees from 0 to 90 that each face is turned away from the camera to a side, estimated.

        The tip of the nose stands before the middle of a face about as far as an eye stands beside it. So where a
        face is turned by t, the nose has left the line from the middle of the eyes to that of the mouth by sin(t),
        and the eyes stand cos(t) to either side of that line: t is the arc tangent of the two. A face seen in
        profile, whose far eye is hidden behind the nose, has nearly 90. Turning in the plane of the picture changes
        nothing, and looking up or down little.
        """
        eyes, nose, mouth = self.landmarks[:, :2], self.landmarks[:, 2], self.landmarks[:, 3:]
        down = mouth.mean(axis=1) - eyes.mean(axis=1)
        down = down / np.maximum(np.linalg.norm(down, axis=1, keepdims=True), 1e-9)
        across = np.stack([-down[:, 1], down[:, 0]], axis=1)
        left = np.abs(((nose - eyes.mean(axis=1)) * across).sum(axis=1))
        half = np.abs(((eyes[:, 1] - eyes[:, 0]) * across).sum(axis=1)) / 2
        return np.degrees(np.arctan2(left, half))

    def points(self, number: int) -> dict[str, Point]:
        """The landmarks of one face by name."""
        return {name: (float(x), float(y)) for name, (x, y) in zip(LANDMARKS, self.landmarks[number], strict=True)}
