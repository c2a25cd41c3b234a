"""What lies where something was looked for."""

from itertools import islice
from pathlib import Path

_NAMED = 6
_LOOKED_AT = 200
_LONGEST = 40  # characters of a name


def nearby(path: Path) -> str:
    """A sentence on what lies in the nearest directory above a missing place that is there.

    Args:
        path: the place; where it is a directory, it is that one.
    """
    place = path
    while not _is_directory(place):
        if place.parent == place:
            return f"There is no {place}."
        place = place.parent
    try:
        entries = list(islice(place.iterdir(), _LOOKED_AT))
    except OSError as error:
        return f"{place} cannot be read ({error.strerror})."
    # Folders first: what is looked for is more often a level away than beside.
    shown = sorted(entries, key=lambda entry: (not entry.is_dir(), entry.name.startswith("."), entry.name))
    if not shown:
        return f"{place} is empty."
    names = [_short(entry.name) + ("/" if entry.is_dir() else "") for entry in shown[:_NAMED]]
    return f"In {place} there are {', '.join(names)}{', ...' if len(shown) > _NAMED else ''}."


def _is_directory(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):  # a name that nothing can have: too long, or with a null character
        return False


def _short(name: str) -> str:
    text = name.encode(errors="replace").decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
