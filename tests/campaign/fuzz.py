"""Damaged and hostile inputs, to every place that loads: success or the one class of error, and nothing else happens.

A trial is a batch of inputs for one place, read one after another in one process, which may take so much memory and,
for each, so much time. What kills the process is the input it was at; the rest is read by another.
"""

import json
import mmap
import os
import random
import resource
import select
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from tests.campaign.commands import spare
from tests.campaign.payloads import MARKER, payloads
from tests.campaign.record import Outcome
from tests.campaign.scenarios import Stage
from tests.campaign.targets import Target, targets

SECONDS = 20.0
"""For one input; on a busy machine, so much more than any takes."""
MEMORY = 2 * 2**30
"""Bytes of addresses beside those of a process that has loaded everything."""
_EVENTS = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "pty.spawn",
    "socket.connect",
    "os.fork",
}
"""Of Python's audit events, those that no input may cause."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_ROOT = Path(__file__).parents[2]


class _TimeUpError(BaseException):
    """An input took too long; no `except Exception` catches it."""


class Fuzz:
    """Trials by number: one place after another, and after all of them its payloads."""

    kind = "fuzz"

    def __init__(self, stage: Stage, seed: int, scale: float = 1.0) -> None:
        self.seed, self.scale, self.place = seed, scale, stage.place / "fuzz"
        self.targets = targets(stage.reference)
        self.payloads = payloads()

    def trial(self, number: int) -> Outcome:
        round_, place = divmod(number, len(self.targets))
        target = self.targets[place]
        hostile = round_ == 0 and target.name != "command lines"  # whose files have places of their own
        inputs = self._payloads(target) if hostile else self._drawn(target, number)
        counts, faults = self._read(target, inputs)
        notes = {f"{name}, {target.name}": count for name, count in counts.items()}
        name = f"payloads: {target.name}" if hostile else target.name
        sorts = Counter(fault for fault, _ in faults)
        notes |= {f"FAILED, {target.name}: {sort}": count for sort, count in sorts.items()}
        fault = f"{target.name}: {faults[0][0]}" if faults else None
        first = f"{len(faults)} of the batch failed, the first: {faults[0][1]}" if faults else ""
        return Outcome(self.kind, self.seed, number, name, len(inputs), fault, first, notes)

    def _payloads(self, target: Target) -> list[tuple[str, bytes, str]]:
        """Each under each name that the place takes."""
        names = sorted({name for name, _ in target.seeds})
        names = names if len(names) < 12 else names[::4]
        return [(name, content, what) for what, content in self.payloads for name in names]

    def _drawn(self, target: Target, number: int) -> list[tuple[str, bytes, str]]:
        made = []
        for index in range(max(1, int(target.batch * self.scale))):
            rng = random.Random(f"{self.seed} fuzz {number} {index}")
            name, content = rng.choice(list(target.seeds))
            made.append((name, target.mutate(content, rng), f"input {index}"))
        return made

    def _read(self, target: Target, inputs: list[tuple[str, bytes, str]]) -> tuple[Counter[str], list[tuple[str, str]]]:
        """What came of all inputs: counts, and each fault with what is to be seen of it."""
        counts, faults = Counter[str](), []
        start = 0
        while start < len(inputs):
            at, results, ended = _process(self.place, target, inputs, start)
            for result in results:
                if result["outcome"] in ("read", "refused"):
                    counts[result["outcome"]] += 1
                else:
                    faults.append((result["outcome"], _shown(inputs[result["index"]], result["detail"])))
            if ended is None:
                break
            faults.append((ended, _shown(inputs[at], "")))
            start = at + 1
        return counts, faults


def _shown(one: tuple[str, bytes, str], detail: str) -> str:
    name, content, what = one
    return f"{what}, {name}, {len(content)} bytes {content[:160]!r}: {detail}"[:600]


def _process(
    place: Path, target: Target, inputs: list[tuple[str, bytes, str]], start: int
) -> tuple[int, list[dict[str, Any]], str | None]:
    """Read inputs in a process of its own; the one it was at, its results, and how it died, None where it did not."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    told, shared = place / "results.jsonl", mmap.mmap(-1, 8)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _child(place, target, inputs, start, told, shared)
        finally:
            os._exit(3)
    descriptor, hung, last, moved = os.pidfd_open(pid), False, -1, time.monotonic()
    while not select.select([descriptor], [], [], 0.5)[0]:
        at = int.from_bytes(shared[:], "little")
        if at != last:
            last, moved = at, time.monotonic()
        if time.monotonic() - moved > SECONDS + 10:
            hung = True
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(descriptor)
    at = int.from_bytes(shared[:], "little")
    results = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()] if told.exists() else []
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return at, results, None
    return at, results, "hang" if hung else f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"


def _child(
    place: Path, target: Target, inputs: list[tuple[str, bytes, str]], start: int, told: Path, shared: mmap.mmap
) -> None:
    import torch

    torch.set_num_threads(1)
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    spare()
    work = place / "work"
    work.mkdir()
    os.chdir(work)
    os.environ["TMPDIR"] = str(work)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _time_up)
    caused: list[str] = []
    sys.addaudithook(lambda event, arguments: _audit(event, arguments, place, caused))
    with told.open("w", encoding="utf-8") as file:
        for index in range(start, len(inputs)):
            name, content, _ = inputs[index]
            shared[:] = index.to_bytes(8, "little")
            folder = work / str(index)
            folder.mkdir()
            (folder / name).write_bytes(content)
            caused.clear()
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            outcome, detail = _outcome(target, folder / name)
            signal.setitimer(signal.ITIMER_REAL, 0)
            made = [path for path in (work / MARKER, folder / MARKER, Path(MARKER)) if path.exists()]
            if caused or made:
                outcome, detail = "code run", "; ".join([*caused, *map(str, made)])
            file.write(json.dumps({"index": index, "outcome": outcome, "detail": detail}) + "\n")
            file.flush()
            shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _outcome(target: Target, file: Path) -> tuple[str, str]:
    from distill.data.prepared.decode import BadPicture
    from distill.errors import DistillError
    from distill.host import exhausted

    try:
        target.read(file)
        return "read", ""
    except (DistillError, BadPicture) as error:
        message = str(error)
        if "\n" in message or "\r" in message:
            return "error of several lines", _frame(error)
        if len(message) > 3000:
            return "error of more than 3,000 characters", _frame(error)
        return "refused", ""
    except _TimeUpError as error:
        return "takes too long", _frame(error)
    except BaseException as error:
        if exhausted(error):
            return "refused", ""  # what the command line says in a line
        return f"{type(error).__name__} at {_frame(error)}", str(error)[:200]


def _frame(error: BaseException) -> str:
    """The last place in the program that an error came through."""
    frames = [
        f"{one.filename.rpartition('/')[2]}:{one.name}"
        for one in traceback.extract_tb(error.__traceback__)
        if _own(one.filename)
    ]
    return frames[-1] if frames else "nowhere in the program"


def _own(file: str) -> bool:
    """Whether a file of code is the program's; a checkout may lie in any folder."""
    place = Path(file)
    return place.is_relative_to(_ROOT) and place.relative_to(_ROOT).parts[0] in ("distill", "students", "teachers")


def _time_up(number: int, frame: FrameType | None) -> None:
    raise _TimeUpError


def _audit(event: str, arguments: tuple[Any, ...], place: Path, caused: list[str]) -> None:
    if event in _EVENTS:
        caused.append(f"{event} {arguments}"[:200])
    elif (
        event == "open" and isinstance(arguments[0], str) and isinstance(arguments[2], int) and arguments[2] & _WRITING
    ):
        path = arguments[0]
        if (
            path.startswith("/")
            and "/__pycache__/" not in path
            and not path.startswith((f"{place}/", "/dev/", "/proc/"))
        ):
            with suppress(ValueError):
                caused.append(f"writes {path}")
