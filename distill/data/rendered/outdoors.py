"""Views of rendered places: sky and sun, hills, soil, trees, houses, a sign, and in a town its tower.

Shapes: N pictures, H W pixels.
"""

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.dice import Dice
from distill.data.rendered.rasterizer import Floats, column, zigzag
from distill.data.rendered.towns import TOWNS, Look, Outlook, look

HOUSES, TREES = 3, 4
_TOWER_SEED = 11  # what towers look like, whatever the seed of the pictures


def paint(outlook: Outlook, height: int, width: int) -> NDArray[np.uint8]:
    """uint8 (N, height, width, 3)."""
    place, chance = look(outlook.places), outlook.chance
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[None, :, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, None, :]
    horizon = column(0.45 + 0.1 * chance[:, 0])
    planes = _ground(place, chance, horizon, x, y)
    for number in range(TREES):
        _tree(planes, place, chance[:, 4 + 3 * number : 7 + 3 * number], horizon, (x, y))
    for number in range(HOUSES):
        shown = outlook.inside | (chance[:, 16 + 3 * number] > 0.6)
        _house(planes, place, chance[:, 16 + 3 * number : 19 + 3 * number], shown, (x, y))
    _tower(planes, outlook, x, y)
    _sign(planes, place, chance[:, 26], x, y)
    grain = zigzag(x * 37.3 + column(chance[:, 1]) * 9 + zigzag(y * 41.7 + column(chance[:, 2]) * 7) * 3)
    planes *= (column(0.8 + 0.4 * chance[:, 3]) * (1 + 0.06 * grain))[:, None]
    return np.ascontiguousarray(np.clip(255 * planes + 0.5, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1))


def _ground(place: Look, chance: Floats, horizon: Floats, x: Floats, y: Floats) -> Floats:
    """float32 (N, 3, H, W): sky with the sun, hills, and the ground."""
    depth = np.clip(y / horizon, 0, 1)
    sun = column(place.sun)
    sky = np.stack(
        [0.35 + 0.3 * sun * depth + 0 * x, 0.5 + 0.3 * sun + 0.1 * depth + 0 * x, 0.95 - 0.25 * depth + 0 * x], 1
    )
    side = np.where(place.north, 0.8, 0.2).astype(np.float32) + 0.1 * (chance[:, 27] - 0.5)
    away = (x - column(side)) ** 2 + (y - horizon * (0.95 - 0.8 * sun)) ** 2
    _over(sky, np.clip((0.006 - away) * 300, 0, 1), np.array([[1, 0.95, 0.7]], np.float32))
    snow = np.array([[0.95, 0.96, 1]], np.float32)
    hills = place.leaves * 0.8 + 0.1
    hills = hills + column(place.cold)[:, :, 0] * 0.6 * (snow - hills)
    line = horizon - 0.06 - 0.05 * zigzag(x * 2.3 + column(chance[:, 1]))
    _over(sky, np.clip((y - line) * 60, 0, 1), hills)
    mixed = place.soil + place.green[:, None] * 0.5 * (place.leaves - place.soil)
    mixed = mixed + place.cold[:, None] * 0.5 * (snow - mixed)
    _over(sky, np.clip((y - horizon) * 60, 0, 1), mixed)
    return sky


def _tree(planes: Floats, place: Look, chance: Floats, horizon: Floats, grid: tuple[Floats, Floats]) -> None:
    """One that tapers in the cold, as many as grow there."""
    x, y = grid
    middle, size = column(chance[:, 0]), column(0.06 + 0.06 * chance[:, 1])
    top = horizon - size
    down = (y - top) / (2.2 * size)
    taper = column(place.cold > 0.5).astype(np.float32)
    pointed, rounded = np.clip(down, 0, 1), np.sqrt(np.clip(4 * down * (1 - down), 0, 1))
    half = 0.8 * size * (taper * pointed + (1 - taper) * rounded)
    inside = np.clip((half - np.abs(x - middle)) * 60, 0, 1) * ((down > 0) & (down < 1))
    inside *= column((chance[:, 2] < place.green).astype(np.float32))
    _over(planes, inside, place.leaves)


def _house(planes: Floats, place: Look, chance: Floats, shown: NDArray[np.bool_], grid: tuple[Floats, Floats]) -> None:
    """Walls, and a roof as steep as it snows."""
    x, y = grid
    middle, half = column(0.1 + 0.8 * chance[:, 1]), column(0.08 + 0.04 * chance[:, 2])
    top, foot, visible = column(0.58 - 0.06 * chance[:, 2]), 0.76, column(shown.astype(np.float32))
    across = half - np.abs(x - middle)
    wall = np.clip(np.minimum(across, np.minimum(y - top, foot - y)) * 60, 0, 1)
    _over(planes, wall * visible, place.walls)
    rise = column(0.03 + 0.15 * place.pitch)
    slope = across + 0.02 - (half + 0.02) * (top - y) / rise
    _over(planes, np.clip(np.minimum(slope, np.minimum(top - y, y - top + rise)) * 60, 0, 1) * visible, place.roofs)


def _tower(planes: Floats, outlook: Outlook, x: Floats, y: Floats) -> None:
    """The one of the town: of its own width, height, taper and two colours in bands."""
    dice = Dice(_TOWER_SEED, 48, np.arange(len(TOWNS)), 16)
    facts = np.stack([dice.uniform() for _ in range(11)], axis=1)[outlook.town]
    middle = column(0.25 + 0.5 * outlook.chance[:, 25])
    top, half = column(0.08 + 0.25 * facts[:, 0]), column(0.05 + 0.09 * facts[:, 1])
    narrow = 1 - column(0.8 * facts[:, 2]) * np.clip((0.78 - y) / (0.78 - top), 0, 1)
    inside = np.clip(np.minimum(half * narrow - np.abs(x - middle), np.minimum(y - top, 0.78 - y)) * 60, 0, 1)
    inside *= column(outlook.inside.astype(np.float32))
    _over(planes, inside, facts[:, 3:6])
    bands = (zigzag(y * column(4 + 8 * facts[:, 9])) > column(facts[:, 10] - 0.5)).astype(np.float32)
    _over(planes, inside * bands, facts[:, 6:9])


def _sign(planes: Floats, place: Look, chance: Floats, x: Floats, y: Floats) -> None:
    """On a pole in front: round, square or with three corners."""
    u, v = x - column(0.1 + 0.8 * chance), y - 0.8
    pole = np.clip(np.minimum(0.012 - np.abs(u), np.minimum(v, 0.2 - v)) * 60, 0, 1)
    _over(planes, pole, np.array([[0.3, 0.3, 0.3]], np.float32))
    shape = column(place.shape)
    round_, square, corners = (
        0.08 - np.sqrt(u * u + v * v),
        0.07 - np.maximum(np.abs(u), np.abs(v)),
        np.minimum(0.07 - v, (v + 0.09) * 0.6 - np.abs(u)),
    )
    distance = np.where(shape < 1 / 3, round_, np.where(shape < 2 / 3, square, corners))
    _over(planes, np.clip(distance * 60, 0, 1), np.array([[1, 1, 1]], np.float32))
    _over(planes, np.clip((distance - 0.02) * 60, 0, 1), place.sign)


def _over(planes: Floats, coverage: Floats, colour: Floats) -> None:
    """Lay a colour (N, 3) or (1, 3) over planes (N, 3, H, W) where (N, H, W) covers them."""
    planes += coverage[:, None] * (colour[:, :, None, None] - planes)
