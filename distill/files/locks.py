"""One process at a time in a directory.

Where the system has `flock` a descriptor holds the lock: the system lets go of it when the process ends, however it
ends, and a process that inherits it goes on holding it. Where the file system has none, or none of directories, and on
systems without it, the library `filelock` takes its place on a file: hard where the system has a lock of files, else a
file that names its owner, which another process takes over once that owner has ended.
"""

import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from distill.errors import DistillError
from distill.host import exhausted

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

_NO_FLOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.EINVAL, errno.EISDIR}
"""What file systems answer that have no `flock`, or none of directories (NFS)."""


@dataclass(frozen=True)
class Lock:
    """A lock that this process holds.

    Attributes:
        descriptors: of the file; a process that inherits them holds the lock as well. None where none can.
    """

    descriptors: tuple[int, ...] = ()
    file_lock: BaseFileLock | None = None

    def release(self) -> None:
        """Let go; a process that inherited the descriptors still holds it."""
        _HELD.pop(id(self), None)
        for descriptor in self.descriptors:
            os.close(descriptor)
        if self.file_lock is not None:
            self.file_lock.release()


_HELD: dict[int, tuple[Path, Lock]] = {}
"""The files by which this process holds directories."""


def hold(directory: Path) -> Lock | None:
    """Hold a directory by the file `lock` in it; None where another process does. `check_held` knows of it.

    Raises:
        DistillError: nothing can be locked there.
    """
    lock = try_lock(directory / "lock")
    if lock is not None:
        _HELD[id(lock)] = directory.absolute(), lock
    return lock


def check_held(path: Path) -> None:
    """Refuse to write to a directory that this process held and that was taken away from under it.

    Raises:
        DistillError: the directory was removed, or another begun in its place.
    """
    for directory, lock in _HELD.values():
        if not path.absolute().is_relative_to(directory) or not lock.descriptors:
            continue
        if not _is_at(directory / "lock", lock.descriptors[0]):
            raise DistillError(
                f"{directory}: was removed, or another run begun in its place, while this one was at work in it. "
                "Nothing more is written there; start the run again."
            )


@contextmanager
def exclusive(directory: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Make ``directory`` and hold it alone, however the process ends that does.

    Whoever holds it may remove it.

    Args:
        waiting: called once where another process holds it, before waiting for that one.

    Raises:
        DistillError: nothing can be locked there.
    """
    lock = _hold_directory(directory, waiting) or _hold_beside(directory, waiting)
    try:
        yield
    finally:
        lock.release()


def try_lock(file: Path) -> Lock | None:
    """Make ``file`` and hold it until the descriptor and all inherited copies of it are closed; None where it is held.

    So what a process started goes on holding it when that process is killed.

    Raises:
        DistillError: nothing can be locked there.
    """
    return _hold_file(file, wait=False)


def _refused(place: Path, error: Exception) -> DistillError:
    reason = getattr(error, "strerror", None) or error
    return DistillError(
        f"{place}: nothing can be locked there ({reason}), and two processes could write at once. Name a place that "
        "can be written to with --out."
    )


def _hold_directory(directory: Path, waiting: Callable[[], None]) -> Lock | None:
    """The lock of a directory itself; None where such cannot be locked."""
    while fcntl is not None:
        handle = _open(directory)
        held = False
        try:
            taken = _flock(handle, directory, wait=False)
            if taken is None:
                return None
            if not taken:
                waiting()
                _flock(handle, directory, wait=True)
            # What was waited for may have been removed: another directory stands in its place, or will.
            held = _is_at(directory, handle)
            if held:
                return Lock((handle,))
        finally:
            if not held:
                os.close(handle)
    return None


def _hold_beside(directory: Path, waiting: Callable[[], None]) -> Lock:
    """The lock of a file beside a directory, which stands for it."""
    file = directory.with_name(f".{directory.name}.lock")
    lock = _hold_file(file, wait=False)
    if lock is None:
        waiting()
        lock = _hold_file(file, wait=True)
    assert lock is not None  # it was waited for
    directory.mkdir(exist_ok=True)
    return lock


def _hold_file(file: Path, wait: bool) -> Lock | None:
    """The lock of a file, or of one beside it where the system cannot lock it; None where another process holds it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = None if fcntl is None else os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if exhausted(error):
            raise
        raise _refused(file.parent, error) from error
    if handle is not None:
        taken = None
        try:
            taken = _flock(handle, file, wait)
        finally:
            if not taken:
                os.close(handle)
        if taken is not None:
            return Lock((handle,)) if taken else None
    kind = FileLock if fcntl is None else SoftFileLock
    lock = kind(file.with_name(f"{file.name}.held"))
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        raise _refused(file.parent, error) from error
    return Lock(file_lock=lock)


def _flock(handle: int, place: Path, wait: bool) -> bool | None:
    """Whether the descriptor holds the lock now; None where the file system has none for it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise _refused(place, error) from error
        _say(place, error.strerror or str(error))
        return None
    return True


@cache
def _say(place: Path, why: str) -> None:
    """Once for each place."""
    log.warning("%s: the file system cannot lock it (%s); a lock file stands in.", place, why)


def _open(directory: Path) -> int:
    while True:
        # Another process may remove it between any two of these.
        with suppress(FileNotFoundError):
            try:
                directory.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileExistsError):
                    directory.mkdir()
                return os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                raise
            except OSError as error:
                if exhausted(error):
                    raise
                raise _refused(directory, error) from error


def _is_at(directory: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), directory.stat())
    except (FileNotFoundError, NotADirectoryError):
        return False
