"""What the campaign replaces in its own processes, so that files of two runs can be compared byte by byte, and soon.

Only what a clock says, and what is slow for nothing: the conversion of a network to ONNX is kept under a checksum of
the network, so that a run that was stopped converts the same network once, and another network anew.
"""

import atexit
import hashlib
import io
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from distill.cost.latency import Latency

MASKED = (
    "lock",  # empty, or gone
    "*/lock",
    "*/locks/*",
    "*.lock",  # empty, beside a directory that the file system cannot lock
    "*/logs/*.json",  # how long a point took: of one whose sweep was killed beneath it, nobody knows
    "*/logs/*.txt",  # what the run of a sweep's point said: of one that went on, something else
    "tmp/*",  # the system's temporary folder
)
"""Files that no trial compares, as patterns of `fnmatch`. All others are compared byte by byte."""

REPLACED = {
    "lightning.pytorch.callbacks.Timer.time_elapsed": "a stage takes one second",
    "distill.run.stages.time.monotonic": "a probe takes none",
    "distill.run.speeds.latencies": "each file takes a millisecond",
    "distill.sweep.speeds.latencies": "and in a sweep too",
    "distill.cost.machine.Machine.doubts": "the machine is never busy",
    "distill.sweep.directory.SweepDirectory.end": "a point takes a second",
    "distill.sweep.directory.SweepDirectory.ended": "and one that nobody saw end too",
    "distill.sweep.jobs.POLL": "a sweep looks after its points fifty times a second",
    "distill.sweep.jobs.Popen": "a sweep's points are forked, not started afresh",
    "distill.export.onnx.to_onnx": "a network is converted once",
}


def steady(memory: Path) -> None:
    """Replace all of the above in this process and those it forks.

    Args:
        memory: a folder for converted networks.
    """
    from lightning.pytorch.callbacks import Timer

    import distill.cost.machine
    import distill.export.onnx
    import distill.run.speeds
    import distill.run.stages
    import distill.sweep.directory
    import distill.sweep.jobs
    import distill.sweep.speeds

    Timer.time_elapsed = lambda self, stage="train": 1.0
    distill.run.stages.time = _Still()
    distill.run.speeds.latencies = distill.sweep.speeds.latencies = _latencies
    distill.cost.machine.Machine.doubts = lambda self, threads: []
    end = distill.sweep.directory.SweepDirectory.end
    distill.sweep.directory.SweepDirectory.end = lambda self, point, seconds, *rest: end(self, point, 1.0, *rest)
    ended = distill.sweep.directory.SweepDirectory.ended
    distill.sweep.directory.SweepDirectory.ended = lambda self, point: {
        "seconds": 1.0,
        "reason": None,
        **ended(self, point),
    }
    distill.sweep.jobs.POLL = 0.02
    distill.sweep.jobs.Popen = Forked
    distill.export.onnx.to_onnx = _remembering(distill.export.onnx.to_onnx, memory)


class _Still:
    """A clock that stands."""

    monotonic = staticmethod(lambda: 0.0)


def _latencies(ways: Mapping[Any, object], rounds: int = 11) -> dict[Any, Latency]:
    return dict.fromkeys(ways, Latency(1e-3, (1e-3, 1e-3)))


def _remembering(convert: Callable[[Any], Any], memory: Path) -> Callable[[Any], Any]:
    memory.mkdir(parents=True, exist_ok=True)

    def converted(deployed: Any) -> Any:
        import onnx

        from distill.files.weights import weights_checksum

        facts = weights_checksum(deployed), repr(deployed), repr(deployed.preprocess), repr(deployed.kind)
        file = memory / f"{hashlib.sha256(repr(facts).encode()).hexdigest()}.onnx"
        if os.environ.get("CAMPAIGN_CONVERT") or not file.exists():
            model = convert(deployed)
            temporary = file.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(model.SerializeToString())
            temporary.replace(file)
        return onnx.load(file)

    return converted


class Forked:
    """In place of `subprocess.Popen`: a point of a sweep in a process forked from this one, with the same arguments."""

    def __init__(self, command: list[str], env: dict[str, str], pass_fds: tuple[int, ...], **files: Any) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.environ.update(env)
            os.dup2(files["stdout"].fileno(), 1)
            os.dup2(1, 2)
            for number in map(int, os.listdir("/proc/self/fd")):
                if number > 2 and number not in pass_fds:
                    with suppress(OSError):
                        os.close(number)
            finish(command[3:])

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float) -> int:
        from subprocess import TimeoutExpired

        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutExpired("a point", timeout)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def speak() -> None:
    """Make the streams anew of what the descriptors of a forked process are now."""
    for number, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        buffered = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        setattr(sys, name, io.TextIOWrapper(buffered, "utf-8", errors, line_buffering=number == 2))


def finish(arguments: list[str]) -> None:
    """Be the command line, as `python -m distill` is, and end this process."""
    import traceback

    import torch

    from distill.cli import main

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    try:
        status: Any = main(arguments)
    except SystemExit as error:
        status = error.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    try:
        atexit._run_exitfuncs()  # of what a process shares with those that it started
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 120  # as the interpreter ends
    os._exit(int(status or 0))


def emptied(place: Path) -> Path:
    """A new, empty folder."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place
