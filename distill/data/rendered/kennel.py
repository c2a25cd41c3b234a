"""Dogs as their painter sees them: traits, measures, colours and windows of those that have some trait.

Shapes: N pictures, M of them among the dogs, H W pixels.
"""

from dataclasses import replace

import numpy as np

from distill.data.rendered.breeds import RGB, VIEW, Dogs, Floats
from distill.data.rendered.rasterizer import Canvas, Pose, Rows, Window, column


class Kennel:
    """Some of the dogs of a canvas: what is asked of it comes for its rows only."""

    def __init__(self, canvas: Canvas, dogs: Dogs, lengths: dict[str, Floats], paints: dict[str, Floats], rows: Rows):
        self.canvas, self.dogs, self.lengths, self.paints, self.rows = canvas, dogs, lengths, paints, rows

    @classmethod
    def standing(cls, dogs: Dogs, height: int, width: int) -> "Kennel":
        m, side, known = dogs.measures, min(height, width), lengths(dogs)
        tangent = m["tilt"]
        steepest = max(abs(bound) for bound in VIEW["tilt"])
        middle = 0.5 * (known["sole"] + known["head_v"] - 0.3)  # between the paws and the top of the head
        pose = Pose(
            x=width * 0.5 + m["shift_x"] * side - 0.1 * known["way"] * m["scale"] * side,  # the head stands out more
            y=height * 0.5 + (m["shift_y"] - middle * m["scale"]) * side,
            cosine=(1 - tangent * tangent) / (1 + tangent * tangent),
            sine=2 * tangent / (1 + tangent * tangent),
            scale=m["scale"] * side,
            largest_scale=VIEW["scale"][1] * side,
            largest_sine=2 * steepest / (1 + steepest * steepest),
        )
        planes = np.empty((len(dogs), 3, height, width), dtype=np.float32)
        return cls(Canvas(planes, pose), dogs, known, paints(dogs), np.arange(len(dogs)))

    def where(self, mask: np.ndarray) -> "Kennel":
        """Those for which the bool (M,) mask holds."""
        return Kennel(self.canvas, self.dogs, self.lengths, self.paints, self.rows[mask])

    def __getitem__(self, length: str) -> Floats:
        """(M,) a measure, a length of the breed, or one that follows from both."""
        return self.lengths[length][self.rows]

    def having(self, trait: str, choice: str) -> np.ndarray:
        """Bool (M,): whose breed has this ear, tail, pattern and so on."""
        return self.dogs.traits[trait][self.rows] == choice

    def paint(self, name: str) -> Floats:
        return self.paints[name][self.rows]

    def at(self, u: Floats | float, v: Floats | float, reach_u: float, reach_v: float) -> Window:
        """The window around a point of the dog; its u runs towards the head, whichever way that faces."""
        along = self["way"] * self["turn"]
        zero = np.zeros_like(along)
        window = self.canvas.window(self.rows, (zero + u) * along, zero + v, reach_u, reach_v)
        return replace(window, u=window.u / column(along))

    def lay(self, window: Window, distance: Floats, colour: Floats, strength: float = 1.0) -> None:
        """Paint where the signed distance is positive."""
        coverage = window.edge(distance)
        self.canvas.paint(window, coverage * np.float32(strength) if strength < 1 else coverage, colour)


def lengths(dogs: Dogs) -> dict[str, Floats]:
    """Every number (N,) of a dog, with those that follow: `way` is 1 to the right or -1, `sole` the height of the
    ground, and the middle of the head lies at `head_u`, `head_v`."""
    known = {name: values for name, values in (dogs.traits | dogs.measures).items() if values.dtype == np.float32}
    return known | {
        "way": np.where(known["facing"] < 0, np.float32(-1), np.float32(1)),
        "sole": known["depth"] * 0.6 + known["leg"],
        "head_u": known["body"] + 0.14,
        "head_v": -0.9 * known["depth"] - 0.16 - known["raise"] - 0.2 * known["leg"],
    }


def paints(dogs: Dogs) -> dict[str, Floats]:
    """The colours (N, 3) of what is painted, from the breed, the measures and the free colours."""
    m, free = dogs.measures, dogs.colours

    def plain(rgb: RGB) -> Floats:
        return np.tile(np.array(rgb, np.float32), (len(dogs), 1))

    tone = m["tone"][:, None]
    warmth = m["warmth"][:, None] * plain((0.6, 0.1, -0.8))
    coat, second = (dogs.traits[name] * tone + warmth for name in ("coat", "second"))
    patterned = dogs.traits["pattern"][:, None]
    tan = dogs.traits["legs"][:, None] == "tan"
    return {
        "coat": coat,
        "far": coat * 0.72,
        "second": second,
        "marks": np.where(tan, plain((0.72, 0.45, 0.2)) * tone, plain((0.93, 0.92, 0.88)) * tone),
        "head": coat,
        "ear": np.where((patterned == "patches") | (patterned == "spots"), second, coat * 0.78),
        "far ear": coat * 0.6,
        "tail": np.where(patterned == "saddle", second, coat * 0.9),
        "eye": plain((0.55, 0.36, 0.16)),
        "dark": plain((0.06, 0.05, 0.06)),
        "white": plain((0.93, 0.92, 0.88)) * tone,
        "inside": plain((0.8, 0.55, 0.5)),
        "collar": free["collar"] * 0.8 + 0.1,
        "grass": free["ground"] * plain((0.35, 0.4, 0.25)) + plain((0.1, 0.25, 0.05)),
    }
