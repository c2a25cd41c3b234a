"""Files that are whole or absent: written beside their place, flushed, renamed over it."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from distill.errors import DistillError
from distill.files.locks import check_held
from distill.files.nearby import nearby


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it over ``path`` when the block ends without an error.

    A file or a directory may be written. What stood at ``path`` stays until the new one is complete and on the disk.

    Raises:
        DistillError: the disk is full or the place cannot be written to; nothing is left behind. Or it lies in a
            directory that was taken away from this process, which held it.
    """
    check_held(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        for file in [temporary] if temporary.is_file() else sorted(temporary.rglob("*")):
            if file.is_file():
                with file.open("rb+") as handle:
                    os.fsync(handle.fileno())
        put(temporary, path)
    except OSError as error:
        raise DistillError(
            f"{path}: cannot be written ({error.strerror or error}). Free some space, or name another place; "
            "nothing half written was left behind."
        ) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            with suppress(OSError):  # it may never have come to be; the error above says why
                temporary.unlink()


def put(made: Path, place: Path) -> None:
    """Rename what is finished to its place, whatever stands there; a kill leaves no directory there half deleted.

    Raises:
        OSError: it cannot be renamed; what stood there still does.
    """
    aside = aside_of(place)
    if not (made.is_dir() and place.is_dir()):
        os.replace(made, place)
        shutil.rmtree(aside, ignore_errors=True)  # of a kill between the two renames below
        return
    shutil.rmtree(aside, ignore_errors=True)  # of an earlier kill
    os.replace(place, aside)
    try:
        os.replace(made, place)
    except OSError:
        os.replace(aside, place)
        raise
    shutil.rmtree(aside)


def aside_of(place: Path) -> Path:
    """Where `put` keeps what stood at a place while it is replaced; a kill may leave it."""
    return place.with_name(f".{place.name}.old.part")


def checksum(file: Path) -> str:
    """Hex sha256 of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json_text(content), encoding="utf-8")


def json_text(content: Any) -> str:
    """``content`` as indented JSON."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DistillError: the file is missing, cannot be read, is not JSON, is nested too deeply, or holds a number that is
            too large.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_float=_number)
    except FileNotFoundError:
        raise DistillError(f"{path}: no such file. {nearby(path)}") from None
    except (RecursionError, ValueError) as error:  # of syntax, of encoding, and of whole numbers of thousands of digits
        raise DistillError(f"{path}: not a JSON file ({error})") from None
    except OSError as error:
        raise DistillError(f"{path}: cannot be read ({error.strerror or error})") from error


def _number(text: str) -> float:
    """Python's own reader makes infinity of 1e400, which no file says."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text:.40} is larger than any number of 64 bits")
    return number
