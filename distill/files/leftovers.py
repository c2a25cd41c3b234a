"""What a kill left half written: removed when the next process holds the place.

Such names begin with a dot and end with `.part`: of `atomic_path` with the number of its process between, of `put` what
stood there before, of an export the files that were not scored yet. A prepared set in the making, `.SET.part`, is none:
it is gone on with, and whatever of it is not is for `distill.data.prepared`.
"""

import glob
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_OF_PROCESS = re.compile(r"\..+\.(\d+)\.part")
_OTHERS = re.compile(r"\..+\.old\.part|\.export\.part")
_DATA = "data"


def remove_leftovers(directory: Path) -> None:
    """Remove them from a run directory that this process holds.

    Its `data` is used by commands that do not hold it: there, what a process that still runs is writing stays.

    Raises:
        OSError: one cannot be removed.
    """
    for entry in list(_leftovers(directory)):
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)


def remove_leftovers_of(file: Path) -> None:
    """Remove those of one file, which nobody else may be writing."""
    for entry in file.parent.glob(f".{glob.escape(file.name)}.*.part"):
        entry.unlink(missing_ok=True)


def _leftovers(directory: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(directory):
        shared = Path(place).relative_to(directory).parts[:1] == (_DATA,)
        for name in (*folders, *files):
            of_process = _OF_PROCESS.fullmatch(name)
            if (of_process and not (shared and _runs(int(of_process[1])))) or (_OTHERS.fullmatch(name) and not shared):
                yield Path(place, name)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
