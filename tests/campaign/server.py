"""A process that has loaded everything and computed nothing, and forks one process for each attempt at a command.

Loading takes seconds and a fork milliseconds. A process that has computed on several threads cannot be forked: the
threads are not there in the child, which waits for them for ever.
"""

import gc
import importlib
import os
import pkgutil
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.campaign.steady import finish, speak, steady

_EXCEPTION = re.compile(r"[A-Za-z][\w.]*(Error|Exception|Interrupt|Exit|Exhausted|Fail)\b.*")
_FRAME = re.compile(r'^  File ".*/(distill|students|teachers)/')
LIMIT = 300.0
"""Seconds after which an attempt hangs; a run takes 10, and 100 on a machine that is busy."""


@dataclass(frozen=True)
class Ended:
    """How an attempt ended.

    Attributes:
        status: of its exit, negative for a signal; None where it hung and was killed.
        said: on standard error; printed: on standard output.
        killed: whether it was still at work when it was sent a signal.
    """

    status: int | None
    said: str
    printed: str
    seconds: float
    killed: bool = False

    @property
    def fault(self) -> str | None:
        """What no attempt may show, however it was disturbed."""
        if self.status is None:
            return "hang"
        if "Traceback (most recent call last)" in self.said + self.printed:
            return f"traceback: {self.error[:160]}"
        return None

    @property
    def error(self) -> str:
        """The exception of the last traceback."""
        return ([line for line in self.said.splitlines() if _EXCEPTION.match(line)] or [self.last])[-1]

    @property
    def told(self) -> str:
        """In a line: where in the program a traceback comes from, and the last words."""
        frames = [line.strip() for line in self.said.splitlines() if _FRAME.search(line)]
        return " | ".join([*frames[-1:], self.error if frames else self.last])[:500]

    @property
    def last(self) -> str:
        lines = [line for line in self.said.splitlines() if line.strip()]
        return lines[-1] if lines else ""


@dataclass(frozen=True)
class Kill:
    """A signal to be sent.

    Attributes:
        after: seconds from the start. group: also to all that it started.
    """

    after: float
    signal: int
    group: bool = False


def load(memory: Path) -> None:
    """Load all that a command may load, in this process, and make it steady.

    Args:
        memory: see `steady`.
    """
    import distill
    import students
    import teachers

    for package in (distill, students, teachers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                with suppress(ImportError):  # of runtimes that are not here
                    importlib.import_module(module.name)
    steady(memory)


def warm(names: set[str]) -> None:
    """Load what a first attempt loaded beside that."""
    for name in sorted(names - sys.modules.keys()):
        if name.split(".")[0] not in ("__mp_main__", "__main__"):
            with suppress(Exception):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is shared with the children is not touched by their collections


def attempt(
    arguments: list[str],
    place: Path,
    before: Callable[[], None] | None = None,
    kill: Kill | None = None,
    limit: float = LIMIT,
) -> tuple[Ended, int]:
    """Run a command in a directory, in a process of its own: how it ended, and the number of its group of processes.

    Args:
        before: called in that process first.
        kill: a signal to send it.
        limit: seconds until it is killed as one that hangs.
    """
    temporary = place / "tmp"
    temporary.mkdir(exist_ok=True)
    outputs = [place.with_name(f"{place.name}.{name}") for name in ("out", "err")]
    started = time.monotonic()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.chdir(place)
        for number, output in enumerate(outputs, start=1):
            handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(handle, number)
            os.close(handle)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        speak()
        os.environ["TMPDIR"] = str(temporary)
        import tempfile

        tempfile.tempdir = None
        if before is not None:
            before()
        finish(arguments)
    descriptor = os.pidfd_open(pid)
    try:
        killed = False
        if kill is not None and not _ends(descriptor, kill.after):
            killed = True
            (os.killpg if kill.group else os.kill)(pid, kill.signal)
        hung = not _ends(descriptor, limit)
        if hung or not _ends(descriptor, 0):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(descriptor)
    said = [output.read_text("utf-8", errors="replace") for output in reversed(outputs)]
    code = None if hung else os.waitstatus_to_exitcode(status)
    return Ended(code, said[0], said[1], time.monotonic() - started, killed), pid


def clear(pid: int) -> None:
    """End whatever an attempt left running."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _ends(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
