"""What PIL and libtiff say of a damaged picture names no picture: the ledger does, with its reason.

libtiff prints its lines from C, past Python's; PIL warns, and logs.
"""

import ctypes
import ctypes.util
import logging
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import PIL
from PIL import features


@cache
def quieten_pictures() -> None:
    """Once in a process, for all its threads: filters that are changed picture by picture are the process's too."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)
    if (library := _libtiff()) is not None:
        with suppress(OSError, AttributeError):  # another system, where the lines are a nuisance and no more
            tiff = ctypes.CDLL(library)
            for handler in (tiff.TIFFSetErrorHandler, tiff.TIFFSetWarningHandler):
                handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
                handler(None)


def _libtiff() -> str | None:
    """The library that PIL has loaded: beside it where it was installed as a wheel, else the system's."""
    if not features.check("libtiff"):
        return None
    package = Path(PIL.__file__).parent
    beside = [*(package.parent / "pillow.libs").glob("libtiff*"), *(package / ".dylibs").glob("libtiff*")]
    return str(beside[0]) if beside else ctypes.util.find_library("tiff")
