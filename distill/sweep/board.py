"""Where each point of a sweep stands, on the terminal: one line a point."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from distill import formatting
from distill.evaluation.metric_names import chief_metric, spoken
from distill.sweep.directory import SweepDirectory
from distill.sweep.jobs import PointRun
from distill.sweep.plan import Point

_TAIL = 2000  # bytes of a log in which its last line is looked for
_EVERY = 60.0  # seconds between two lines on what is at work, where nothing is redrawn


class Board:
    """A table of all points, redrawn in place on a terminal; elsewhere, a line for each point that ends."""

    def __init__(self, points: Sequence[Point], directory: SweepDirectory, console: Console) -> None:
        self.points, self.directory, self.console = points, directory, console
        self.running: Sequence[PointRun] = ()
        self._last = time.monotonic()
        self.said = {point.name: self._outcome(point) for point in points}
        self.live = Live(
            console=console, get_renderable=self._table, refresh_per_second=2, transient=not console.is_terminal
        )

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.running = ()
        self.live.stop()

    def show(self, running: Sequence[PointRun]) -> None:
        """Redraw the table with these runs in progress; where nothing is redrawn, say once a minute where they are."""
        self.running = tuple(running)
        if running and not self.console.is_terminal and time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            done = sum(bool(said) for said in self.said.values())
            at_work = "; ".join(f"{job.point.name} {self._at_work(job)}" for job in running)
            self.console.print(f"{done} of {len(self.points)} points ended; at work: {at_work}", soft_wrap=True)

    def ended(self, point: Point) -> None:
        """Keep the outcome of a point that has ended, and print it where nothing is redrawn."""
        self.said[point.name] = self._outcome(point)
        if not self.console.is_terminal:
            self.console.print(f"{point.name}: {self.said[point.name]}", soft_wrap=True)

    def _outcome(self, point: Point) -> str:
        results, ended = self.directory.results(point), self.directory.ended(point)
        if results:
            metrics = results["student"]["metrics"]
            name = chief_metric(metrics)
            took = f" after {formatting.duration(ended['seconds'])}" if ended else ""
            return f"done{took}, {spoken(name, metrics[name])}"
        if "stopped_below" in ended:
            return f"stopped early: {ended['reason']}"
        return f"FAILED: {ended['reason']}" if ended.get("reason") else ""

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2), expand=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        running = {job.point.name: job for job in self.running}
        for point in self.points:
            job = running.get(point.name)
            said = self.said[point.name] if job is None else self._at_work(job)
            table.add_row(Text(point.name), Text(said or "waits"))
        return table

    def _at_work(self, job: PointRun) -> str:
        return f"{formatting.duration(time.monotonic() - job.started)}  {_last_line(self.directory.log(job.point))}"


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        lines = file.read().decode("utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
