"""Vehicles, what stands by the road, and clutter, each within its box and up to all four of its edges.

Lengths are in units of half the longer side; `a` and `b` are half the width and height of the box.

Shapes: M figures.
"""

import numpy as np

from distill.data.rendered.figures import Figures
from distill.data.rendered.rasterizer import Floats, limb, oval, zigzag

_LAMPS = np.array([[0.95, 0.1, 0.1], [1.0, 0.75, 0.1], [0.15, 0.9, 0.35]], np.float32)
_PLATES = np.array([[0.78, 0.08, 0.1], [0.1, 0.25, 0.7], [0.95, 0.78, 0.1]], np.float32)


def plain(f: Figures, red: float, green: float, blue: float) -> Floats:
    """(M, 3) of one colour."""
    return np.tile(np.array((red, green, blue), np.float32), (len(f), 1))


def car(f: Figures) -> None:
    a, b = f.a, f.b
    paint, glass = f.colour(0, 0.15, 0.95), plain(f, 0.55, 0.7, 0.8) * f.colour(1, 0.7, 1.0)[:, :1]
    roof = f.number(0, 0.38, 0.5)  # half its length
    back = f.number(1, -0.15, 0.0)
    window = f.window(back, -0.4 * b, roof + 0.3, 0.6 * b)
    slope = roof + 0.3 * (window.v / b + 0.6)
    cabin = np.minimum(np.minimum(slope - np.abs(window.u), window.v + 0.6 * b), 0.5 * b - window.v)
    f.lay(window, cabin, paint)
    pane = np.minimum(np.minimum(slope - 0.08 - np.abs(window.u), window.v + 0.46 * b), 0.2 * b - window.v)
    f.lay(window, np.minimum(pane, np.abs(window.u) - 0.03), glass)
    window = f.window(0, 0.28 * b, a, 0.42 * b)
    f.lay(window, np.minimum(window.box(a, 0.42 * b), a + 0.26 * b - np.abs(window.u) - np.abs(window.v)), paint * 0.9)
    window = f.window(a - 0.08, 0.15 * b, 0.06, 0.1 * b)
    f.lay(window, window.box(0.06, 0.1 * b), plain(f, 1.0, 0.95, 0.6))
    _wheels(f, 0.58 * a, 0.36 * b)


def bus(f: Figures) -> None:
    a, b = f.a, f.b
    paint = f.colour(0, 0.2, 0.95)
    window = f.window(0, -0.1 * b, a, 0.9 * b)
    f.lay(window, np.minimum(window.box(a, 0.9 * b), a + 0.84 * b - np.abs(window.u) - np.abs(window.v)), paint)
    window = f.window(0, 0.3 * b, a, 0.1)
    f.lay(window, window.box(a - 0.02, 0.06), f.colour(1, 0.6, 1.0))
    window = f.window(0, -0.4 * b, 0.94 * a, 0.3 * b)
    panes = f.number(0, 2.6, 3.8)
    mullion = (zigzag(window.u * panes) + 0.75) * (0.25 / panes)
    f.lay(window, np.minimum(window.box(0.92 * a, 0.28 * b), mullion), plain(f, 0.35, 0.5, 0.62))
    window = f.window(0.84 * a, 0.1 * b, 0.1, 0.62 * b)
    f.lay(window, window.box(0.07, 0.55 * b), plain(f, 0.2, 0.28, 0.34))
    _wheels(f, 0.6 * a, 0.26 * b)


def _wheels(f: Figures, apart: Floats, radius: Floats) -> None:
    for side in (-1.0, 1.0):
        window = f.window(side * apart, f.b - radius, radius, radius)
        f.lay(window, window.ellipse(radius, radius), plain(f, 0.08, 0.08, 0.09))
        f.lay(window, window.ellipse(0.5 * radius, 0.5 * radius), plain(f, 0.65, 0.65, 0.68))


def bicycle(f: Figures) -> None:
    a, b = f.a, f.b
    frame, dark = f.colour(0, 0.1, 0.9), plain(f, 0.08, 0.08, 0.08)
    radius, thick = f.number(0, 0.38, 0.43), 0.05
    apart, hub = a - radius, b - radius
    for side in (-1.0, 1.0):
        window = f.window(side * apart, hub, radius, radius)
        tyre = window.ellipse(radius, radius)
        f.lay(window, np.minimum(tyre, 0.09 - tyre), dark)
    bars = -b + thick
    seat, crank, head = (-0.22, -0.62 * b), (-0.05, hub + 0.05), (0.4, -0.5 * b)
    window = f.window(0, 0, a, b)
    for start, end in (
        *(((-apart, hub), seat), ((-apart, hub), crank), (seat, crank), (seat, head), (crank, head)),
        ((apart, hub), (0.36, bars)),
    ):
        f.lay(window, limb(window.u, window.v, start, end, thick, thick), frame)
    for start, end in (((0.36, bars), (0.52, bars)), ((-0.34, seat[1] - 0.03), (-0.12, seat[1] - 0.03))):
        f.lay(window, limb(window.u, window.v, start, end, thick, thick), dark)


def traffic_light(f: Figures) -> None:
    a = f.a
    window = f.window(0, 0.6, 0.06, 0.42)
    f.lay(window, window.box(0.06, 0.4), plain(f, 0.4, 0.42, 0.42))
    window = f.window(0, -0.4, a, 0.6)
    f.lay(window, window.box(a, 0.6), f.colour(0, 0.05, 0.2))
    lit = (f.shape[:, 0] * 3).astype(np.int64).clip(0, 2)
    for lamp in range(3):
        window = f.window(0, (lamp - 1) * 0.38 - 0.4, 0.16, 0.16)
        strength = np.where(lit == lamp, np.float32(1), np.float32(0.3))[:, None]
        f.lay(window, window.ellipse(0.15, 0.15), _LAMPS[lamp] * strength)


def sign(f: Figures) -> None:
    a = f.a
    window = f.window(0, 0.3, 0.06, 0.7)
    f.lay(window, window.box(0.055, 0.7), plain(f, 0.55, 0.56, 0.58))
    window = f.window(0, a - 1, a, a)
    form = (f.shape[:, 0] * 3).astype(np.int64).clip(0, 2)[:, None, None]
    octagon = np.minimum(window.box(a, a), (1.4142 * a - np.abs(window.u) - np.abs(window.v)) * 0.7071)
    triangle = np.minimum((window.v + a - 2 * np.abs(window.u)) * 0.4472, a - window.v)
    plate = np.where(form == 0, octagon, np.where(form == 1, window.ellipse(a, a), triangle))
    colour = _PLATES[form[:, 0, 0]] * f.colour(0, 0.85, 1.0)
    f.lay(window, plate, plain(f, 0.95, 0.95, 0.95))
    f.lay(window, plate - 0.06, colour)
    mark = np.minimum(window.box(0.5 * a, 0.12 * a), plate - 0.1)
    f.lay(window, np.where(form == 2, np.minimum(window.box(0.1 * a, 0.4 * a), plate - 0.1), mark), 1 - 0.8 * colour)


def block(f: Figures) -> None:
    window = f.window(0, 0, f.a, f.b)
    f.lay(window, window.box(f.a, f.b), f.colour(0))
    stripes = zigzag(window.u * f.number(0, 0.5, 4.0)) * 0.3
    f.lay(window, np.minimum(window.box(0.85 * f.a, 0.85 * f.b), stripes), f.colour(1))


def disc(f: Figures) -> None:
    window = f.window(0, 0, f.a, f.b)
    level = window.ellipse(f.a, f.b)
    f.lay(window, level, f.colour(0))
    f.lay(window, level - f.number(0, 0.1, 0.6), f.colour(1))


def wedge(f: Figures) -> None:
    window = f.window(0, 0, f.a, f.b)
    lean = window.u - f.number(0, -0.3, 0.3) * window.v
    sides = 0.5 * (window.v + f.b) * (f.a / f.b - 0.3) - np.abs(lean)
    f.lay(window, np.minimum(f.b - np.abs(window.v), sides), f.colour(0))
    f.lay(window, oval(lean, window.v - 0.3 * f.b, 0.2, 0.25), f.colour(1))
