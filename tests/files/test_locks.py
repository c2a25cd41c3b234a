"""One at a time, whoever removes what."""

import errno
import fcntl
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.files import locks
from distill.files.locks import exclusive, try_lock


def test_one_at_a_time_though_each_removes_the_directory(tmp_path: Path) -> None:
    inside, most, entered, waits = 0, 0, 0, threading.Event()

    def enter() -> None:
        nonlocal inside, most, entered
        for _ in range(20):
            with exclusive(tmp_path / "a" / "b", waits.set):
                inside += 1
                most, entered = max(most, inside), entered + 1
                if entered == 1:
                    waits.wait(60)  # the first stays until another says that it waits
                time.sleep(0.0005)
                inside -= 1
                shutil.rmtree(tmp_path / "a" / "b")

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, entered) == (1, 80) and waits.is_set()


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from distill.files.locks import exclusive
with exclusive(Path({str(tmp_path / "a")!r}), print):
    print("held", flush=True)
    input()
"""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        told: list[int] = []

        def kill() -> None:
            told.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)

        with exclusive(tmp_path / "a", kill):
            assert told == [process.pid]


NONE = OSError(errno.ENOSYS, "Function not implemented")
SUPPORT = OSError(errno.ENOTSUP, "Operation not supported")
NFS = OSError(errno.EBADF, "Bad file descriptor")


def without_flock(monkeypatch: pytest.MonkeyPatch, answer: OSError, of_files: bool = True) -> None:
    """A file system that answers so where something is to be locked; or where a directory alone is."""
    flock = fcntl.flock

    def refuse(handle: int, operation: int) -> None:
        if of_files or stat.S_ISDIR(os.fstat(handle).st_mode):
            raise answer
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", refuse)


SYSTEMS = pytest.mark.parametrize(
    ("answer", "of_files"), [(NONE, True), (SUPPORT, True), (NFS, False)], ids=["ENOSYS", "ENOTSUP", "NFS"]
)


@SYSTEMS
def test_one_at_a_time_where_there_is_no_flock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: OSError, of_files: bool, caplog: pytest.LogCaptureFixture
) -> None:
    without_flock(monkeypatch, answer, of_files)
    inside, most, entered, waits = 0, 0, 0, threading.Event()

    def enter() -> None:
        nonlocal inside, most, entered
        for _ in range(3):
            with exclusive(tmp_path / "a" / "b", waits.set):
                inside += 1
                most, entered = max(most, inside), entered + 1
                if entered == 1:
                    waits.wait(60)
                time.sleep(0.001)
                inside -= 1
                shutil.rmtree(tmp_path / "a" / "b")

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, entered) == (1, 9) and waits.is_set()
    assert "the file system cannot lock it" in caplog.text and "a lock file stands in" in caplog.text


@SYSTEMS
def test_a_file_is_held_where_there_is_no_flock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: OSError, of_files: bool
) -> None:
    without_flock(monkeypatch, answer, of_files)
    lock = try_lock(tmp_path / "run" / "lock")
    assert lock is not None and try_lock(tmp_path / "run" / "lock") is None
    lock.release()
    again = try_lock(tmp_path / "run" / "lock")
    assert again is not None
    again.release()


def test_a_system_without_fcntl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows: the module is imported without it, and the library locks a file."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    name = "locks_without_fcntl"
    spec = importlib.util.spec_from_file_location(name, locks.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "fcntl")
    held = module.try_lock(tmp_path / "lock")
    assert held is not None and held.descriptors == () and module.try_lock(tmp_path / "lock") is None
    held.release()
    with module.exclusive(tmp_path / "a", lambda: pytest.fail("nobody holds it")):
        assert (tmp_path / "a").is_dir()


KILLED = """
import errno, fcntl, os, sys
from pathlib import Path
from distill.files.locks import try_lock

def refuse(handle, operation):
    raise OSError(errno.ENOTSUP, "Operation not supported")

fcntl.flock = refuse
lock = try_lock(Path(sys.argv[1]))
assert lock is not None
os.kill(os.getpid(), 9)
"""


def test_a_lock_file_of_a_killed_process_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "lock")]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -signal.SIGKILL
    assert sorted(os.listdir(tmp_path)) == ["lock", "lock.held"]
    without_flock(monkeypatch, SUPPORT)
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    lock.release()


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOLCK])
def test_other_errors_are_not_taken_for_a_missing_flock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_flock(monkeypatch, OSError(number, "not now"))
    with pytest.raises(DistillError, match=r"lock: nothing can be locked there \(not now\), and two"):
        try_lock(tmp_path / "lock")
    with (
        pytest.raises(DistillError, match=r"set: nothing can be locked there"),
        exclusive(tmp_path / "set", lambda: None),
    ):
        pass


def hold(directory: Path) -> None:
    with exclusive(directory, lambda: None):
        pass


@pytest.mark.parametrize("lock", [try_lock, hold])
def test_a_place_that_cannot_be_written_to_is_named(
    lock: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*arguments: object, **options: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(DistillError, match=r"nothing can be locked there \(Read-only file system\)"):
        lock(tmp_path / "run" / "place")
