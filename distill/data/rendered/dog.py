"""Drawing a described dog from the side: the layers of a picture from the wall behind to the light over all.

The frame's origin is the middle of the trunk, u points to the head and v down; `Kennel.at` mirrors who faces left.

Shapes: N pictures, M of them with some trait, H W pixels.
"""

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.breeds import Dogs, Floats
from distill.data.rendered.kennel import Kennel
from distill.data.rendered.rasterizer import Window, column, in_chunks, limb, merged, oval, zigzag
from distill.data.rendered.scene import light, wall


def draw(dogs: Dogs, height: int, width: int) -> NDArray[np.uint8]:
    """Paint N dogs: uint8 (N, height, width, 3), RGB."""
    return in_chunks(_draw, dogs, height, width)


def _draw(dogs: Dogs, height: int, width: int) -> NDArray[np.uint8]:
    k = Kennel.standing(dogs, height, width)
    wall(k.canvas.planes, dogs.measures, dogs.colours)
    _ground(k, dogs)
    _legs(k, far=True)
    _tail(k)
    _ear(k, far=True)
    _trunk(k)
    _legs(k, far=False)
    _head(k)
    _ear(k, far=False)
    _tufts(k)
    return light(k.canvas.planes, dogs.measures, dogs.colours)


def _ground(k: Kennel, dogs: Dogs) -> None:
    """A floor of another colour from the horizon down, and the dog's shadow on it."""
    planes = k.canvas.planes
    height = planes.shape[2]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[None, :, None]
    cover = np.clip((y - column(dogs.measures["horizon"])) * height + 0.5, 0, 1) * np.float32(0.85)
    planes += ((dogs.colours["ground"] * 0.7 + 0.15)[:, :, None, None] - planes) * cover[:, None]
    window = k.at(0.0, k["sole"], 1.15, 0.2)
    k.lay(window, window.ellipse(column(k["body"] + 0.35), 0.12), k.paint("dark"), 0.5)


def _legs(k: Kennel, far: bool) -> None:
    """Two legs: the pair behind is darker and strides the other way."""
    stride = k["stride"] * (-0.8 if far else 1.0)
    shift = 0.1 if far else 0.0
    for place, swing in ((k["body"] * 0.74 - shift, stride), (-k["body"] * 0.8 + shift, -0.8 * stride)):
        hip, sole, step = k["depth"] * 0.35, k["sole"], swing * k["leg"]
        window = k.at(place, 0.5 * (hip + sole), 0.66, 0.7)
        u, v = window.u, window.v + column(0.5 * (hip + sole))
        top, bottom = column(hip), column(sole - 0.07)
        thick = column(0.10 + 0.2 * k["depth"])
        shape = limb(u, v, (0.0, top), (column(step), bottom), thick, 0.075)
        paw = oval(u - column(step) - 0.05, v - bottom - 0.02, 0.13, 0.085)
        leg = merged(shape, paw, 0.05)
        coat, marks = k.paint("far" if far else "coat"), k.paint("marks") * (0.72 if far else 1.0)
        cover = window.edge(leg)
        k.canvas.paint(window, cover, coat)
        marked = column(~k.having("legs", "plain"))
        elbow = 0.6 * column(k["leg"])
        k.canvas.paint(window, cover * window.edge(v - bottom + elbow) * marked, marks)


def _tail(k: Kennel) -> None:
    for tail, (du, dv, thick, thin) in {
        "sabre": (-0.42, 0.22, 0.085, 0.045),
        "whip": (-0.5, 0.1, 0.06, 0.02),
        "plume": (-0.38, 0.02, 0.1, 0.17),
        "dock": (-0.1, -0.12, 0.09, 0.08),
        "flag": (-0.13, -0.55, 0.095, 0.055),
    }.items():
        dogs = k.where(k.having("tail", tail))
        swing = dogs["wag"]
        window = dogs.at(-0.93 * dogs["body"], -0.5 * dogs["depth"], 0.75, 0.8)
        ripple = column(0.05 * dogs["shaggy"]) * zigzag((window.u - window.v) * 5)
        shape = limb(window.u, window.v, (0.0, 0.0), (column(du + swing), column(dv + 2 * swing)), thick, thin)
        dogs.lay(window, shape + ripple, dogs.paint("tail"))
    dogs = k.where(k.having("tail", "curl"))
    window = dogs.at(0.06 - 0.93 * dogs["body"], -0.17 - 0.5 * dogs["depth"], 0.4, 0.4)
    ring = 0.075 + column(0.05 * dogs["shaggy"])
    dogs.lay(window, ring - np.abs(window.ellipse(0.16, 0.15)), dogs.paint("tail"))


def _trunk(k: Kennel) -> None:
    body, depth = column(k["body"]), column(k["depth"])
    window = k.at(0.2, -0.2, 1.25, 0.85)
    u, v = window.u + 0.2, window.v - 0.2
    rise = column(k["tuck"]) * np.clip(0.25 - u, 0, 1) * 0.5  # the belly's line is drawn in towards the hips
    barrel = oval(u, v * (1 + np.where(v > 0, 2 * rise, 0)), body, depth, 0.5)
    chest = oval(u - 0.6 * body, v - 0.1 * depth, 0.48 * body, 1.08 * depth)
    hips = oval(u + 0.66 * body, v + 0.02, 0.4 * body, 0.93 * depth)
    head_u, head_v = column(k["head_u"]), column(k["head_v"])
    neck = limb(u, v, (0.72 * body, -0.35 * depth), (head_u - 0.05, head_v + 0.05), 0.62 * depth, 0.19)
    shape = merged(merged(merged(barrel, chest, 0.1), hips, 0.1), neck, 0.15)
    shaggy = column(k["shaggy"])
    shape += shaggy * (0.03 + 0.045 * zigzag(u * 5.2 + 0.7 * zigzag(v * 2.1)) * (v > -0.5 * depth))
    shade = 1.04 - 0.3 * v / (depth + 0.3) + shaggy * 0.16 * zigzag((u + 0.6 * v) * 4.1)
    cover = window.edge(shape)
    k.canvas.paint(window, cover, k.paint("coat"), shade)
    marks = _pattern(k, window, u, v)
    k.canvas.paint(window, cover * marks, k.paint("second"), shade)
    collar = column(k["collar"] < 0.35)
    along = (u - head_u + 0.17) + 0.6 * (v - head_v - 0.2)
    band = np.minimum(0.055 - np.abs(along), 0.3 - np.abs(v - head_v - 0.2))
    k.canvas.paint(window, cover * window.edge(band) * collar, k.paint("collar"))


def _pattern(k: Kennel, window: Window, u: Floats, v: Floats) -> Floats:
    """How much (M, h, w) of the second colour there is at each pixel of the trunk."""
    a, b, c, d = (column(k[f"mark_{name}"]) for name in "abcd")
    depth, body = column(k["depth"]), column(k["body"])
    bend = 0.12 * zigzag(u * 1.1 + a) + 0.1 * zigzag(v * 1.7 + b)
    covers = {
        "saddle": window.edge(np.minimum(0.1 * depth - v + 0.4 * bend, 0.75 * body + bend - u)),
        "spots": window.edge(0.16 * (zigzag((u + bend) * 3.4 + a) + zigzag((v - bend) * 3.4 + b) - 0.75)),
        "patches": window.edge(
            np.maximum(
                oval(u + body * (0.2 + 0.6 * a), v + 0.12 - 0.2 * b + bend, 0.2 + 0.16 * c, 0.2 + 0.12 * d),
                oval(u - body * (0.15 + 0.35 * c), v + 0.15 - 0.25 * d + bend, 0.15 + 0.12 * a, 0.16 + 0.1 * b),
            )
        ),
        "brindle": 0.6 * window.edge(0.12 * (zigzag((u + bend + 0.35 * v) * 5.2 + a) - 0.2)),
        "merle": 0.8
        * window.edge(0.25 * (zigzag((u + 1.8 * bend) * 1.9 + a) + zigzag((v + 1.4 * bend) * 2.3 + b) - 0.25)),
        "collar": window.edge(np.minimum(0.17 - np.abs(u - 0.82 * body + 0.3 * v + 0.3 * bend), v + 0.6)),
    }
    total = np.zeros_like(u)
    for pattern, cover in covers.items():
        total += cover * column(k.having("pattern", pattern))
    return total


def _head(k: Kennel) -> None:
    window = k.at(k["head_u"] + 0.12, k["head_v"] + 0.02, 0.72, 0.45)
    u, v = window.u + 0.12, window.v + 0.02
    length = column(k["muzzle"])
    broad = 0.06 + 0.55 * column(k["depth"])  # of a heavy dog the head is heavy
    skull = oval(u, v, broad + 0.03, broad)
    snout = limb(u, v, (0.1, 0.07), (0.1 + length, 0.1), 0.15, 0.105)
    head = merged(skull, snout, 0.08) + column(0.04 * k["shaggy"]) * (0.5 + zigzag(u * 4.3 + v * 3.1))
    shade = 1.05 - 0.25 * v
    cover = window.edge(head)
    k.canvas.paint(window, cover, k.paint("head"), shade)
    front = window.edge(u - 0.13 - 0.2 * length + 0.3 * v)
    blaze = np.maximum(front * 0.9, window.edge(np.minimum(0.06 - np.abs(v + 0.14), u + 0.05)))
    cheek = window.edge(np.minimum(v - 0.02, u - 0.0))
    brow = window.edge(oval(u - 0.12, v + 0.15, 0.07, 0.05))
    for face, share, paint in (
        ("mask", front, "dark"),
        ("blaze", blaze, "white"),
        ("tan", np.maximum(cheek, brow), "marks"),
    ):
        k.canvas.paint(window, cover * share * column(k.having("face", face)), k.paint(paint))
    lip = limb(u, v, (0.14, 0.17), (0.09 + length, 0.155), 0.017, 0.017)
    k.canvas.paint(window, cover * window.edge(lip), k.paint("dark"))
    k.lay(window, oval(u - 0.17 - length, v - 0.04, 0.07, 0.06), k.paint("dark"))
    k.lay(window, oval(u - 0.11, v + 0.07, 0.065, 0.06), k.paint("eye"))
    k.lay(window, oval(u - 0.115, v + 0.07, 0.045, 0.045), k.paint("dark"))


def _ear(k: Kennel, far: bool) -> None:
    """One ear; the far one shows beside the near one where ears stand up."""
    shift = 0.1 if far else -0.06
    for ears, (upright, du, dv) in {
        "pricked": (True, 0.0, -0.3),
        "bat": (True, 0.0, -0.3),
        "button": (False, 0.02, -0.14),
        "drop": (False, -0.05, 0.06),
        "long": (False, -0.06, 0.16),
    }.items():
        if far and not upright:
            continue
        dogs = k.where(k.having("ears", ears))
        window = dogs.at(dogs["head_u"] + shift + du, dogs["head_v"] + dv, 0.3, 0.48)
        u, v = window.u, window.v
        if ears == "pricked":
            shape = np.minimum(0.55 * (v + 0.24) - np.abs(u) * 1.25, 0.24 - v)
        elif ears == "bat":
            shape = oval(u, v, 0.13, 0.22)
        elif ears == "button":
            shape = np.minimum(0.75 * (0.15 - v + 0.4 * u) - np.abs(u), v + 0.1)
        elif ears == "drop":
            shape = oval(u + 0.25 * v, v, 0.12, 0.2)
        else:
            shape = oval(u + 0.15 * v, v, 0.13, 0.3)
        dogs.lay(window, shape + column(0.03 * dogs["shaggy"]), dogs.paint("far ear" if far else "ear"))
        if ears == "bat" and not far:
            dogs.lay(window, oval(u, v - 0.02, 0.06, 0.14), dogs.paint("inside"))


def _tufts(k: Kennel) -> None:
    """Grass before the paws of some."""
    k = k.where(k["tufts"] < 0.5)
    window = k.at(k["tufts"] * 3 - 0.75, k["sole"], 0.6, 0.25)
    blades = 0.1 + 0.1 * zigzag(window.u * 6) - np.abs(window.v) - 0.36 * np.abs(window.u)
    k.lay(window, blades, k.paint("grass"))
