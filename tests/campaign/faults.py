"""A system that fails a command: no place, a broken disk, no locks, little memory, another clock.

It ends with status 0, or with one line that says why; and the same command again, on a system that works, leaves what
an undisturbed one does.
"""

import errno
import fcntl
import os
import random
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.campaign.operations import Operations
from tests.campaign.record import Outcome
from tests.campaign.scenarios import Scenario, Stage
from tests.campaign.server import Ended, Kill, attempt, clear
from tests.campaign.steady import speak
from tests.campaign.trees import differences, tree_of

_OUT = {"run": "run", "taught": "taught", "store": "store.building", "sweep": "sweep"}
"""What each writes, where it can be made anew."""
_PATIENCE = 4


@dataclass(frozen=True)
class Draw:
    """What a fault is drawn from.

    Attributes:
        place: the directory that the command works in.
    """

    rng: random.Random
    scenario: Scenario
    place: Path

    def at(self, *kinds: str) -> tuple[str, int]:
        """One of the command's own operations of these kinds."""
        counts = {kind: self.scenario.counts.get(kind, 0) for kind in kinds}
        number = self.rng.randrange(max(1, sum(counts.values())))
        for kind, count in counts.items():
            if number < count:
                return kind, number + 1
            number -= count
        return kinds[0], 1


Before = Callable[[], None]


def failing(draw: Draw, error: int, kinds: tuple[str, ...], lasting: bool) -> tuple[str, Before]:
    """An operation fails, or that and all after it."""
    kind, at = draw.at(*kinds)
    begun = False

    def act(found: str, number: int, path: str) -> None:
        nonlocal begun
        if (found, number) == (kind, at):
            begun = True
            fail(found, path)
        if begun and lasting and found in kinds:
            fail(found, path)

    def fail(found: str, path: str) -> None:
        named = (path,) if found not in ("write", "fsync", "read") else ()  # of what is open, the system names no file
        raise OSError(error, os.strerror(error), *named)

    return f"{errno.errorcode[error]} at {kind} {at}", Operations(draw.place, act).install


def read_only(draw: Draw) -> tuple[str, Before]:
    """The file system, from some time on or from the start."""
    changing = ("open", "mkdir", "rename", "remove", "rmdir")
    if draw.rng.random() < 0.5:
        return failing(draw, errno.EROFS, changing, lasting=True)

    def act(found: str, number: int, path: str) -> None:
        if found in changing:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    return "EROFS from the start", Operations(draw.place, act).install


def no_lock(draw: Draw) -> tuple[str, Before]:
    error = draw.rng.choice((errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO))

    def before() -> None:
        def refuse(*arguments: object) -> None:
            raise OSError(error, os.strerror(error))

        fcntl.flock = refuse

    return errno.errorcode[error], before


def removed(draw: Draw) -> tuple[str, Before]:
    """The directory that is written to, while it is."""
    kind, at = draw.at("open", "rename", "mkdir")
    out = draw.place / _OUT.get(draw.scenario.name, "tmp")

    def act(found: str, number: int, path: str) -> None:
        if (found, number) == (kind, at):
            shutil.rmtree(out, ignore_errors=True)

    return f"{out.name} removed at {kind} {at}", Operations(draw.place, act).install


def low_memory(draw: Draw) -> tuple[str, Before]:
    more = int(2 ** draw.rng.uniform(3, 9)) * 2**20

    def before() -> None:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + more, now + more))

    return f"{more >> 20} MiB more than at the start", before


def few_descriptors(draw: Draw) -> tuple[str, Before]:
    most = draw.rng.randint(6, 40)
    return f"{most} descriptors", partial(resource.setrlimit, resource.RLIMIT_NOFILE, (most, most))


def other_clock(draw: Draw) -> tuple[str, Before]:
    """One that is years off, or goes backwards."""
    shift, slope = draw.rng.choice((-3e9, -1e9, -86400.0, 86400.0, 2e9, 7e9)), draw.rng.choice((1.0, -1.0, 0.0))
    real, start = time.time, time.time()

    def before() -> None:
        time.time = lambda: start + shift + slope * (real() - start)

    return f"{shift:+.0f} s, {slope:+.0f} s a second", before


def other_locale(draw: Draw) -> tuple[str, Before]:
    encoding = draw.rng.choice(("ascii", "latin-1", "cp1252", "utf-16"))
    zone, columns = draw.rng.choice(("Asia/Kathmandu", "UTC+14", "nowhere")), draw.rng.choice((0, 1, 20, 40, 500))

    def before() -> None:
        os.environ.update(
            {"LC_ALL": "C", "LANG": "C", "TZ": zone, "COLUMNS": str(columns), "PYTHONIOENCODING": encoding}
        )
        time.tzset()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(encoding=encoding if encoding != "utf-16" else "ascii", errors="strict")

    return f"{encoding}, {zone}, {columns} columns", before


def full_output(draw: Draw) -> tuple[str, Before]:
    """Standard output is full, or nobody reads it any more."""
    full = draw.rng.random() < 0.5

    def before() -> None:
        if full:
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        else:
            reading, writing = os.pipe()
            os.close(reading)
            os.dup2(writing, 1)
        speak()

    return "/dev/full" if full else "a closed pipe", before


_WRITES = ("open", "write", "fsync", "mkdir", "rename")
SORTS: dict[str, Callable[[Draw], tuple[str, Before]]] = {
    "full disk": partial(failing, error=errno.ENOSPC, kinds=("open", "write", "mkdir"), lasting=True),
    "EIO on write": partial(failing, error=errno.EIO, kinds=("write",), lasting=False),
    "EIO on rename": partial(failing, error=errno.EIO, kinds=("rename",), lasting=False),
    "EIO on fsync": partial(failing, error=errno.EIO, kinds=("fsync",), lasting=False),
    "EIO on read": partial(failing, error=errno.EIO, kinds=("read",), lasting=False),
    "no place once": partial(failing, error=errno.ENOSPC, kinds=_WRITES, lasting=False),
    "quota": partial(failing, error=errno.EDQUOT, kinds=_WRITES, lasting=True),
    "not permitted": partial(failing, error=errno.EACCES, kinds=("open", "mkdir", "rename", "remove"), lasting=False),
    "read-only": read_only,
    "no lock": no_lock,
    "removed directory": removed,
    "low memory": low_memory,
    "few descriptors": few_descriptors,
    "other clock": other_clock,
    "other locale": other_locale,
    "full output": full_output,
}


class Faults:
    """Trials by number: one sort after another, each of a command drawn."""

    kind = "faults"

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.seed = stage, seed

    def trial(self, number: int) -> Outcome:
        rng = random.Random(f"{self.seed} faults {number}")
        names = [*SORTS, "killed worker"]
        sort = names[number % len(names)]
        fitting = [one for one in self.stage.chosen if sort != "removed directory" or one.name in _OUT]
        scenario = rng.choice(fitting)
        if sort == "killed worker":
            scenario = self.stage.all["run"]
        place = self.stage.begin(scenario, self.stage.trial())
        if sort == "killed worker":
            after = rng.uniform(0, 2)
            said, ended = f"{after:.2f} s after it began", _without_worker(scenario, place, after)
        else:
            said, before = SORTS[sort](Draw(rng, scenario, place))
            kill = Kill(rng.random() * scenario.seconds, signal.SIGKILL, True) if sort == "other clock" else None
            ended, group = attempt(scenario.arguments, place, before, kill)
            clear(group)
        fault, seen = _wrong(ended, sort), ended.told
        if fault is None:
            fault, seen = _end(scenario, place)
        notes = {"ended with status 0": 1} if ended.status == 0 else {}
        detail = f"{scenario.name}: {said}: {seen}" if fault else ""
        return Outcome(self.kind, self.seed, number, sort, 1, fault and f"{sort}: {fault}", detail, notes)


def _wrong(ended: Ended, sort: str = "") -> str | None:
    """What a command that was failed may not show: more than a line that says why."""
    if ended.fault is not None:
        return ended.fault
    if ended.killed or ended.status == 0:
        return None
    if ended.status < 0:
        return f"ended by {signal.Signals(-ended.status).name}"
    if ended.status == 1 and ": FAILED: " in ended.said:
        return None  # a sweep says of each point why it failed, and goes on
    complaints = [line for line in ended.said.splitlines() if line.startswith("distill")]
    # Where nobody reads what it prints, it ends quietly, or as one that was stopped.
    quiet = sort == "full output" and not complaints and ended.status in (1, 130, 141)
    if not quiet and (ended.status not in (1, 2) or ended.last not in complaints or len(complaints) != 1):
        return f"status {ended.status}, and its last line is {ended.last[:120]!r}"
    return None


def _end(scenario: Scenario, place: Path) -> tuple[str | None, str]:
    """The same command again."""
    for turn in range(_PATIENCE):
        ended, group = attempt(scenario.arguments, place)
        clear(group)
        if ended.fault:
            return f"again: {ended.fault}", ended.told
        wrong = (
            differences(scenario.tree, tree_of(place))
            if ended.status == 0
            else [f"status {ended.status}: {ended.last}"]
        )
        if not wrong:
            return None, ""
        if scenario.name != "sweep":
            break
        time.sleep(0.5 * (turn + 1))
    return f"again: {wrong[0].partition(': ')[0]}", "; ".join(wrong[:4])


def _without_worker(scenario: Scenario, place: Path, after: float) -> Ended:
    """An attempt with a process that loads batches, which is killed."""

    def watch() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not done.is_set():
            for worker in _workers(os.getpid()):
                time.sleep(after)
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                return
            time.sleep(0.05)

    done = threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    ended, group = attempt([*scenario.arguments, "--workers", "1"], place)
    done.set()
    thread.join()
    clear(group)
    return ended


def _workers(server: int) -> list[int]:
    """Grandchildren of this process that were spawned to load batches."""
    found = []
    for child in _children(server):
        for worker in _children(child):
            with suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{worker}/cmdline").read_bytes():
                    found.append(worker)
    return found


def _children(process: int) -> list[int]:
    with suppress(OSError):
        text = [file.read_text() for file in Path(f"/proc/{process}/task").glob("*/children")]
        return [int(number) for number in " ".join(text).split()]
    return []
