"""Persons, dogs and trees, each within its box and up to all four of its edges.

Lengths are in units of half the longer side; `a` and `b` are half the width and height of the box.

Shapes: M figures.
"""

import numpy as np

from distill.data.rendered.figures import Figures
from distill.data.rendered.rasterizer import Floats, Position, limb, oval, zigzag
from distill.data.rendered.things import plain


def person(f: Figures) -> None:
    a = f.a
    skin = plain(f, 0.85, 0.62, 0.48) * f.number(0, 0.45, 1.0)[:, 0]
    shirt, trousers = f.colour(0, 0.1, 0.95), f.colour(1, 0.05, 0.6)
    hip, shoulder = 0.08, -0.56
    step = (a - 0.1) * f.number(1, 0.2, 1.0)
    for side in (-1.0, 1.0):
        _stroke(f, (side * 0.08, hip), (side * step, 0.92), 0.1, 0.08, trousers)
    swing = f.number(2, -0.5, 0.25)
    # The hands reach the sides of the box; one may be raised.
    _stroke(f, (-0.13, shoulder), (0.06 - a, 0.0), 0.07, 0.06, shirt * 0.85)
    _stroke(f, (0.13, shoulder), (a - 0.06, swing), 0.07, 0.06, shirt * 0.85)
    _stroke(f, (0.0, shoulder + 0.06), (0.0, hip), 0.19, 0.16, shirt)
    for side, down in ((-1.0, 0.0), (1.0, swing)):
        window = f.window(side * (a - 0.06), down, 0.06, 0.06)
        f.lay(window, window.ellipse(0.06, 0.06), skin)
    window = f.window(0, -0.84, 0.15, 0.17)
    head = window.ellipse(0.13, 0.16)
    f.lay(window, head, skin)
    f.lay(window, np.minimum(head, -0.03 - window.v - 0.4 * window.u), f.colour(2, 0.0, 0.5))


def dog(f: Figures) -> None:
    b = f.b
    tone = f.colour(0, 0.0, 0.25)[:, :1]
    coat = np.where(f.shape[:, :1] < 0.7, plain(f, 0.62, 0.42, 0.24), plain(f, 0.85, 0.82, 0.78)) * (0.6 + 1.6 * tone)
    sole, back, belly = b - 0.07, b - 0.86, b - 0.6
    for shift, shade in ((0.08, 0.7), (0.0, 0.9)):
        for leg in (-0.5, 0.3):
            _stroke(f, (leg + shift, belly), (leg + 1.6 * shift, sole), 0.11, 0.07, coat * shade)
    _stroke(f, (-0.52, back + 0.2), (-0.94, back + f.number(1, -0.1, 0.4)), 0.08, 0.06, coat * 0.85)
    _stroke(f, (-0.42, belly - 0.06), (0.34, belly - 0.1), 0.23, 0.25, coat)
    top = 0.3 - b  # of the head's middle
    _stroke(f, (0.34, belly - 0.16), (0.62, top + 0.04), 0.2, 0.15, coat)
    window = f.window(0.64, top, 0.2, 0.2)
    f.lay(window, window.ellipse(0.2, 0.18), coat)
    _stroke(f, (0.66, top + 0.05), (0.91, top + 0.08), 0.12, 0.09, coat * 0.95)
    window = f.window(0.56, 0.17 - b, 0.09, 0.17)
    f.lay(window, oval(window.u, window.v, 0.08, 0.17), coat * 0.6)
    for u, v, size in ((0.96, 0.05, 0.04), (0.72, -0.04, 0.035)):
        window = f.window(u, top + v, size, size)
        f.lay(window, window.ellipse(size, size), plain(f, 0.05, 0.05, 0.05))


def tree(f: Figures) -> None:
    a = f.a
    window = f.window(0, 0.5, 0.16, 0.5)
    f.lay(window, window.box(0.07 + 0.06 * (window.v + 0.5), 0.5), plain(f, 0.38, 0.26, 0.16))
    leaf = plain(f, 0.16, 0.42, 0.14) * f.number(0, 0.7, 1.5)[:, 0] + 0.12 * f.colour(0)
    window = f.window(0, -0.36, a, 0.64)
    rough = f.number(1, 2.0, 4.0)
    shade = 1 + 0.18 * zigzag(window.u * rough) * zigzag(window.v * rough)
    f.lay(window, window.ellipse(a, 0.64, f.number(2, 0.0, 0.6)), leaf, shade)
    for side, down in ((-1.0, -0.1), (1.0, -0.25), (0.2, -0.62)):
        window = f.window(side * 0.45 * a, down, 0.4 * a, 0.22)
        f.lay(window, window.ellipse(0.38 * a, 0.2), leaf * (1.1 + 0.1 * side))


def _stroke(f: Figures, start: Position, end: Position, thick: float, thin: float, colour: Floats) -> None:
    """A limb in a window that holds it."""
    middle = [(one + other) * 0.5 for one, other in zip(start, end, strict=True)]
    reach = [np.abs(one - other) * 0.5 + max(thick, thin) for one, other in zip(start, end, strict=True)]
    window = f.window(middle[0], middle[1], reach[0], reach[1])
    u, v = window.u, window.v
    ends = [tuple(place - centre for place, centre in zip(point, middle, strict=True)) for point in (start, end)]
    f.lay(window, limb(u, v, (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]), thick, thin), colour)
