"""Settings of the process that must stand before torch is loaded; they change speed, never results."""

import ctypes
import os
import platform

# mallopt's parameters and values, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 2**31 - 1
_LARGEST_MMAP = 32 * 2**20


def settle() -> None:
    """Make threads sleep while they wait, and keep freed memory for the next batch.

    Threads that spin slow everything beside them tenfold on a small machine. And glibc hands large blocks back to the
    system at once, so each activation of each step is mapped and zeroed page by page again: kept, a teacher's forward
    pass on a CPU took a third of the time. Where the C library is another, nothing is done.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    if not libc.mallopt(_MMAP_THRESHOLD, _LARGEST):
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP)
    libc.mallopt(_TRIM_THRESHOLD, _LARGEST)
