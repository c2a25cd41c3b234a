"""Numbers of a recipe that no machine holds are refused under their key, before one has tried to."""

from collections.abc import Iterable

from distill.errors import DistillError, echo

PIXELS = 16_384
"""A side of a picture: one of that size is 0.8 GB."""
LARGEST = {
    "height": PIXELS,
    "width": PIXELS,
    "resolution": PIXELS,
    "embedding": 65_536,
    "workers": 1024,
    "devices": 65_536,
    "num_nodes": 65_536,
    "resamples": 1_000_000,
    "train": 10**8,
    "validation": 10**8,
    "test": 10**8,
}
"""Whole numbers by the last part of their key."""
OTHERS = 2**31 - 1
_UNLIMITED = ("seed", "max_raw_bytes")
"""A seed holds nothing; the other is itself a limit."""


def check_sizes(values: Iterable[tuple[str, object]]) -> None:
    """Refuse whole numbers above their limit.

    Args:
        values: by key, those of a section as `section.key`.

    Raises:
        DistillError: naming the key, what it is and the most it may be.
    """
    for key, value in values:
        last = key.rpartition(".")[2]
        most = LARGEST.get(last, OTHERS)
        if isinstance(value, int) and value > most and last not in _UNLIMITED:
            raise DistillError(f"{key} is {echo(value)}, expected at most {most:,}: more than a machine holds.")
