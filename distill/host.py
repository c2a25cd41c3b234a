"""What a process is told before it works: settings, of which some must stand before torch is loaded, and when to end.

None changes a result.
"""

import ctypes
import os
import platform
import resource
import threading
import time
import warnings
from contextlib import suppress

# mallopt's parameters and values, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 2**31 - 1
_LARGEST_MMAP = 32 * 2**20


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
