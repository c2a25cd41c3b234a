"""What a process is told before it works: settings, of which some must stand before torch is loaded, and when to end;
and what is said where the system has no more to give.

None changes a result.
"""

import codecs
import ctypes
import errno
import os
import platform
import resource
import sys
import threading
import time
import unicodedata
import warnings
from contextlib import suppress

from distill.errors import DistillError, shortened

# mallopt's parameters and values, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 2**31 - 1
_LARGEST_MMAP = 32 * 2**20
_FILES = (errno.EMFILE, errno.ENFILE)
_FILES_ALONE, _FILES_OF_A_WORKER = 96, 32
_NO_MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "bad_alloc",
    "bad allocation",
    "failed to allocate",
    "could not create a primitive",  # of oneDNN, which does not say why
    "failed to map segment",
    "can't start new thread",
    "out of memory",
)
"""What torch, onnxruntime, the linker and Python say who raise no MemoryError, in small letters."""
_PLAIN = {"\u00d7": "x", "\u2013": "-", "\u2014": "-", "\u2026": "...", "\u2264": "<=", "\u2265": ">=", "\u00b7": "."}


def settle() -> None:
    """Let threads wait shortly before they sleep, keep freed memory for the next batch, open as many files as may be.

    Threads that spin for ever slow everything beside them tenfold on a small machine; those that sleep at once make two
    of them slower than one, since a small network's layer takes less time than to be woken. After a thousand turns
    (some ten microseconds) two threads train 1.5 times as fast as with none, and lose a fifth where another process has
    one of the cores; with ten thousand, that loss is 2.5 times. And glibc hands large blocks back to the
    system at once, so each activation of each step is mapped and zeroed page by page again: kept, a teacher's forward
    pass on a CPU took a third of the time. Where the C library is another, it is left as it is.
    A store of a large set is some thousand files, and a process may open 1,024 unless it asks for more.
    What PIL warns of in the metadata of pictures is no fault of theirs, and would be said by every process anew.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != most:
        with suppress(ValueError, OSError):  # macOS says there is no limit, and refuses that
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    if not libc.mallopt(_MMAP_THRESHOLD, _LARGEST):
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP)
    libc.mallopt(_TRIM_THRESHOLD, _LARGEST)


def exhausted(error: BaseException) -> str | None:
    """What the system has no more of, in a line, where an error says that it has not; None of other errors."""
    said = shortened(error)
    if isinstance(error, OSError) and error.errno in _FILES:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"too many open files: this process may open {most}. Raise that (ulimit -n), or set fewer workers."
    if (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, RuntimeError | ImportError | OSError) and any(one in said.lower() for one in _NO_MEMORY))
        or (type(error).__name__ == "RuntimeException" and "alloc" in said)
    ):
        why = f" ({said})" if said else ""
        return f"out of memory{why}. Free some, or set a smaller batch_size, smaller pictures or fewer workers."
    return None


def check_open_files(workers: int) -> None:
    """Refuse to load by processes where too few files may be open: each batch comes by some, and a process that cannot
    open them says so in a traceback, and its batch never comes.

    Raises:
        DistillError: naming the limit.
    """
    most, wanted = resource.getrlimit(resource.RLIMIT_NOFILE)[0], _FILES_ALONE + _FILES_OF_A_WORKER * workers
    if workers and 0 <= most < wanted:
        raise DistillError(
            f"workers is {workers}: this process may open {most} files, and they need {wanted}. Raise that "
            "(ulimit -n), or set workers to 0, which loads the same batches."
        )


def show_what_can_be_shown() -> None:
    """Let a terminal that lacks a character show its plain form, where printing would end the program."""
    codecs.register_error("distill.plain", _plainly)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # no stream of text, or none at all
            stream.reconfigure(errors="distill.plain")  # type: ignore[union-attr]


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """A thin space as a space, a sign of multiplication as x; what has no plain form, by its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = ""
    for character in error.object[error.start : error.end]:
        plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        shown += _PLAIN.get(character) or plain or character.encode("ascii", "backslashreplace").decode()
    return shown, error.end


def is_first_process() -> bool:
    """Whether this is the first, or the only one, of the processes that Lightning started to train together."""
    from lightning.pytorch.utilities.rank_zero import rank_zero_only  # loads torch

    return not rank_zero_only.rank  # type: ignore[attr-defined]


def end_with(parent: int) -> None:
    """End this process with the one that started it, which cannot tell it to when it is killed.

    Args:
        parent: the number of that process.
    """

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
