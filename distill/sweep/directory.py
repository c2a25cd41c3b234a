"""The sweep's directory, which several processes and machines may share.

sweep_of.json       whose directory this is
data/               prepared sets, unless prepare.root names another place
teacher/            the run directory that a teacher is made in, where the recipe makes one
points/NAME/        an ordinary run directory for each student
logs/NAME.txt       what the run of it said
logs/NAME.json      how that run ended
locks/NAME          held while a process works on the point
sweep.json, report.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from distill.errors import DistillError
from distill.files.checksums import check_sum
from distill.files.leftovers import remove_leftovers_of
from distill.files.locks import Lock, try_lock
from distill.files.run_directory import RESOLVED, RESULTS, owner_of, write_marker
from distill.files.sealed import read_sealed, write_sealed
from distill.report.results import Results, read_results
from distill.sweep.plan import Point

_MARKER = "sweep_of.json"
_MADE = ("data", "teacher", "points", "logs", "locks")


class _Ended(TypedDict):
    """The content of `logs/NAME.json`: as `SweepDirectory.end` is told it."""

    seconds: float
    reason: str | None
    stopped_below: NotRequired[float]
    resolved: NotRequired[str]


@dataclass(frozen=True)
class SweepDirectory:
    """The places in a sweep's directory, and where each point stands.

    Attributes:
        pictures: what the results of a run on the sweep's pictures say of them; None while these are not open.
        teacher_fingerprint: of the sweep's teacher; None where there is none, or while it is not open.
    """

    root: Path
    pictures: Mapping[str, Any] | None = None
    teacher_fingerprint: str | None = None

    @classmethod
    def claim(cls, root: Path, recipe: str) -> "SweepDirectory":
        """Make the directory this recipe's, or go on in it.

        Raises:
            DistillError: it belongs to a sweep of another recipe, another version of distill wrote it, or it holds
                something that is no sweep.
        """
        marker = root / _MARKER
        if marker.exists():
            if owner_of(marker) != recipe:
                raise DistillError(
                    f"{root}: holds a sweep of recipe {owner_of(marker)!r}, and this is {recipe!r}. Name another place "
                    "with --out."
                )
        elif root.exists() and (not root.is_dir() or any(not _may_precede(entry) for entry in root.iterdir())):
            raise DistillError(f"{root}: exists and is not a sweep. Name another place with --out, or empty it.")
        write_marker(marker, recipe)
        return cls(root)

    def check_there(self) -> None:
        """Refuse to begin the directory anew where it was removed while this process worked in it.

        Raises:
            DistillError: it was.
        """
        if not (self.root / _MARKER).exists():
            raise DistillError(
                f"{self.root}: was removed while this sweep was at work in it. Nothing more is written there; start "
                "the sweep again."
            )

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def teacher(self) -> Path:
        return self.root / "teacher"

    def point(self, point: Point) -> Path:
        """Its run directory."""
        return self.root / "points" / point.name

    def log(self, point: Point) -> Path:
        """The file that takes the output of its run."""
        return self.root / "logs" / f"{point.name}.txt"

    def lock(self, point: Point) -> Lock | None:
        """Lock the point, until it is released and every process that inherited its descriptors has ended; None where
        another process holds the lock.

        Raises:
            DistillError: as `check_there`.
        """
        self.check_there()
        return try_lock(self.root / "locks" / point.name)

    def results(self, point: Point) -> Results | None:
        """The content of its results.json; None where it is not finished, or finished under other keys, on other
        pictures or labels, from another teacher, or without a file that it wrote.

        Raises:
            DistillError: it cannot be read, or another version wrote it.
        """
        place = self.point(point)
        if not all((place / name).exists() for name in (RESOLVED, RESULTS)):  # the results are written last
            return None
        check_sum(place / RESOLVED, f"Delete {place / RESULTS}, and the point is run again.")
        if (place / RESOLVED).read_text("utf-8") != point.resolved:
            return None
        results = read_results(place / RESULTS)
        if self.pictures not in (None, results["data"]):
            return None
        teacher = results["teacher"]  # none where it learnt from labels
        if teacher and self.teacher_fingerprint not in (None, teacher.get("fingerprint")):
            return None
        return results if all((place / file["file"]).exists() for file in results["exports"]) else None

    def ended(self, point: Point) -> dict[str, Any]:
        """The record of its last run: `seconds`, where it failed or was given up the `reason`, and of the latter
        `stopped_below`, where it was run by the same keys; empty where none ended."""
        record = self._record(point)
        remedy = "Delete it; a point that is not finished is then run again."
        content: dict[str, Any] = read_sealed(record, _Ended, remedy) if record.exists() else {}
        if content.pop("resolved", point.resolved) != point.resolved:
            return {}
        return content

    def end(self, point: Point, seconds: float, reason: str | None, stopped_below: float | None = None) -> None:
        """Keep how a run ended, for whichever process writes the report.

        Args:
            stopped_below: of a point that was given up: the bound of its score. It holds for these keys alone.

        Raises:
            DistillError: as `check_there`.
        """
        self.check_there()
        stopped = {} if stopped_below is None else {"stopped_below": stopped_below, "resolved": point.resolved}
        write_sealed(self._record(point), {"seconds": seconds, "reason": reason, **stopped})

    def begin(self, point: Point) -> None:
        """Forget how an earlier run of it ended."""
        self._record(point).unlink(missing_ok=True)
        remove_leftovers_of(self._record(point))
        self.log(point).parent.mkdir(parents=True, exist_ok=True)

    def _record(self, point: Point) -> Path:
        return self.log(point).with_suffix(".json")


def _may_precede(entry: Path) -> bool:
    """Whether it may lie in a directory before its sweep: what runs and commands that worked there when the directory
    was removed have begun again, each with a marker or a checksum of its own, and leftovers of a crash."""
    return entry.suffix == ".part" or (entry.name in _MADE and entry.is_dir())
