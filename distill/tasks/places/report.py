"""What the page shows of places: a map of the world, shares within each distance, and pictures with their guesses.

Shapes: N pictures.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from distill.data.prepared.pictures import Pictures
from distill.evaluation.great_circle import RADII
from distill.evaluation.places import WITHIN, PlaceScores
from distill.report.data_uris import picture_uri, svg_uri
from distill.report.section import Section
from distill.tasks.places.entries import CellEntry, GuessEntry, PlaceEntries
from distill.tasks.places.pictures import coordinates
from distill.tasks.places.plots import distance_plot, world_map

MAPPED, SHOWN = 60, 12
"""Test pictures on the map, and those that are shown."""
WITHIN_TABLE, MAP, GALLERY = (Path(__file__).with_name(f"{name}.html") for name in ("within", "map", "gallery"))

Allowed = tuple[CellEntry, dict[str, float], dict[str, float]]
"""The cells; and by metric the shares of the best constant guesses, and of the nearest mean photographs."""


def place_report(
    guesses: Mapping[str, np.ndarray], scores: Mapping[str, PlaceScores], test: Pictures, allowed: Allowed
) -> tuple[PlaceEntries, list[Section]]:
    """The task's entries of results.json and its sections of the page.

    Args:
        guesses: degrees (N, 2) of the test pictures, by role, the student's last.
        scores: of them.
    """
    cells, constant, reach = allowed
    true = coordinates(test)
    number = np.linspace(0, len(test) - 1, min(MAPPED, len(test))).astype(np.int64)
    entries: PlaceEntries = {
        "cells": cells,
        "constant": constant,
        "reach": reach,
        "guesses": [_guess(test, int(row), true, guesses, scores) for row in number],
    }
    rows = [
        {
            "radius": radius,
            "called": called,
            "models": [(one.metrics[name], one.intervals[name]) for one in scores.values()],
            "constant": constant[name],
            "reach": reach[name],
        }
        for (radius, called), name in zip(RADII.items(), WITHIN, strict=True)
    ]
    plot = svg_uri(distance_plot({role: one.kilometres for role, one in scores.items()}, list(RADII)))
    drawn = svg_uri(world_map(true[number], list(guesses.values())[-1][number]))
    shown = entries["guesses"][:: max(1, len(number) // SHOWN)][:SHOWN]
    pictures = test.gather(number[:: max(1, len(number) // SHOWN)][:SHOWN])
    examples = [{"picture": picture_uri(picture), **one} for picture, one in zip(pictures, shown, strict=True)]
    table = {"rows": rows, "roles": list(scores), "plot": plot, "cells": cells}
    return entries, [
        Section("How near the guesses are", WITHIN_TABLE, table),
        Section("On the map", MAP, {"map": drawn, "pictures": len(number)}, below="agreement"),
        Section("Guesses", GALLERY, {"examples": examples}, below="agreement"),
    ]


def _guess(
    test: Pictures,
    row: int,
    true: np.ndarray,
    guesses: Mapping[str, np.ndarray],
    scores: Mapping[str, PlaceScores],
) -> GuessEntry:
    return {
        "picture": test.name(row),
        "true": true[row].tolist(),
        "guesses": {role: places[row].tolist() for role, places in guesses.items()},
        "kilometres": {role: float(one.kilometres[row]) for role, one in scores.items()},
    }
