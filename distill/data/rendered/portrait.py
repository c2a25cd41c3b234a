"""Drawing a described portrait: the layers of a picture from the wall behind to the light over all.

Every attribute is a shape or colour of its own, two pixels or more at 64 px, painted late enough that nothing hides
it. The frame's origin is the middle of the head, one unit is half its height, u to the right and v down.

Shapes: N pictures, M of them with some feature, H W pixels.
"""

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.face_attributes import Faces, Floats
from distill.data.rendered.rasterizer import Window, column, in_chunks, oval, zigzag
from distill.data.rendered.scene import light, wall
from distill.data.rendered.sitters import Sitters

SIDES = (-1.0, 1.0)


def draw(faces: Faces, height: int, width: int) -> NDArray[np.uint8]:
    """Paint N portraits: uint8 (N, height, width, 3), RGB."""
    return in_chunks(_draw, faces, height, width)


def _draw(faces: Faces, height: int, width: int) -> NDArray[np.uint8]:
    sitters = Sitters.seated(faces, height, width)
    wall(sitters.canvas.planes, faces.measures, faces.colours)
    _hair_behind(sitters)
    _body(sitters)
    _head(sitters)
    _eyes(sitters)
    _nose_and_mouth(sitters)
    _beard(sitters)
    _hair_before(sitters)
    _brows(sitters)
    _accessories(sitters)
    return light(sitters.canvas.planes, faces.measures, faces.colours)


def _strands(s: Sitters, window: Window) -> Floats:
    """Shade (M, h, w) of hair: upright stripes where straight, bent ones where wavy, plain otherwise."""
    wavy, straight = s.has("Wavy_Hair"), s.has("Straight_Hair")
    depth = np.where(wavy | straight, np.float32(0.5), np.float32(0))
    bend = np.where(wavy, np.float32(0.12), np.float32(0))
    stripes = zigzag((window.u + column(bend) * zigzag(window.v * 2.2)) * 4.4)
    return 1 + stripes * column(depth)


def _skull(s: Sitters, window: Window, v: float) -> Floats:
    """Signed distance to the outline of the hair around the head, for a window whose middle is at ``v``."""
    volume = column(s["hair_volume"])
    ripple = column(s.choose("Wavy_Hair", 0.07, 0.0))
    distance = oval(window.u, window.v + (v + 0.1), column(s["face_width"]) + volume, 0.98 + volume)
    return distance + ripple * zigzag((window.u - window.v) * 1.6)


def _hair_behind(s: Sitters) -> None:
    s = s.where(s.faces.long_hair & ~s.has("Bald"))
    window = s.at(0.0, 0.15, 1.1, 1.4)
    ripple = column(s.choose("Wavy_Hair", 0.08, 0.0)) * zigzag(window.v * 1.9)
    a = column(s["face_width"] + s["hair_volume"])
    distance = window.ellipse(a + 0.05, 1.27, 0.75) + ripple
    s.canvas.paint(window, window.edge(distance), s.paint("hair"), _strands(s, window))


def _body(s: Sitters) -> None:
    window = s.at(0.0, 2.1, 1.5, 1.0)
    s.lay(window, window.ellipse(1.35, 0.92), s.paint("cloth"))
    window = s.at(0.0, 1.0, 0.5, 0.45)
    s.lay(window, window.box(column(s.choose("Male", 0.46, 0.3)), 0.4), s.paint("shadow"))
    s.lay(window, oval(window.u, window.v - 0.3, 0.4, 0.16), s.paint("skin"))
    ties = s.who("Wearing_Necktie")
    window = ties.at(0.0, 1.75, 0.45, 0.6)
    for side in SIDES:  # the collar's wings
        wing = oval(window.u - side * 0.22, window.v + 0.45 + side * 0.5 * window.u, 0.2, 0.12)
        ties.lay(window, wing, ties.paint("white"))
    ties.lay(window, np.minimum(0.11 + 0.1 * (window.v + 0.5) - np.abs(window.u), window.v + 0.52), ties.paint("tie"))
    chains = s.who("Wearing_Necklace")
    window = chains.at(0.0, 1.3, 0.5, 0.35)
    string = oval(window.u, window.v + 0.3, 0.4, 0.42)
    chains.lay(window, np.minimum(0.05 - np.abs(string), window.v + 0.25), chains.paint("jewel"))
    chains.lay(window, oval(window.u, window.v - 0.16, 0.1, 0.1), chains.paint("jewel"))


def _head(s: Sitters) -> None:
    for side in SIDES:
        ears = s.where(~s.faces.long_hair[s.rows])
        size = ears["ear_size"]
        window = ears.at(side * (ears["face_width"] + 0.02), 0.05, 0.2, 0.3)
        ears.lay(window, window.ellipse(column(0.13 * size), column(0.22 * size)), ears.paint("shadow"))
    window = s.at(0.0, 0.0, 0.95, 1.1)
    jaw = column(s["jaw"] + s.choose("Male", 0.08, -0.22))
    taper = 1 + jaw * np.clip(window.v, 0, 1)
    square = column(s.choose("Male", 0.65, 0.1))
    face = oval(window.u / taper, window.v, column(s["face_width"]), column(s["face_height"]), square)
    relief = 1.06 - 0.3 * (window.u * window.u + 0.3 * window.v * window.v)
    s.canvas.paint(window, window.edge(face), s.paint("skin"), relief)

    stubble = s.where(~s.has("No_Beard"))
    window = stubble.at(0.0, 0.72, 0.7, 0.36, depth=0.1)
    a = column(stubble["face_width"]) - 0.12
    patch = np.minimum(oval(window.u, window.v + 0.72, a, 0.98), window.v + 0.26)
    stubble.lay(window, patch, stubble.paint("beard"), 0.4)

    old = s.where(~s.has("Young"))
    for side in SIDES:
        window = old.at(side * 0.36, 0.40, 0.2, 0.3, depth=0.3)
        old.lay(window, oval(window.u - side * 0.35 * window.v, window.v, 0.05, 0.2), old.paint("shadow"))
        window = old.at(side * 0.62, 0.0, 0.2, 0.2, depth=0.2)
        feet = 0.04 - np.abs(np.abs(window.v) - side * 0.7 * window.u)
        old.lay(window, np.minimum(feet, window.box(0.1, 0.2)), old.paint("shadow"))
    rosy = s.who("Rosy_Cheeks")
    for side in SIDES:
        window = rosy.at(side * 0.46, 0.27, 0.22, 0.2, depth=0.25)
        rosy.lay(window, window.ellipse(0.19, 0.16), rosy.paint("blush"))


def _eyes(s: Sitters) -> None:
    for side in SIDES:
        bags = s.who("Bags_Under_Eyes")
        window = bags.at(side * bags["eye_spacing"], bags["eye_height"] + 0.2, 0.26, 0.16, depth=0.28)
        bags.lay(window, oval(window.u, window.v + 1.5 * window.u * window.u - 0.03, 0.2, 0.065), bags.paint("bags"))
        painted = s.who("Heavy_Makeup")
        window = painted.at(side * painted["eye_spacing"], painted["eye_height"] - 0.08, 0.34, 0.22, depth=0.28)
        painted.lay(window, window.ellipse(0.29, 0.17), painted.paint("makeup"), 0.8)

        window = s.at(side * s["eye_spacing"], s["eye_height"], 0.28, 0.2, depth=0.28)
        a = column(0.19 * s["eye_size"] * (1 - 0.35 * side * s["yaw"]))
        b = column(s.choose("Narrow_Eyes", 0.055, 0.13) * s["eye_size"])
        lashes = column(s.choose("Male", 0.0, 0.045))
        s.lay(window, oval(window.u, window.v + lashes, a + lashes, b + 0.02), s.paint("dark"))
        eye = window.ellipse(a, b)
        s.lay(window, eye, s.paint("white"))
        iris = oval(window.u - column(s["gaze"]), window.v, 0.095, 0.095)
        s.lay(window, np.minimum(iris, eye), s.paint("iris"))


def _nose_and_mouth(s: Sitters) -> None:
    length, size = s["nose_length"], s["nose_size"]
    window = s.at(0.0, 0.5 * length - 0.06, 0.12, 0.3, depth=0.38)
    s.lay(window, window.ellipse(0.055, 0.2), s.paint("shadow"), 0.7)
    window = s.at(0.0, length, 0.3, 0.2, depth=0.42)
    a, b = column(s.choose("Big_Nose", 0.25, 0.1) * size), column(s.choose("Big_Nose", 0.16, 0.07) * size)
    s.lay(window, window.ellipse(a, b), s.paint("nose"))

    window = s.at(0.0, s["mouth_height"], 0.45, 0.3, depth=0.34)
    smiling, open_ = s.has("Smiling"), column(s.choose("Mouth_Slightly_Open", 0.075, 0.0))
    wide = column(s["mouth_width"] + s.choose("Smiling", 0.06, 0.0))
    curl = column(np.where(smiling, 0.2 + 0.03 * s["smile"], 0.03 * s["smile"] - 0.03))
    across = window.u / wide
    bent = window.v + curl * (across * across - 0.35)
    lips = column(s.choose("Big_Lips", 0.16, 0.065))
    s.lay(window, oval(window.u, bent, wide, lips + open_), s.paint("lips"))
    s.lay(window, oval(window.u, bent, wide * 0.85, open_ + 0.022), s.paint("mouth"))
    teeth = s.who("Mouth_Slightly_Open")
    window = teeth.at(0.0, teeth["mouth_height"] - 0.03, 0.3, 0.15, depth=0.34)
    teeth.lay(window, window.ellipse(0.17, 0.04), teeth.paint("white"))


def _beard(s: Sitters) -> None:
    part = s.who("Mustache")
    window = part.at(0.0, part["mouth_height"] - 0.17, 0.4, 0.2, depth=0.38)
    part.lay(window, oval(window.u, window.v - 0.7 * window.u * window.u, 0.3, 0.075), part.paint("beard"))
    part = s.who("Goatee")
    window = part.at(0.0, part["mouth_height"] + 0.3, 0.3, 0.2, depth=0.3)
    part.lay(window, window.ellipse(0.22, 0.15, 0.5), part.paint("beard"))
    part = s.who("Sideburns")
    for side in SIDES:
        window = part.at(side * (part["face_width"] - 0.1), 0.16, 0.15, 0.36, depth=0.05)
        part.lay(window, window.box(0.1, 0.33), part.paint("beard"))


def _hair_before(s: Sitters) -> None:
    s = s.where(~s.has("Bald"))
    window = s.at(0.0, -0.6, 1.07, 0.75)
    u = window.u - column(0.1 * s["yaw"])
    beside = np.abs(u)
    usual = column(s["hairline"]) + 0.85 * u * u + 0.12 * column(s["parting"]) * u
    receding = -0.80 - 1.3 * beside + 2.7 * u * u
    fringe = -0.42 + 0.3 * u * u + 0.05 * zigzag(u * 4)
    hairline = np.where(column(s.has("Receding_Hairline")), receding, usual)
    hairline = np.minimum(np.where(column(s.has("Bangs")), fringe, hairline), 0.08)
    distance = np.minimum(_skull(s, window, -0.6), hairline - (window.v - 0.6))
    s.canvas.paint(window, window.edge(distance), s.paint("hair"), _strands(s, window))


def _brows(s: Sitters) -> None:
    for side in SIDES:
        window = s.at(side * s["eye_spacing"], s["eye_height"] - s["brow_height"], 0.32, 0.32, depth=0.3)
        arch = column(s.choose("Arched_Eyebrows", 4.2, 0.0)) * window.u * window.u
        arch += side * column(s["brow_tilt"]) * window.u
        bent = window.v + arch - column(s.choose("Arched_Eyebrows", 0.08, 0.0))
        s.lay(window, oval(window.u, bent, 0.25, column(s.choose("Bushy_Eyebrows", 0.115, 0.045))), s.paint("brow"))


def _accessories(s: Sitters) -> None:
    part = s.who("Eyeglasses")
    for side in SIDES:
        window = part.at(side * part["eye_spacing"], part["eye_height"] + 0.03, 0.38, 0.35, depth=0.32)
        part.lay(window, 0.05 - np.abs(window.ellipse(0.29, 0.26, 0.4)), part.paint("frame"))
    window = part.at(0.0, part["eye_height"], 0.14, 0.1, depth=0.4)
    part.lay(window, window.box(0.1, 0.05), part.paint("frame"))
    part = s.who("Wearing_Hat")
    window = part.at(0.0, -0.9, 1.2, 0.6)
    part.lay(window, np.minimum(oval(window.u, window.v - 0.25, 0.88, 0.75, 0.7), 0.25 - window.v), part.paint("hat"))
    part.lay(window, oval(window.u, window.v - 0.22, 1.15, 0.13), part.paint("hat") * 0.6)
    part = s.who("Wearing_Earrings")
    for side in SIDES:
        window = part.at(side * (part["face_width"] + 0.05), 0.42, 0.2, 0.2, depth=-0.05)
        part.lay(window, window.ellipse(0.16, 0.16), part.paint("dark"))
        part.lay(window, window.ellipse(0.11, 0.11), part.paint("jewel"))
