"""Which dog is on a rendered picture and how it stands: breeds as traits, individuals drawn from counters.

Breeds come in pairs of sisters that share every trait but one or two. What varies within a breed (tone of the coat,
pose, light, what is behind) comes from (seed, part, index), by a counter-based generator: any picture can be described
alone, and in any batch it is the same.

Shapes: N pictures, B breeds.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered.dice import Dice
from distill.data.rendered.scene import LIGHT, WALL

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]
RGB = tuple[float, float, float]

Pattern = Literal["plain", "saddle", "spots", "patches", "brindle", "merle", "collar"]
Face = Literal["plain", "mask", "blaze", "tan"]
Legs = Literal["plain", "socks", "tan"]
Ears = Literal["pricked", "bat", "button", "drop", "long"]
Tail = Literal["sabre", "whip", "plume", "curl", "dock", "flag"]

DRAWS = 72  # random numbers set aside for a picture


@dataclass(frozen=True)
class Breed:
    """What all dogs of a breed share; lengths in units of the drawing, of which a large dog is about two and a half.

    Attributes:
        name: WordNet id and name, as folders of photographs have them. No noun of WordNet has an id so small.
        coat, second: colours of the coat and of what the pattern lays over it.
        pattern: on the body. face: on muzzle and forehead. legs: below the elbow.
        shaggy: 0 for a smooth outline, to 1.
        muzzle: how far it stands out. leg: its length. body: half the trunk's length. depth: half its height.
        tuck: how far the belly rises behind.
    """

    name: str
    coat: RGB
    second: RGB
    pattern: Pattern = "plain"
    face: Face = "plain"
    legs: Legs = "plain"
    ears: Ears = "drop"
    tail: Tail = "sabre"
    shaggy: float = 0.0
    muzzle: float = 0.30
    leg: float = 0.62
    body: float = 0.62
    depth: float = 0.30
    tuck: float = 0.0


BLACK, WHITE, CREAM, TAN = (0.13, 0.12, 0.14), (0.93, 0.92, 0.88), (0.9, 0.8, 0.6), (0.74, 0.48, 0.22)
RED, LIVER, GREY, FAWN = (0.62, 0.28, 0.1), (0.36, 0.19, 0.11), (0.52, 0.53, 0.56), (0.82, 0.64, 0.42)


def _sisters(first: Breed, name: str, **differing: Any) -> tuple[Breed, Breed]:
    return first, replace(first, name=name, **differing)


BREEDS: tuple[Breed, ...] = (
    *_sisters(
        Breed("n00000001-fell_shepherd", TAN, BLACK, "saddle", "mask", ears="pricked", tail="plume", muzzle=0.34),
        "n00000002-dale_shepherd",
        ears="drop",
    ),
    *_sisters(
        Breed("n00000003-quay_spotter", WHITE, BLACK, "spots", tail="whip", leg=0.68, muzzle=0.33),
        "n00000004-canal_spotter",
        second=LIVER,
    ),
    *_sisters(
        Breed("n00000005-moss_hound", WHITE, RED, "patches", "blaze", ears="long", tail="flag", leg=0.5, body=0.66),
        "n00000006-heath_hound",
        leg=0.3,
    ),
    *_sisters(
        Breed("n00000007-frost_spitz", WHITE, CREAM, ears="pricked", tail="curl", shaggy=0.8, leg=0.5, depth=0.33),
        "n00000008-dune_spitz",
        coat=CREAM,
        second=RED,
        face="mask",
    ),
    *_sisters(
        Breed(
            "n00000009-mill_terrier",
            FAWN,
            BLACK,
            "saddle",
            ears="button",
            tail="dock",
            shaggy=0.35,
            leg=0.44,
            body=0.48,
        ),
        "n00000010-forge_terrier",
        tail="flag",
    ),
    *_sisters(
        Breed(
            "n00000011-gale_courser",
            GREY,
            WHITE,
            ears="button",
            tail="whip",
            muzzle=0.42,
            leg=0.86,
            body=0.66,
            depth=0.25,
            tuck=0.5,
        ),
        "n00000012-storm_courser",
        pattern="brindle",
        second=BLACK,
    ),
    *_sisters(
        Breed(
            "n00000013-copper_pinscher",
            BLACK,
            TAN,
            face="tan",
            legs="tan",
            ears="pricked",
            tail="dock",
            leg=0.72,
            depth=0.27,
            tuck=0.25,
            muzzle=0.33,
        ),
        "n00000014-amber_pinscher",
        coat=LIVER,
    ),
    *_sisters(
        Breed(
            "n00000015-glen_collie", RED, WHITE, "collar", "blaze", "socks", "button", "plume", shaggy=0.6, muzzle=0.4
        ),
        "n00000016-vale_collie",
        coat=BLACK,
    ),
    *_sisters(
        Breed(
            "n00000017-cellar_mastiff",
            FAWN,
            BLACK,
            face="mask",
            ears="drop",
            muzzle=0.2,
            body=0.7,
            depth=0.39,
            leg=0.66,
        ),
        "n00000018-tower_mastiff",
        pattern="brindle",
    ),
    *_sisters(
        Breed(
            "n00000019-parlour_pug",
            FAWN,
            BLACK,
            face="mask",
            ears="button",
            tail="curl",
            muzzle=0.08,
            leg=0.34,
            body=0.46,
            depth=0.32,
        ),
        "n00000020-lantern_bulldog",
        ears="bat",
        tail="dock",
    ),
    *_sisters(
        Breed("n00000021-marsh_retriever", CREAM, WHITE, tail="plume", shaggy=0.4, muzzle=0.3, depth=0.33),
        "n00000022-river_retriever",
        shaggy=0.0,
        tail="sabre",
    ),
    *_sisters(
        Breed("n00000023-slate_heeler", GREY, BLACK, "merle", "tan", "tan", "pricked", "sabre", leg=0.5),
        "n00000024-cinder_heeler",
        tail="dock",
        legs="socks",
    ),
)
"""Sisters stand side by side: breed b's is breed b ^ 1."""

VIEW = {
    "facing": (-1.0, 1.0),
    "shift_x": (-0.06, 0.06),
    "shift_y": (-0.05, 0.05),
    "scale": (0.29, 0.37),
    "tilt": (-0.06, 0.06),
    "turn": (0.8, 1.0),
    "stride": (-0.4, 0.4),
    "raise": (-0.1, 0.12),
    "wag": (-0.12, 0.12),
    "tone": (0.8, 1.15),
    "warmth": (-0.05, 0.05),
    "mark_a": (0.0, 1.0),
    "mark_b": (0.0, 1.0),
    "mark_c": (0.0, 1.0),
    "mark_d": (0.0, 1.0),
    "collar": (0.0, 1.0),
    "horizon": (0.45, 0.8),
    "tufts": (0.0, 1.0),
    "gain": (0.65, 1.05),
    **LIGHT,
    "grain": (0.0, 1.0),
    **WALL,
    "disc_size": (0.1, 0.4),
    "board_size": (0.1, 0.45),
}
"""Measures of one picture and the range each is uniform in: pose (shifts and scale in picture sides, `tilt` the tangent
of half the angle, `turn` how much of the length is seen), marks of the coat, light and background."""

COLOURS = ("wall", "ramp", "disc", "board", "ground", "collar", "cast")
"""Free colours of a picture; what each is mixed with is for the drawing to say."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "pattern": get_args(Pattern),
    "face": get_args(Face),
    "legs": get_args(Legs),
    "ears": get_args(Ears),
    "tail": get_args(Tail),
}
_TRAITS = {
    field.name: np.array([getattr(breed, field.name) for breed in BREEDS])
    if field.name in _CHOICES
    else np.array([getattr(breed, field.name) for breed in BREEDS], np.float32)
    for field in fields(Breed)
    if field.name != "name"
}


@dataclass(frozen=True)
class Dogs:
    """N dogs as numbers: all that drawing needs.

    Attributes:
        traits: (N,) or (N, 3) under every field of `Breed` but its name.
        measures: float32 (N,) under every name of `VIEW`.
        colours: float32 (N, 3) in 0..1 under every name of `COLOURS`.
    """

    traits: dict[str, np.ndarray]
    measures: dict[str, Floats]
    colours: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.measures["facing"])

    def __getitem__(self, rows: slice | NDArray[np.integer[Any]]) -> "Dogs":
        parts = (self.traits, self.measures, self.colours)
        return Dogs(*({name: values[rows] for name, values in part.items()} for part in parts))


def sample(counters: Integers, breeds: Integers, seed: int) -> Dogs:
    """Describe dog ``counters[n]``, of breed ``breeds[n]``.

    Args:
        counters: (N,), not negative.
        breeds: (N,), places in `BREEDS`.
        seed: 0 to 2**63 - 1.
    """
    dice = Dice(seed, 0, counters, DRAWS)
    measures = {name: dice.uniform(*span) for name, span in VIEW.items()}
    colours = {name: np.stack([dice.uniform() for _ in range(3)], axis=1) for name in COLOURS}
    return Dogs({name: values[breeds] for name, values in _TRAITS.items()}, measures, colours)
