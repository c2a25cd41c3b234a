"""Points run side by side, each by `distill run` in a process of its own.

A process of one thread wastes nothing on waiting for others, so that several small students, one a core, are trained in
less time than one after another on all cores.
"""

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired

from distill.errors import DistillError
from distill.files.locks import Lock
from distill.sweep.directory import SweepDirectory
from distill.sweep.plan import Point
from distill.sweep.stopping import StopBelow

POLL = 0.5  # seconds
PATIENCE = 30.0  # seconds that a stopped run is given to end by itself
ENDED_WITH_RESULTS = (0, 1)  # 1: an exported file is outside its tolerance


@dataclass(frozen=True)
class Resources:
    """What the jobs of one process share.

    Attributes:
        jobs: runs at a time.
        threads: of each.
        gpus: that torch sees, shared out among the jobs, one each; 0 leaves devices as the environment has them.
    """

    jobs: int
    threads: int
    gpus: int = 0

    @classmethod
    def of_this_machine(cls, points: int, jobs: int | None, gpus: int) -> "Resources":
        """A job for every `OMP_NUM_THREADS` cores, or for every core where that is not set; at most one a point.

        Args:
            jobs: the number asked for; None for the above.

        Raises:
            DistillError: `jobs` is below 1.
        """
        if jobs is not None and jobs < 1:
            raise DistillError(f"--jobs is {jobs}, expected at least 1.")
        cores, asked = len(os.sched_getaffinity(0)), os.environ.get("OMP_NUM_THREADS", "")
        threads = int(asked) if asked.isdecimal() and int(asked) else None
        jobs = jobs or max(1, min(cores // (threads or 1), points))
        return cls(jobs, threads or max(1, cores // jobs), gpus)

    def environment(self, slot: int) -> dict[str, str]:
        """The environment variables of the job in one of the `jobs` slots."""
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")  # indices or UUIDs of those that torch sees, in its order
        names = visible.split(",") if visible else [str(number) for number in range(self.gpus)]
        gpu = {"CUDA_VISIBLE_DEVICES": names[slot % self.gpus].strip()} if self.gpus else {}
        return {**os.environ, "OMP_NUM_THREADS": str(self.threads), "OMP_WAIT_POLICY": "passive", **gpu}


@dataclass
class PointRun:
    """The run of a point, in progress; it holds the point.

    Attributes:
        started: by a clock that only goes forward; `since` in seconds since the epoch, as files are dated.
        given_up: why it was stopped, where it was hopeless.
    """

    point: Point
    slot: int
    lock: Lock
    process: Popen[bytes]
    started: float
    since: float
    given_up: str | None = None


def run_command(recipe: str, directory: SweepDirectory) -> Callable[[Point], list[str]]:
    """The command line that runs a point of a recipe."""
    program = [sys.executable, "-m", "distill.cli", "run", recipe]
    return lambda point: [*program, "--out", str(directory.point(point)), *point.arguments]


class Runner:
    """Runs points in their order, each that is not finished and that no other process is at.

    A failure is kept with its reason, and the others go on.

    Args:
        command: what runs a point.
        before: called before a point is begun; a `DistillError` of it is that point's failure.
        after: called when a point has ended.
        stop: which points are given up half-way; None for none.

    Attributes:
        running: the runs in progress.
        elsewhere: points that another process was at.
    """

    def __init__(
        self,
        directory: SweepDirectory,
        resources: Resources,
        command: Callable[[Point], list[str]],
        before: Callable[[Point], None],
        after: Callable[[Point], None],
        stop: StopBelow | None = None,
    ) -> None:
        self.directory, self.resources, self.command = directory, resources, command
        self.before, self.after, self.stop = before, after, stop
        self.running: list[PointRun] = []
        self.elsewhere: list[Point] = []

    def run(self, points: Sequence[Point], watch: Callable[[], None]) -> None:
        """Run them all.

        Args:
            watch: called about twice a second.

        Raises:
            KeyboardInterrupt: it was stopped; all runs were stopped first, and go on when they are begun again.
        """
        waiting = deque(points)
        asked = signal.signal(signal.SIGTERM, signal.default_int_handler)  # so batch systems stop the runs as well
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.resources.jobs:
                    self._begin(waiting.popleft())
                watch()
                self._give_up()
                if self.running:
                    time.sleep(POLL)
                for job in [job for job in self.running if job.process.poll() is not None]:
                    self.running.remove(job)
                    self._finish(job)
        except BaseException:
            self._stop()
            raise
        finally:
            signal.signal(signal.SIGTERM, asked)

    def _begin(self, point: Point) -> None:
        lock = self.directory.lock(point)
        if lock is None:
            self.elsewhere.append(point)
            return
        if self.directory.results(point) is not None or self._was_given_up(point):
            lock.release()
            return
        self.directory.begin(point)
        try:
            self.before(point)
        except DistillError as error:
            self._end(point, lock, 0.0, str(error))
            return
        slot = min(set(range(self.resources.jobs)) - {job.slot for job in self.running})
        with self.directory.log(point).open("wb") as log:
            process = Popen(
                self.command(point),
                env=self.resources.environment(slot),
                pass_fds=lock.descriptors,
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
            )
        self.running.append(PointRun(point, slot, lock, process, time.monotonic(), time.time()))

    def _give_up(self) -> None:
        """Stop the runs that are hopeless; what they have learnt stays, to go on from."""
        for job in self.running:
            if self.stop is not None and job.given_up is None:
                stage = job.point.recipe.stages[-1]
                job.given_up = self.stop.reason(self.directory.point(job.point), stage, job.since)
                if job.given_up is not None:
                    job.process.terminate()

    def _was_given_up(self, point: Point) -> bool:
        """Whether it was stopped at this bound, or a lower one, before."""
        bound = self.directory.ended(point).get("stopped_below")
        return self.stop is not None and bound is not None and bound <= self.stop.bound

    def _finish(self, job: PointRun) -> None:
        self.directory.check_there()
        finished = job.process.returncode in ENDED_WITH_RESULTS and self.directory.results(job.point) is not None
        said = self.directory.log(job.point).read_text("utf-8", errors="replace")
        reason = None if finished else job.given_up or _reason(job.process.returncode, said)
        bound = self.stop.bound if self.stop is not None and job.given_up and not finished else None
        self._end(job.point, job.lock, time.monotonic() - job.started, reason, bound)

    def _end(
        self, point: Point, lock: Lock, seconds: float, reason: str | None, stopped_below: float | None = None
    ) -> None:
        self.directory.end(point, seconds, reason, stopped_below)
        lock.release()
        self.after(point)

    def _stop(self) -> None:
        """Stop each run, which loses what came after its last checkpoint, and end those that do not stop."""
        for job in self.running:
            job.process.terminate()
        deadline = time.monotonic() + PATIENCE
        for job in self.running:
            try:
                job.process.wait(max(0.0, deadline - time.monotonic()))
            except TimeoutExpired:
                job.process.kill()
                job.process.wait()
            job.lock.release()


def _reason(status: int, said: str) -> str:
    """In a line: the error a run ended with, or the signal that ended it."""
    if status < 0:
        name = signal.Signals(-status).name
        return f"ended by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1].removeprefix("distill run: ") if lines else ""
    return last or f"ended with status {status} and said nothing"
