"""Five points of a face: where they lie in aligned pictures, and the similarity transform from some to others.

A place is (column, row) in pixels, and the centre of the first pixel is (0, 0): its left and upper edges lie at -0.5,
and a picture of W columns ends at W - 0.5. That is what detectors and published templates count in. Left and right
are those of the picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Point = tuple[float, float]

LANDMARKS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""The usual five, in the usual order: the eyes' centres, the tip of the nose, the corners of the mouth."""


@dataclass(frozen=True)
class Template:
    """Where the points lie in every picture of a set that somebody aligned.

    Attributes:
        height, width: pixels of its pictures.
        points: by name, those of `LANDMARKS` that are known.
    """

    height: int
    width: int
    points: Mapping[str, Point]

    def stretched(self, height: int, width: int) -> dict[str, Point]:
        """The points in a whole picture of the template that was resized."""
        tall, wide = height / self.height, width / self.width
        return {name: ((x + 0.5) * wide - 0.5, (y + 0.5) * tall - 0.5) for name, (x, y) in self.points.items()}

    def cut(self, height: int, width: int) -> dict[str, Point]:
        """The points in the largest centred box of that shape, resized; pixels stay square."""
        scale = max(height / self.height, width / self.width)
        return {
            name: (
                (x + 0.5 - self.width / 2) * scale + width / 2 - 0.5,
                (y + 0.5 - self.height / 2) * scale + height / 2 - 0.5,
            )
            for name, (x, y) in self.points.items()
        }


CELEBA = Template(
    218,
    178,
    {
        "left_eye": (69.5, 111.0),
        "right_eye": (108.5, 111.0),
        "left_mouth": (72.0, 152.0),
        "right_mouth": (106.0, 152.0),
    },
)
"""CelebA's aligned pictures (arXiv 1411.7766); nobody states a nose."""

ARCFACE = Template(
    112,
    112,
    {
        "left_eye": (38.3, 51.7),
        "right_eye": (73.5, 51.5),
        "nose": (56.0, 71.7),
        "left_mouth": (41.5, 92.4),
        "right_mouth": (70.7, 92.2),
    },
)
"""The pictures that recognisers of ArcFace's kind (arXiv 1801.07698) are trained on."""


AlignedTo = Literal["celeba", "arcface112"]
TEMPLATES: dict[AlignedTo, Template] = {"celeba": CELEBA, "arcface112": ARCFACE}


def similarity(points: Mapping[str, Point], wanted: Mapping[str, Point]) -> np.ndarray:
    """The rotation, scale and shift that bring points to where they are wanted, by least squares.

    Umeyama's solution (IEEE TPAMI 13(4), 1991), which in the plane is one complex number: with both sets centred at
    their means and read as p, q, scale and rotation are sum(conj(p) q) / sum(conj(p) p).

    Args:
        points, wanted: by name; those named in both count, at least two.

    Returns:
        float64 (2, 3), M in (column', row') = M (column, row, 1).

    Raises:
        ValueError: the points are no face: they coincide, or a mirror image of them would fit better.
    """
    names = [name for name in points if name in wanted]
    start, end = (np.array([complex(*positions[name]) for name in names]) for positions in (points, wanted))
    p, q = start - start.mean(), end - end.mean()
    spread = float((abs(p) ** 2).sum())
    turned, mirrored = (p.conj() * q).sum(), (p * q).sum()
    if not spread > 0 or not np.isfinite(spread):
        raise ValueError("its landmarks lie on one place")
    if abs(turned) <= abs(mirrored):
        raise ValueError("its landmarks are those of a mirrored face; is left exchanged with right?")
    a = turned / spread
    shift = end.mean() - a * start.mean()
    return np.array([[a.real, -a.imag, shift.real], [a.imag, a.real, shift.imag]])
