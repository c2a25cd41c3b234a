"""What sources on disk share: the directory they stand in, and a digest that changes when what they list does."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from distill.data.sources.source import Sample
from distill.errors import DistillError
from distill.files.nearby import nearby

HIDDEN = frozenset(
    {"@eadir", "@recycle", "@recently-snapshot", "@tmp", "#recycle", "#snapshot", "__macosx", "$recycle.bin"}
    | {"system volume information", "lost+found"}
)
"""Directories in which storage systems keep thumbnails and what was deleted, in lower case: they hold no picture of
anybody's set."""


@runtime_checkable
class Stateful(Protocol):
    """A source whose recipe keys do not tell all: files may change under an unchanged `root`."""

    def state(self) -> str:
        """A digest of whatever beside the source's fields decides on its pictures, without decoding any.

        Raises:
            DistillError: as `samples` does.
        """
        ...


def directory(path: Path | None, key: str, holds: str) -> Path:
    """``path`` with ``~`` expanded.

    Args:
        key: the recipe's key, for the error. holds: what the directory should hold, for the error.

    Raises:
        DistillError: the key is not set, or no directory is there.
    """
    if path is None:
        raise DistillError(f"{key}: not set; expected the directory that holds {holds}.")
    path = path.expanduser()
    if not path.is_dir():
        raise DistillError(
            f"{key}: {path} is not a directory; expected the directory that holds {holds}. {nearby(path)}"
        )
    return path


def walk(root: Path) -> Iterator[Path]:
    """Every file below ``root`` but hidden ones and those in hidden directories: those whose names begin with a dot,
    and `HIDDEN`; links are followed.

    Raises:
        DistillError: a directory cannot be read, or links to one that it lies in.
    """

    def refuse(error: OSError) -> None:
        raise DistillError(f"{error.filename}: the directory cannot be read ({error.strerror}).")

    for place, directories, files in os.walk(root, onerror=refuse, followlinks=True):
        directories[:] = [name for name in directories if not name.startswith(".") and name.lower() not in HIDDEN]
        for name in directories:
            link = Path(place, name)
            if link.is_symlink() and _lies_in(Path(place), root, link.resolve()):
                raise DistillError(f"{link}: links to a directory that it lies in, {link.resolve()}. Remove it.")
        yield from (Path(place, name) for name in files if not name.startswith("."))


def _lies_in(place: Path, root: Path, target: Path) -> bool:
    """Whether the way from ``root`` to ``place``, over links, goes through ``target`` or something in it."""
    way = [place, *place.parents]
    return any(one.resolve().is_relative_to(target) for one in way[: way.index(root) + 1])


def digest(samples: Iterable[Sample]) -> str:
    """sha256 of what is listed: names, labels, identities, splits, boxes, further targets and rows left out, and the
    size and time of picture files."""
    state = hashlib.sha256()
    for sample in samples:
        stamp = ""
        if isinstance(sample.picture, Path):
            try:
                status = sample.picture.stat()
                stamp = f"{status.st_size} {status.st_mtime_ns}"
            except (OSError, ValueError):  # prepare says why; here it only has to differ from a file that can be read
                stamp = "unreadable"
        if sample.box is not None:
            stamp += f" {sample.box}"
        if sample.targets or sample.left_out:
            known = {name: np.asarray(value).tolist() for name, value in sample.targets.items()}
            stamp += f" {known} {sample.size} {sample.left_out}"
        state.update(f"{(sample.name, sample.labels, sample.identity, sample.split, stamp)}\n".encode())
    return state.hexdigest()
