"""Latitude and longitude as people write them down, and what is no place on the Earth."""

import math
import re
from collections.abc import Sequence

from distill.data.targets import Column
from distill.errors import DistillError, echo

COORDINATES = Column("coordinates", "float32", (2,))
"""Where a photograph was taken: degrees, latitude and longitude; float32 is exact to 2 m."""
Position = tuple[float, float] | None
"""Latitude and longitude; None where it is not known."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,3},\d+")
_HEMISPHERE = re.compile(r"[NSEWO°'\"\u2032\u2033]", re.IGNORECASE)
_MISSING = {"", "nan", "na", "n/a", "null", "none", "-"}


def degrees(text: object, where: str) -> float | None:
    """A number of degrees; None where nothing is known.

    Args:
        where: it stands, for the message.

    Raises:
        DistillError: it is another thing.
    """
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return None
    word = str(text).strip()
    if word.lower() in _MISSING:
        return None
    try:
        value = float(word)
    except ValueError:
        value = math.inf
    if math.isfinite(value):
        return value
    reason = "expected decimal degrees, such as -33.8568."
    if _DECIMAL_COMMA.fullmatch(word):
        reason = f"a decimal comma; {reason} Write a point."
    elif _HEMISPHERE.search(word) and any(sign.isdigit() for sign in word):
        reason = f"degrees with a mark or a letter; {reason} South and west are negative, minutes are sixtieths."
    raise DistillError(f"{where} is {echo(word)}: {reason}")


def check_positions(positions: Sequence[Position], numbers: Sequence[object], where: str) -> None:
    """Refuse what is no place on the Earth.

    Args:
        numbers: of each position's row, for the message.
        where: they stand, for the message.

    Raises:
        DistillError: a latitude is beyond 90, or a longitude beyond 180 degrees; that columns are exchanged, or
            longitudes counted from 0 to 360, is said where it looks so.
    """
    known = [(position, number) for position, number in zip(positions, numbers, strict=True) if position is not None]
    high = [(position, number) for position, number in known if abs(position[0]) > 90]
    wide = [(position, number) for position, number in known if abs(position[1]) > 180]
    if high:
        (latitude, _), number = high[0]
        exchanged = all(abs(position[0]) <= 180 and abs(position[1]) <= 90 for position, _ in known)
        advice = (
            "All would be places with the two columns exchanged: name them the other way."
            if exchanged
            else "Mend these rows, or leave their cells empty."
        )
        raise DistillError(
            f"{where}: {len(high)} latitudes beyond 90 degrees, the first in row {number}: {latitude:g}. {advice}"
        )
    if wide:
        (_, longitude), number = wide[0]
        turned = all(0 <= position[1] <= 360 for position, _ in known)
        advice = (
            "They seem to count from 0 to 360: take 360 from those above 180."
            if turned
            else "Mend these rows, or leave their cells empty."
        )
        raise DistillError(
            f"{where}: {len(wide)} longitudes beyond 180 degrees, the first in row {number}: {longitude:g}. {advice}"
        )


def without_null_island(positions: Sequence[Position]) -> tuple[list[Position], int]:
    """The positions without those at 0, 0, where no land is and which programs write for a value they lack; and how
    many of these there were."""
    kept: list[Position] = [None if position == (0, 0) else position for position in positions]
    return kept, sum(position == (0, 0) for position in positions)
