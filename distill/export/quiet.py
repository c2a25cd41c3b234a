"""Converters say much while they work, of which nobody who exports a student can make anything."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(logger: str = "") -> Iterator[None]:
    """Let a library log errors alone, and nobody warn.

    Args:
        logger: of the library; "" is that of all.
    """
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
