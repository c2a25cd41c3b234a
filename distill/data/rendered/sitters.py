"""Portraits as their painter sees them: measures, colours and windows of those that have some feature.

Shapes: N pictures, M of them among the sitters, H W pixels.
"""

import numpy as np

from distill.data.rendered.face_attributes import VIEW, Bools, Faces, Floats
from distill.data.rendered.rasterizer import Canvas, Pose, Rows, Window

RGB = tuple[float, float, float]


class Sitters:
    """Some of the portraits of a canvas: what is asked of it comes for its rows only."""

    def __init__(self, canvas: Canvas, faces: Faces, paints: dict[str, Floats], rows: Rows) -> None:
        self.canvas, self.faces, self.paints, self.rows = canvas, faces, paints, rows

    @classmethod
    def seated(cls, faces: Faces, height: int, width: int) -> "Sitters":
        m, side = faces.measures, min(height, width)
        tangent = m["tilt"]
        steepest = max(abs(bound) for bound in VIEW["tilt"])
        pose = Pose(
            x=width * 0.5 + m["shift_x"] * side,
            y=height * 0.5 + (m["shift_y"] - 0.06) * side,
            cosine=(1 - tangent * tangent) / (1 + tangent * tangent),
            sine=2 * tangent / (1 + tangent * tangent),
            scale=m["scale"] * side,
            largest_scale=VIEW["scale"][1] * side,
            largest_sine=2 * steepest / (1 + steepest * steepest),
        )
        planes = np.empty((len(faces), 3, height, width), dtype=np.float32)
        return cls(Canvas(planes, pose), faces, paints(faces), np.arange(len(faces)))

    def where(self, mask: Bools) -> "Sitters":
        """Those for whom the (M,) mask holds."""
        return Sitters(self.canvas, self.faces, self.paints, self.rows[mask])

    def who(self, attribute: str) -> "Sitters":
        return self.where(self.has(attribute))

    def has(self, attribute: str) -> Bools:
        return self.faces.has(attribute)[self.rows]

    def choose(self, attribute: str, present: float, absent: float) -> Floats:
        """(M,) one number for those with the attribute, another for the rest."""
        return np.where(self.has(attribute), np.float32(present), np.float32(absent))

    def __getitem__(self, measure: str) -> Floats:
        return self.faces.measures[measure][self.rows]

    def paint(self, name: str) -> Floats:
        return self.paints[name][self.rows]

    def at(self, u: Floats | float, v: Floats | float, reach_u: float, reach_v: float, depth: float = 0.0) -> Window:
        """The window around a point of the head that lies ``depth`` before its axis and so moves as the head turns."""
        yaw = self["yaw"]
        u = u * (1 - 0.3 * yaw * yaw) + depth * yaw
        return self.canvas.window(self.rows, u, np.zeros_like(yaw) + v, reach_u, reach_v)

    def lay(self, window: Window, distance: Floats, colour: Floats, strength: float = 1.0) -> None:
        """Paint where the signed distance is positive."""
        coverage = window.edge(distance)
        self.canvas.paint(window, coverage * strength if strength < 1 else coverage, colour)


def paints(faces: Faces) -> dict[str, Floats]:
    """The colours (N, 3) of what is painted, from the attributes, the measures and the free colours."""
    m, free = faces.measures, faces.colours

    def plain(rgb: RGB) -> Floats:
        return np.tile(np.array(rgb, np.float32), (len(faces), 1))

    def blend(start: RGB, end: RGB, share: Floats) -> Floats:
        return plain(start) + (plain(end) - plain(start)) * share[:, None]

    def either(attribute: str, present: Floats, absent: Floats) -> Floats:
        return np.where(faces.has(attribute)[:, None], present, absent)

    skin = either("Pale_Skin", plain((1.0, 0.9, 0.85)), blend((0.46, 0.3, 0.21), (0.88, 0.64, 0.48), m["skin"]))
    skin += m["skin_warmth"][:, None] * plain((0.5, 0.0, -1.0))
    hair = plain((0.62, 0.2, 0.08))  # red, which no attribute names
    hair = either("Black_Hair", plain((0.13, 0.12, 0.14)), hair)
    hair = either("Brown_Hair", plain((0.4, 0.24, 0.12)), hair)
    hair = either("Blond_Hair", plain((0.92, 0.76, 0.34)), hair)
    hair = either("Gray_Hair", plain((0.68, 0.69, 0.72)), hair) * m["hair_tone"][:, None]
    lipstick = blend((0.85, 0.02, 0.12), (0.6, 0.0, 0.45), free["lipstick"][:, 0])
    silver = free["jewel"][:, :1] < 0.5
    return {
        "skin": skin,
        "shadow": skin * plain((0.68, 0.6, 0.58)),
        "nose": skin * plain((0.8, 0.48, 0.42)),
        "bags": skin * plain((0.55, 0.42, 0.52)),
        "blush": skin * 0.4 + plain((0.57, 0.06, 0.09)),
        "hair": hair,
        "brow": hair * 0.5,
        "beard": hair * 0.6,
        "lips": either("Wearing_Lipstick", lipstick, skin * plain((0.74, 0.44, 0.44))),
        "iris": blend((0.2, 0.11, 0.05), (0.2, 0.4, 0.6), m["iris"]),
        "mouth": plain((0.22, 0.03, 0.04)),
        "makeup": free["makeup"] * plain((0.5, 0.4, 0.4)) + plain((0.1, 0.1, 0.5)),
        "jewel": np.where(silver, plain((0.92, 0.94, 1.0)), plain((1.0, 0.8, 0.15))),
        "frame": free["frame"] * 0.3,
        "tie": free["tie"] * 0.7,
        "cloth": free["cloth"] * 0.8 + 0.1,
        "hat": free["hat"] * 0.9 + 0.05,
        "dark": plain((0.05, 0.05, 0.05)),
        "white": plain((0.96, 0.96, 0.96)),
    }
