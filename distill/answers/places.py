"""Where a photograph was taken: a probability for each of the cells that the Earth was cut into.

Shapes: N pictures, C cells, T the likeliest of a picture's.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np

from distill.answers.classes import Softmax
from distill.answers.kind import Arrays, Shares
from distill.data import s2
from distill.data.cells import overlaps
from distill.errors import DistillError
from distill.evaluation.great_circle import RADII, great_circle

Rule = Literal["cell", "mode"]
_LIKELIEST = 64  # cells that a mode is looked for among, and counted of


class Guesses(NamedTuple):
    """Where photographs were taken, as a network has it.

    Attributes:
        places: degrees float64 (N, 2), latitude and longitude.
        cells: int64 (N,), the number of the cell that each is the mean photograph of.
        probabilities: float32 (N,), of that cell.
    """

    places: np.ndarray
    cells: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class Places(Softmax):
    """float32 (N, C) that sum to one, of cells named by their S2 tokens.

    Args:
        latitudes, longitudes: C each, degrees, of the mean photograph of each cell; None while they are not known.
        place: what a guess is: the mean photograph of the likeliest cell, or of the one around which the most lies.
        sure_from, radii: from which probability on a guess is of a group, least first, and within how many kilometres
            nine in ten guesses of that group lay on the validation pictures; None where there were none.
    """

    latitudes: tuple[float, ...] | None = None
    longitudes: tuple[float, ...] | None = None
    place: Rule = "cell"
    sure_from: tuple[float, ...] | None = None
    radii: tuple[float, ...] | None = None

    name: ClassVar[str] = "places"
    shares: ClassVar[bool] = True
    words: ClassVar[str] = "probabilities of cells of the Earth"
    page: ClassVar[Path | None] = Path(__file__).with_name("places.js")
    template: ClassVar[Path] = Path(__file__).with_name("places.md")
    reading: ClassVar[str] = """\
import json

config = json.load(open("student/config.json", encoding="utf-8"))
cell = int(answers[0].argmax())
print(config["latitudes"][cell], config["longitudes"][cell], config["classes"][cell], answers[0, cell])
"""

    def called(self, classes: tuple[str, ...] | None) -> Self:
        """Cells of the same names lie where these do; of others, nobody says where."""
        if classes is None or classes == self.classes:
            return self
        return replace(self, classes=classes, latitudes=None, longitudes=None, sure_from=None, radii=None)

    def shares_of(self, names: tuple[str, ...]) -> Shares:
        """By the ground that cells share.

        Args:
            names: each a token, or a line that begins with one.
        """
        theirs = s2.cells_of(tuple(map(s2.first_word, names)), "teacher.classes")
        return Shares(*overlaps(theirs, s2.cells_of(self.classes or (), "cells")))

    def check(self) -> None:
        super().check()
        cells = len(self.classes or ())
        for key, limit in (("latitudes", 90), ("longitudes", 180)):
            values = getattr(self, key)
            if not _numbers(values) or len(values) != cells:
                raise DistillError(f"{key}: expected {cells} numbers, one for each cell.")
            if any(abs(value) > limit for value in values):
                raise DistillError(f"{key}: expected degrees from -{limit} to {limit}.")
        if self.place not in ("cell", "mode"):
            raise DistillError(f"place: {self.place!r}, expected cell or mode.")
        starts, radii = self.sure_from, self.radii
        told = starts is not None or radii is not None
        if told and not (_numbers(starts) and _numbers(radii) and len(starts or ()) == len(radii or ()) > 0):
            raise DistillError("sure_from, radii: expected as many numbers of one as of the other, or null of both.")

    @property
    def table(self) -> np.ndarray:
        """Degrees float64 (C, 2): the mean photograph of each cell.

        Raises:
            DistillError: nobody says where the cells lie.
        """
        if self.latitudes is None or self.longitudes is None:
            raise DistillError("nothing says where its cells lie; a file that was exported here carries them.")
        return np.stack([self.latitudes, self.longitudes], axis=1).astype(np.float64)

    def guesses(self, answers: Arrays) -> Guesses:
        """Of answers (N, C), where each picture was taken."""
        probabilities, table = answers["probabilities"], self.table
        cells = probabilities.argmax(axis=1)
        if self.place == "mode" and len(table) > 1:
            cells = _modes(probabilities, table)
        return Guesses(table[cells], cells, np.take_along_axis(probabilities, cells[:, None], axis=1)[:, 0])

    def heading(self) -> list[str]:
        return ["latitude", "longitude", "probability", "radius_km", "cell"]

    def row(self, answers: Arrays) -> list[str]:
        """The guess, its cell's probability, and within how many kilometres nine in ten guesses as sure lay on
        validation."""
        guess = self.guesses({name: values[None] for name, values in answers.items()})
        latitude, longitude = guess.places[0]
        probability = float(guess.probabilities[0])
        radius = "" if (held := self.radius(probability)) is None else f"{held:.1f}"
        name = (self.classes or ())[int(guess.cells[0])]
        return [f"{latitude:.5f}", f"{longitude:.5f}", f"{probability:.4f}", radius, name]

    def radius(self, probability: float) -> float | None:
        """Kilometres; None where nothing was validated."""
        if self.sure_from is None or self.radii is None:
            return None
        return self.radii[int(np.searchsorted(self.sure_from, probability, side="right")) - 1]

    def limits(self) -> list[str]:
        return [
            "It guesses where a photograph was taken from what it shows. That can find where somebody lives, works or "
            "hides, follow a person over several photographs, or undo the care of one who took the position out: do "
            "not use it on photographs of people who did not agree to be located.",
            "It knows places only where its training photographs were taken, mostly those of people who travel and "
            "publish; of anywhere else it says the place most like it, and may be sure of that.",
            "A guess is no evidence: distances were measured on photographs like those of the test split, and one in "
            "ten guesses lay outside of the radius that stands beside it.",
        ]


def _modes(probabilities: np.ndarray, table: np.ndarray) -> np.ndarray:
    """int64 (N,): of the likeliest cells of each picture the one with the most around it: the sum over the five radii
    of the probability of the cells within each is largest, which is how a guess there would be expected to score."""
    count = min(_LIKELIEST, probabilities.shape[1])
    chosen = np.empty(len(probabilities), np.int64)
    for number, row in enumerate(probabilities):
        likeliest = np.sort(np.argpartition(-row, count - 1)[:count])
        distances = great_circle(table[likeliest][:, None], table[likeliest])
        around = sum((distances <= radius) @ row[likeliest].astype(np.float64) for radius in RADII)
        chosen[number] = likeliest[int(np.argmax(around))]
    return chosen


def _numbers(values: object) -> bool:
    return isinstance(values, tuple) and all(
        isinstance(value, float | int) and not isinstance(value, bool) and np.isfinite(value) for value in values
    )
