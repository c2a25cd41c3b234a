"""The run directory: one recipe's, with a place for each stage's work.

run.json            whose directory this is
recipe.yaml         the resolved recipe
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
from typing import Any

from distill.errors import DistillError
from distill.files.atomic import atomic_path, read_json, write_json
from distill.files.locks import try_lock
from distill.host import is_first_process

RESOLVED, RESULTS, REPORT, CARD = "recipe.yaml", "results.json", "report.html", "README.md"
VERSION = 2
"""Of this layout, and of what a half-finished stage leaves."""
COMPUTED = 1
"""Of what a piece of work computes from what it reads; raise it where that changes."""


def key_of(*facts: Any) -> str:
    """A short name for what a piece of work read: 16 hex digits of sha256 over its JSON."""
    text = json.dumps([COMPUTED, *facts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
        written = root / RESOLVED
        if not written.exists() or written.read_bytes() != resolved.encode():
            # another recipe's figures must not stand beside this one
            for name in (RESULTS, REPORT, CARD):
                (root / name).unlink(missing_ok=True)
            for place in (directory.student, directory.export):
                if place.exists():
                    shutil.rmtree(place)
            with atomic_path(written) as temporary:
                temporary.write_text(resolved, encoding="utf-8")
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
            check_version(directory.marker)
        elif root.exists() and (not root.is_dir() or any(not _may_precede(entry) for entry in root.iterdir())):
            raise DistillError(
                f"{root}: exists and is not a run directory. Name another place with --out, or empty it."
            )
        marker = {"recipe": recipe, "version": VERSION}
        if not directory.marker.exists() or read_json(directory.marker) != marker:
            write_json(directory.marker, marker)
        return directory

    @contextmanager
    def alone(self, only_read: bool = False) -> Iterator[None]:
        """Hold the directory: of two runs in it, each would take away what the other is making.

        Of several processes that train together, the first holds it for all.

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
        lock = try_lock(self.root / "lock")
        if lock is None:
            raise DistillError(
                f"{self.root}: another process is running in it. Wait for that one, or name another place with --out."
            )
        try:
            yield
        finally:
            lock.release()

    @property
    def marker(self) -> Path:
        return self.root / "run.json"

    @property
    def owner(self) -> str | None:
        """The recipe whose directory this is; None where it says none.

        Raises:
            DistillError: what should say so is no JSON.
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
    """The recipe that a marker names as its directory's owner; None where it names none, or is not there.

    Raises:
        DistillError: it is no JSON.
    """
    content = read_json(marker) if marker.exists() else None
    return content.get("recipe") if isinstance(content, dict) else None


def check_version(marker: Path) -> None:
    """Refuse to go on with what another version of distill left: nobody can say what its stages had finished.

    Raises:
        DistillError: the marker names another version, or none.
    """
    content = read_json(marker)
    version = content.get("version") if isinstance(content, dict) else None
    if version != VERSION:
        raise DistillError(
            f"{marker}: is of version {version!r}, expected {VERSION}: another distill wrote {marker.parent}, and this "
            f"one cannot go on with it. Run in another place (--out), or delete {marker.parent}."
        )


def _may_precede(entry: Path) -> bool:
    """Whether it may lie in a directory before its first run: sets of `distill evaluate`, and leftovers of a crash."""
    return entry.name == "data" or entry.suffix == ".part"
