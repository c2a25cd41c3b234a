"""One process at a time in a directory."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(directory: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Make ``directory`` and hold it alone; the system lets go of it when the process ends, however it ends.

    Whoever holds it may remove it.

    Args:
        waiting: called once where another process holds it, before waiting for that one.
    """
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # removed since
            continue
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            if not directory.exists() or not os.path.samestat(os.fstat(handle), directory.stat()):
                continue  # what was waited for was removed: another stands in its place, or will
            yield
            return
        finally:
            os.close(handle)
