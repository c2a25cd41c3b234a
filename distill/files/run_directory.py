"""The run directory: one recipe's, with a place for each stage's work.

run.json            whose directory this is
recipe.yaml         the resolved recipe
SHA256SUMS          its checksum
data/               prepared sets, each with its ledger of pictures left out; lists of near duplicates and of suspects
stages/NAME-KEY/    checkpoints while a stage runs, its result when it is done; KEY is what it read
teacher/            a teacher this run taught, as safetensors and as ONNX: its stage's, once there is a student of it
student/            student.safetensors and config.json
export/             one file a format
results.json        every figure
report.html
README.md           the model card
lock                held by the process that runs in it
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from rich.console import Console

from distill.errors import DistillError
from distill.files.atomic import atomic_path, checksum
from distill.files.checksums import SUMS, read_sums, sums_of, write_sums
from distill.files.leftovers import remove_leftovers
from distill.files.locks import hold
from distill.files.sealed import read_sealed, write_sealed
from distill.host import is_first_process

RESOLVED, RESULTS, REPORT, CARD = "recipe.yaml", "results.json", "report.html", "README.md"
VERSION = 2
"""Of this layout, and of what a half-finished stage leaves."""
COMPUTED = 1
"""Of what a piece of work computes from what it reads; raise it where that changes."""

console = Console(stderr=True, markup=False, emoji=False)


def key_of(*facts: Any) -> str:
    """A short name for what a piece of work read: 16 hex digits of sha256 over its JSON."""
    text = json.dumps([COMPUTED, *facts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class _Marker(TypedDict):
    """The content of `run.json`, and of a sweep's `sweep_of.json`."""

    recipe: str
    version: int


@dataclass(frozen=True)
class RunDirectory:
    """The places in a run directory."""

    root: Path

    @classmethod
    def claim(cls, root: Path, recipe: str, resolved: str) -> "RunDirectory":
        """Make the directory this recipe's, or go on in it.

        Where a key was changed, the student, its files and its figures go; what its stages made stays.

        Raises:
            DistillError: as `enter`.
        """
        directory = cls.enter(root, recipe)
        written, wanted = root / RESOLVED, hashlib.sha256(resolved.encode()).hexdigest()
        there = checksum(written) if written.exists() else None
        listed = read_sums(root).get(RESOLVED, there)
        if listed != wanted:
            # another recipe's figures must not stand beside this one
            for name in (RESULTS, REPORT, CARD, SUMS):
                (root / name).unlink(missing_ok=True)
            for place in (directory.student, directory.export):
                if place.exists():
                    shutil.rmtree(place)
        elif there != wanted:
            found = "missing" if there is None else f"damaged: it is not what {SUMS} has the sha256 of"
            console.print(f"{written}: {found}; written again.", soft_wrap=True)
        if there != wanted:
            with atomic_path(written) as temporary:
                temporary.write_text(resolved, encoding="utf-8")
        if read_sums(root).get(RESOLVED) != wanted:
            write_sums(root, sums_of(root, [RESOLVED]))
        return directory

    @classmethod
    def enter(cls, root: Path, recipe: str) -> "RunDirectory":
        """Use the prepared sets and the teacher of a run, or begin one, and leave its results alone.

        Raises:
            DistillError: it belongs to another recipe, another version of distill wrote it, or it holds something that
                is no run.
        """
        directory = cls(root)
        if directory.marker.exists():
            if directory.owner != recipe:
                raise DistillError(
                    f"{root}: holds a run of recipe {directory.owner!r}, and this is {recipe!r}. Name another place "
                    "with --out."
                )
        elif root.exists() and (not root.is_dir() or any(not _may_precede(entry) for entry in root.iterdir())):
            raise DistillError(
                f"{root}: exists and is not a run directory. Name another place with --out, or empty it."
            )
        if not directory.marker.exists():
            write_marker(directory.marker, recipe)
        return directory

    @contextmanager
    def alone(self, only_read: bool = False) -> Iterator[None]:
        """Hold the directory: of two runs in it, each would take away what the other is making.

        Of several processes that train together, the first holds it for all. What a kill left half written in it is
        removed.

        Args:
            only_read: nothing is to be written, so that a directory that cannot be, such as one on a read-only file
                system, needs no holding.

        Raises:
            DistillError: another process holds it, or it cannot be written to.
        """
        writable = os.access(self.root, os.W_OK)
        if not is_first_process() or (only_read and not writable):
            yield
            return
        if not writable:
            raise DistillError(
                f"{self.root}: cannot be written to. Copy it to where there are rights and a file system to write on, "
                "or name another place with --out."
            )
        lock = hold(self.root)
        if lock is None:
            raise DistillError(
                f"{self.root}: another process is running in it. Wait for that one, or name another place with --out."
            )
        try:
            remove_leftovers(self.root)
            yield
        finally:
            lock.release()

    @property
    def marker(self) -> Path:
        return self.root / "run.json"

    @property
    def owner(self) -> str | None:
        """The recipe whose directory this is; None where nothing says so.

        Raises:
            DistillError: what should say so is damaged.
        """
        return owner_of(self.marker)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def teacher(self) -> Path:
        return self.root / "teacher"

    @property
    def student(self) -> Path:
        return self.root / "student"

    @property
    def export(self) -> Path:
        return self.root / "export"

    def stage(self, name: str, key: str) -> Path:
        """Where a stage works."""
        return self.root / "stages" / f"{name}-{key}"


def owner_of(marker: Path) -> str | None:
    """The recipe that a marker names as its directory's owner; None where it is not there.

    Raises:
        DistillError: it is damaged, or of a version that gave it no checksum.
    """
    return _read(marker)["recipe"] if marker.exists() else None


def write_marker(marker: Path, recipe: str) -> None:
    """Make a directory a recipe's.

    Raises:
        DistillError: the place cannot be written to.
    """
    write_sealed(marker, {"recipe": recipe, "version": VERSION})


def check_version(marker: Path) -> None:
    """Refuse to go on with what another version of distill left: nobody can say what its stages had finished.

    Raises:
        DistillError: the marker names another version, or is damaged.
    """
    _read(marker)


def _read(marker: Path) -> _Marker:
    remedy = f"Run in another place (--out), or delete {marker.parent}."
    content: _Marker = read_sealed(marker, _Marker, remedy, VERSION)
    return content


def _may_precede(entry: Path) -> bool:
    """Whether it may lie in a directory before its first run: sets of `distill evaluate`, and leftovers of a crash."""
    return entry.name == "data" or entry.suffix == ".part"
