"""What finding faces came to, for a whole set of photographs: landmarks of those that are used, a reason of others."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from distill.faces.choice import KINDS, kind_of
from distill.preprocess.landmarks import AlignedTo, Point

FURTHER = "#"
"""Between the name of a photograph and the number of a face of it, from the second on."""


@dataclass(frozen=True, eq=False)
class Found:
    """The faces of a set, by the names of its photographs; a second face of `NAME` is called `NAME#2`.

    Attributes:
        file: the detector's, for messages.
        landmarks: of each face that is used.
        reasons: why others are not.
        faces: of a photograph of which several are taken, how many.
        photographs: that could be read, and of these
        used: those of which a face is.
        to: the template faces are brought to.
    """

    file: Path
    landmarks: Mapping[str, Mapping[str, Point]]
    reasons: Mapping[str, str]
    faces: Mapping[str, int]
    photographs: int
    used: int
    to: AlignedTo = "arcface112"

    @property
    def kinds(self) -> dict[str, int]:
        """How many faces are not used, by the kind of reason; kinds without any are left out."""
        counted = Counter(map(kind_of, self.reasons.values()))
        return {kind: counted[kind] for kind in KINDS if counted[kind]}


def further(name: str, number: int) -> str:
    """What the face of that number, from 1, of a photograph is called."""
    return name if number == 1 else f"{name}{FURTHER}{number}"
