"""Where land is, to draw a map over: coastlines of Natural Earth, which are in the public domain."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from distill.files.atomic import read_json

FILE = Path(__file__).with_name("coastlines.json")
"""`source`, in words, and `rings`: closed lines of longitude, latitude, longitude, latitude and so on, in degrees."""


@lru_cache(maxsize=1)
def coastlines() -> tuple[np.ndarray, ...]:
    """Closed lines, degrees float64 (points, 2) each: longitude and latitude."""
    return tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in read_json(FILE)["rings"])
