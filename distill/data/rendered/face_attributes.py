"""Who is on a rendered portrait and how: attributes and measures drawn from counters.

What belongs to a person comes from (seed, identity), what belongs to one picture from (seed, index), by a
counter-based generator: any picture can be described alone, and in any batch it is the same.

Shapes: N pictures, C attributes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.dice import Dice
from distill.data.rendered.scene import LIGHT, WALL

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

DRAWS = 96  # random numbers set aside for a person and for a picture

CLASSES = (
    "Arched_Eyebrows",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Pale_Skin",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)
"""Attributes under their CelebA names, in CelebA's order."""

PERSON = {
    "face_width": (0.70, 0.80),
    "face_height": (0.96, 1.06),
    "jaw": (-0.10, 0.06),
    "eye_spacing": (0.32, 0.40),
    "eye_height": (-0.14, -0.05),
    "eye_size": (0.92, 1.12),
    "iris": (0.0, 1.0),
    "brow_height": (0.25, 0.33),
    "brow_tilt": (-0.12, 0.12),
    "nose_length": (0.18, 0.28),
    "nose_size": (0.9, 1.12),
    "mouth_height": (0.53, 0.60),
    "mouth_width": (0.26, 0.33),
    "ear_size": (0.85, 1.2),
    "skin": (0.0, 1.0),
    "skin_warmth": (-0.04, 0.04),
    "hair_tone": (0.85, 1.2),
    "hair_volume": (0.10, 0.19),
    "hairline": (-0.70, -0.62),
}
"""Measures of a person and the range each is uniform in; lengths in head units, half a face high."""

VIEW = {
    "shift_x": (-0.055, 0.055),
    "shift_y": (-0.04, 0.04),
    "scale": (0.26, 0.303),
    "tilt": (-0.065, 0.065),
    "yaw": (-0.35, 0.35),
    "gaze": (-0.05, 0.05),
    "gain": (0.7, 1.05),
    **LIGHT,
    "parting": (-1.0, 1.0),
    "smile": (-1.0, 1.0),
    "grain": (0.0, 1.0),
    **WALL,
}
"""Measures of one picture: pose (shifts and scale in picture sides, `tilt` the tangent of half the angle), light,
expression and background."""

COLOURS = ("wall", "ramp", "disc", "board", "cloth", "tie", "hat", "frame", "makeup", "lipstick", "cast", "jewel")
"""Free colours of a picture; what each is mixed with is for the drawing to say."""


@dataclass(frozen=True)
class Faces:
    """N portraits as numbers: all that drawing needs.

    Attributes:
        labels: bool (N, C), columns as in `CLASSES`.
        measures: float32 (N,) under every name of `PERSON` and `VIEW`.
        colours: float32 (N, 3) in 0..1 under every name of `COLOURS`.
        long_hair: bool (N,).
    """

    labels: Bools
    measures: dict[str, Floats]
    colours: dict[str, Floats]
    long_hair: Bools

    def has(self, attribute: str) -> Bools:
        """Who has the attribute: (N,)."""
        return self.labels[:, CLASSES.index(attribute)]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | NDArray[np.integer[Any]]) -> "Faces":
        return Faces(
            self.labels[rows],
            {name: values[rows] for name, values in self.measures.items()},
            {name: values[rows] for name, values in self.colours.items()},
            self.long_hair[rows],
        )


def sample(indices: Integers, identities: Integers, seed: int) -> Faces:
    """Describe picture ``indices[n]`` of person ``identities[n]``.

    Args:
        indices, identities: (N,), not negative.
        seed: 0 to 2**63 - 1.
    """
    person, view = Dice(seed, 0, identities, DRAWS), Dice(seed, 1, indices, DRAWS)
    measures = {name: person.uniform(*span) for name, span in PERSON.items()}
    measures |= {name: view.uniform(*span) for name, span in VIEW.items()}
    colours = {name: np.stack([view.uniform() for _ in range(3)], axis=1) for name in COLOURS}

    has: dict[str, Bools] = {}
    has["Male"] = male = person.chance(0.5)
    age = person.uniform(6, 84)
    has["Young"] = young = age < 50
    adult, old = age >= 18, ~young

    has["Bald"] = bald = person.chance(np.where(male & (age >= 30), 0.3, 0.0))
    long_hair = person.chance(np.where(male, 0.12, 0.85)) & ~bald
    has["Wearing_Hat"] = hat = view.chance(0.16) & ~bald
    gray = old & person.chance(0.5)
    shade = person.uniform()
    has["Gray_Hair"] = gray & ~bald
    has["Black_Hair"] = (shade < 0.36) & ~gray & ~bald
    has["Brown_Hair"] = (shade >= 0.36) & (shade < 0.66) & ~gray & ~bald
    has["Blond_Hair"] = (shade >= 0.66) & (shade < 0.93) & ~gray & ~bald
    curl = person.uniform()
    seen = ~bald & (long_hair | ~hat)  # of short hair under a hat too little shows to tell
    has["Wavy_Hair"] = (curl < np.where(male, 0.25, 0.5)) & seen
    has["Straight_Hair"] = (curl > np.where(male, 0.6, 0.7)) & seen
    receding = person.chance(np.where(age >= 30, np.where(male, 0.5, 0.1), 0.0)) & ~bald
    bangs = person.chance(np.where(male, 0.2, 0.45)) & ~bald & ~receding
    has["Receding_Hairline"] = receding & ~hat
    has["Bangs"] = bangs & ~hat

    bearded = male & adult & person.chance(0.85)
    has["Mustache"] = bearded & person.chance(0.45)
    has["Goatee"] = bearded & person.chance(0.45)
    has["Sideburns"] = bearded & person.chance(0.45)
    has["No_Beard"] = ~(has["Mustache"] | has["Goatee"] | has["Sideburns"])

    has["Pale_Skin"] = person.chance(0.2)
    has["Big_Nose"] = person.chance(np.where(male, 0.4, 0.2))
    has["Big_Lips"] = person.chance(np.where(male, 0.2, 0.4))
    has["Narrow_Eyes"] = person.chance(0.25)
    has["Bushy_Eyebrows"] = person.chance(np.where(male, 0.4, 0.12))
    has["Arched_Eyebrows"] = person.chance(np.where(male, 0.15, 0.5))
    has["Bags_Under_Eyes"] = view.chance(np.where(old, 0.45, 0.15))

    woman = ~male & adult
    has["Heavy_Makeup"] = makeup = woman & view.chance(0.45)
    has["Wearing_Lipstick"] = woman & view.chance(np.where(makeup, 0.9, 0.35))
    has["Rosy_Cheeks"] = view.chance(np.where(makeup, 0.5, 0.12))
    has["Wearing_Earrings"] = view.chance(np.where(woman, 0.5, 0.06))
    has["Wearing_Necktie"] = tie = male & view.chance(np.where(adult, 0.4, 0.08))
    has["Wearing_Necklace"] = view.chance(np.where(male, 0.06, 0.4)) & ~tie
    has["Eyeglasses"] = view.chance(np.where(person.chance(0.3), 0.6, 0.06))
    has["Smiling"] = smiling = view.chance(0.48)
    has["Mouth_Slightly_Open"] = view.chance(np.where(smiling, 0.6, 0.25))
    return Faces(np.stack([has[name] for name in CLASSES], axis=1), measures, colours, long_hair)
