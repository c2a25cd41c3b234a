"""One process at a time in a directory."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def exclusive(directory: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Make ``directory`` and hold it alone; the system lets go of it when the process ends, however it ends.

    Whoever holds it may remove it.

    Args:
        waiting: called once where another process holds it, before waiting for that one.
    """
    while True:
        handle = _open(directory)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            # What was waited for may have been removed: another directory stands in its place, or will.
            if _is_at(directory, handle):
                yield
                return
        finally:
            os.close(handle)


def _open(directory: Path) -> int:
    while True:
        # Another process may remove it between any two of these.
        with suppress(FileNotFoundError):
            directory.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                directory.mkdir()
            return os.open(directory, os.O_RDONLY | os.O_DIRECTORY)


def _is_at(directory: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), directory.stat())
    except FileNotFoundError:
        return False


def try_lock(file: Path) -> int | None:
    """Make ``file`` and hold it until the descriptor and all inherited copies of it are closed; None where it is held.

    So what a process started goes on holding it when that process is killed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
