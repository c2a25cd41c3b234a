"""Which files no program reads back: they have no checksum, and deleting one changes nothing that is written later.

Every other file of a run's directory, a sweep's and a store, of which none is for people alone, is covered by a
checksum that is read before the file is.
"""

from fnmatch import fnmatchcase
from pathlib import PurePath

RUN = ("report.html", "README.md", "lock", "data/*.csv", "stages/*/*/**")
"""Places in a run directory, `*` for any name and `**` for anything below: the report and the card, what locks it,
lists of pictures (near duplicates, suspects, those that a refused set left out), and what loggers of Lightning's
write."""
SWEEP = ("report.html", "sweep.json", "logs/*.txt", "locks/*")
"""Places in a sweep's, beside those in its run directories, `teacher` and `points/*`."""


def is_for_people(place: PurePath) -> bool:
    """Whether a file is for people alone.

    Args:
        place: in the directory of a run or of a sweep.
    """
    run = place.relative_to(*place.parts[:2]) if place.parts[0] == "points" and len(place.parts) > 2 else place
    run = place.relative_to("teacher") if place.parts[0] == "teacher" and len(place.parts) > 1 else run
    return any(_is_at(run, pattern) for pattern in RUN) or any(_is_at(place, pattern) for pattern in SWEEP)


def _is_at(place: PurePath, pattern: str) -> bool:
    parts, wanted = place.parts, PurePath(pattern).parts
    if wanted[-1] == "**":
        parts, wanted = parts[: len(wanted) - 1], wanted[:-1]
        below = len(place.parts) > len(wanted)
    else:
        below = True
    return below and len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
