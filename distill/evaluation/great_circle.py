"""Distances on the Earth, taken for a sphere: the shortest way over its surface between two places.

Shapes: P places, Q others, ... any, of two arrays alike or broadcast.
"""

import numpy as np

RADIUS = 6371.0088
"""Kilometres: the mean radius of the Earth (IUGG). Ways on the ellipsoid differ from those on the sphere by 0.5 %."""
RADII = {1: "street", 25: "city", 200: "region", 750: "country", 2500: "continent"}
"""Kilometres that a guess may be off, and what the field calls them (PlaNet, arXiv 1602.05314)."""


def great_circle(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kilometres between places.

    The haversines of the angle between them and of that to the antipode, which sum to one, are both computed: the arc
    tangent of their roots is exact at either end, where an arc sine of what rounding has left is 0.1 km off, or NaN.

    Args:
        one, other: degrees (..., 2), latitude and longitude; longitudes in any turn.

    Returns:
        float64 (...).
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    south, north = np.radians(first[..., 0]), np.radians(second[..., 0])
    half_turn = np.radians(np.remainder(second[..., 1] - first[..., 1], 360)) / 2
    both = np.clip(np.cos(south) * np.cos(north), 0, None)
    near = np.sin((north - south) / 2) ** 2 + both * np.sin(half_turn) ** 2
    far = np.sin((north + south) / 2) ** 2 + both * np.cos(half_turn) ** 2
    return np.asarray(2 * RADIUS * np.arctan2(np.sqrt(near), np.sqrt(far)))


def mean_place(places: np.ndarray) -> np.ndarray:
    """Degrees float64 (2,) of the middle of places (P, 2): the direction of their mean in space, so that a date line
    or a pole between them does no harm; the first of them where that has none."""
    latitude, longitude = np.radians(np.asarray(places, np.float64)).T
    x, y, z = (
        float(part.mean())
        for part in (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude))
    )
    if np.hypot(np.hypot(x, y), z) < 1e-9:  # as of two antipodes
        return np.asarray(places[0], np.float64)
    return np.degrees(np.array([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)]))
