"""How pictures of all sizes become prepared ones, and where a place of the picture then lies.

Shapes: H W pixels of the picture.
"""

from dataclasses import dataclass

import numpy as np

from distill.data.prepared.alignment import Alignment
from distill.preprocess.preprocess import Fit, fit, fitting


@dataclass(frozen=True)
class Frame:
    """The size of prepared pictures, and what brings others to it.

    Attributes:
        height, width: pixels.
        fit: of a picture of another shape.
        align: brings the face to its place instead.
    """

    height: int
    width: int
    fit: Fit = "crop"
    align: Alignment | None = None

    def __call__(self, picture: np.ndarray, name: str) -> np.ndarray:
        """uint8 (H, W, 3) to uint8 (height, width, 3); one of that size comes back as it is where nothing is aligned.

        Raises:
            BadPicture: as `Alignment`.
        """
        if self.align is not None:
            return self.align(picture, name, self.height, self.width)
        return fit(picture, self.height, self.width, self.fit)

    def placement(self, picture: np.ndarray, name: str) -> np.ndarray:
        """From places of a picture, in pixels from its edges, to shares of the prepared one: float64 (2, 3).

        Raises:
            BadPicture: as `Alignment`.
        """
        size_y, size_x, _ = picture.shape
        if self.align is not None:
            matrix = self.align.matrix(size_y, size_x, name, self.height, self.width)
            # Landmarks count from the centre of the first pixel.
            matrix[:, 2] += 0.5 - matrix[:, :2].sum(axis=1) * 0.5
        else:
            shown, filled = fitting(size_y, size_x, self.height, self.width, self.fit)
            scale_x, scale_y = filled.width / shown.width, filled.height / shown.height
            matrix = np.array(
                [
                    [scale_x, 0.0, filled.left - shown.left * scale_x],
                    [0.0, scale_y, filled.top - shown.top * scale_y],
                ]
            )
        return matrix / np.array([[self.width], [self.height]])
