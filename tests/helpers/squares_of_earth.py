"""A few places told by their colour, as photographs on disk with a table of where they were taken."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.helpers.running import STAGE, TINY

TOWNS = {"Vienna": (48.2, 16.37), "Sydney": (-33.86, 151.21), "Suva": (-18.14, 178.44), "Apia": (-13.83, -171.77)}
COLOURS = {"Vienna": (200, 40, 40), "Sydney": (40, 200, 40), "Suva": (40, 40, 200), "Apia": (200, 200, 40)}
COUNTS = {"train": 16, "val": 5, "test": 5}


def photographs(root: Path) -> Path:
    """Sixteen photographs a town to train on, five to validate and to test on; the table that lists them."""
    generator = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    rows = []
    for town, (latitude, longitude) in TOWNS.items():
        for split, count in COUNTS.items():
            for number in range(count):
                name = f"{town}-{split}-{number}.png"
                noise = generator.integers(-25, 26, (40, 40, 3))
                pixels = np.clip(np.array(COLOURS[town]) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / "images" / name)
                away = generator.uniform(-0.002, 0.002, 2)
                rows.append([name, split, latitude + away[0], longitude + away[1]])
    with (root / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "split", "latitude", "longitude"], *rows])
    return root / "photos.csv"


def recipe_of_places(table: Path) -> dict[str, Any]:
    """A run of them in seconds."""
    stage = STAGE | {"epochs": 25, "views": {"scale": [0.8, 1.0]}}
    return TINY | {
        "task": "places",
        "data": {"name": "coordinates", "csv": str(table), "root": str(table.parent / "images")},
        "cells": {"most": 20, "least": 2},
        "objective": {"name": "softmax_kl"},
        "teach": stage | {"epochs": 12},
        "transfer": stage,
        "evaluate": {"resamples": 20, "chance": "accept"},
    }
