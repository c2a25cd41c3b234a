"""Points that are given up half-way, where that was asked for."""

from dataclasses import dataclass
from pathlib import Path

from distill.formatting import score
from distill.run.progress import PROGRESS, read_progress

SHARE = 0.5
"""Of the passes of its last stage, after which a point is held to the score."""


@dataclass(frozen=True)
class StopBelow:
    """Gives up a point whose best validation score after half of its passes is below a bound.

    Whether it does depends on that point alone: not on the order that points run in, nor on what others reach.

    Args:
        bound: of the score, a share of one.
    """

    bound: float

    def reason(self, run: Path, stage: str, since: float) -> str | None:
        """Why a run is to be given up, in words; None where it is not.

        Args:
            run: its directory.
            stage: the last one that trains the student.
            since: when the run began, in seconds since the epoch: what was left before says nothing of it.
        """
        for file in run.glob(f"stages/{stage}-*/{PROGRESS}"):
            progress = read_progress(file.parent) if file.stat().st_mtime >= since else None
            if progress is None or progress.best is None or progress.done < SHARE * progress.passes:
                continue
            if progress.best < self.bound:
                return (
                    f"{progress.metric} {score(progress.best)} at best in {progress.done} of {progress.passes} passes, "
                    f"below {self.bound:g}"
                )
        return None
