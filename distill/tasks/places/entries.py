"""What places add to results.json."""

from typing import TypedDict


class CellEntry(TypedDict):
    """The cells: how many, the photographs to train on that lie in one and that lie in none, and the widths of the
    narrowest and the widest in kilometres."""

    cells: int
    photographs: int
    outside: int
    width_km: list[float]


class GuessEntry(TypedDict):
    """A test picture on the map: where it was taken, and where each role has it, degrees; and how far off, in km."""

    picture: str
    true: list[float]
    guesses: dict[str, list[float]]
    kilometres: dict[str, float]


class PlaceEntries(TypedDict):
    """The task's own entries of results.json.

    `constant`: by metric, the share of the best of one and the same guess for every test picture. `reach`: the share of
    test pictures within each radius of the mean photograph of the cell that is best for it: what cells alone allow.
    """

    cells: CellEntry
    constant: dict[str, float]
    reach: dict[str, float]
    guesses: list[GuessEntry]
