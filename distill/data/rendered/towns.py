"""The towns around which rendered places lie, and how what is drawn follows from latitude and longitude.

Shapes: N pictures, T towns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.dice import Dice
from distill.data.rendered.rasterizer import Floats, zigzag

TOWNS = np.array(
    [
        *((64.15, -21.94), (51.51, -0.13), (48.86, 2.35), (40.42, -3.7), (52.52, 13.41), (41.9, 12.5)),
        *((59.33, 18.07), (37.98, 23.73), (41.01, 28.98), (55.75, 37.62), (30.04, 31.24), (33.57, -7.59)),
        *((6.52, 3.38), (-1.29, 36.82), (-26.2, 28.05), (-33.92, 18.42), (-18.88, 47.51), (9.03, 38.74)),
        *((25.2, 55.27), (35.69, 51.39), (24.86, 67), (28.61, 77.21), (19.08, 72.88), (6.93, 79.86)),
        *((27.72, 85.32), (13.76, 100.5), (1.35, 103.82), (-6.21, 106.85), (22.32, 114.17), (31.23, 121.47)),
        *((39.9, 116.41), (37.57, 126.98), (35.68, 139.69), (47.92, 106.92), (62.03, 129.73), (-31.95, 115.86)),
        *((-33.87, 151.21), (-36.85, 174.76), (21.31, -157.86), (61.22, -149.9), (49.28, -123.12), (34.05, -118.24)),
        *((41.88, -87.63), (40.71, -74.01), (25.76, -80.19), (19.43, -99.13), (4.71, -74.07), (-0.18, -78.47)),
        *((-12.05, -77.04), (-22.91, -43.17), (-34.6, -58.38), (-33.45, -70.67)),
    ]
)
"""float64 (T, 2), latitude and longitude in degrees."""
IN_TOWN, AROUND = 0.02, 2.0
"""Degrees that pictures lie from a town's middle at most, along either axis: those of the town and of its country."""
DRAWS = 32


@dataclass(frozen=True)
class Outlook:
    """Where pictures are taken, and whatever else is left to chance.

    Attributes:
        places: degrees float32 (N, 2).
        town: int64 (N,), the number of the town that each is of, or in the country around.
        inside: bool (N,), in the town itself.
        chance: float32 (N, C) from 0 to 1.
    """

    places: Floats
    town: NDArray[np.int64]
    inside: NDArray[np.bool_]
    chance: Floats

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice) -> "Outlook":
        return Outlook(self.places[rows], self.town[rows], self.inside[rows], self.chance[rows])


def outlook(indices: NDArray[np.int64], seed: int) -> Outlook:
    """Of pictures by their numbers (N,)."""
    dice = Dice(seed, 47, indices, DRAWS)
    town = np.minimum((dice.uniform() * len(TOWNS)).astype(np.int64), len(TOWNS) - 1)
    inside = dice.chance(0.6)
    away = np.stack([dice.uniform(-1, 1), dice.uniform(-1, 1)], axis=1)
    reach = np.where(inside, IN_TOWN, AROUND)[:, None]
    places = (TOWNS[town] + away * reach).astype(np.float32)
    chance = np.stack([dice.uniform() for _ in range(DRAWS - 4)], axis=1)
    return Outlook(places, town, inside, chance)


@dataclass(frozen=True)
class Look:
    """What a place looks like, float32 (N,) or (N, 3) from 0 to 1; of neighbours it is alike.

    Attributes:
        sun: its height. north: of the equator, where it stands on the other side. green: how much grows. cold: snow,
            and trees that taper.
        soil, leaves, walls, roofs, sign: colours.
        pitch: of roofs. shape: of signs: below 1/3 round, from 2/3 on with three corners, else square.
    """

    sun: Floats
    north: NDArray[np.bool_]
    green: Floats
    cold: Floats
    soil: Floats
    leaves: Floats
    walls: Floats
    roofs: Floats
    sign: Floats
    pitch: Floats
    shape: Floats


def look(places: Floats) -> Look:
    """Of places (N, 2): piecewise linear in latitude and longitude, so that every machine draws the same."""
    latitude, longitude = places.astype(np.float32).T
    away = np.abs(latitude)
    green = np.interp(away, (0, 12, 24, 33, 50, 62, 70), (1, 0.8, 0.1, 0.35, 0.8, 0.6, 0.2)).astype(np.float32)

    def colour(*waves: tuple[float, float]) -> Floats:
        """Of how many degrees of latitude and of longitude each channel goes up and down."""
        return np.stack([0.5 + 0.5 * zigzag(latitude / a + longitude / b) for a, b in waves], axis=1)

    return Look(
        sun=1 - away / 75,
        north=latitude > 0,
        green=green,
        cold=np.clip((away - 40) / 25, 0, 1),
        soil=0.2 + 0.6 * colour((60, 170), (95, -210), (140, 120)),
        leaves=np.stack([0.1 + 0.3 * (1 - green), 0.3 + 0.3 * green, 0.1 + 0.2 * colour((80, 100))[:, 0]], axis=1),
        walls=0.25 + 0.75 * colour((70, 90), (110, -130), (-90, 75)),
        roofs=0.1 + 0.8 * colour((100, 80), (75, 140), (-120, 95)),
        sign=colour((200, 110), (-160, 130), (240, -85)),
        pitch=0.2 + 0.8 * np.clip(away / 65, 0, 1),
        shape=0.5 + 0.5 * zigzag(longitude / 120),
    )
