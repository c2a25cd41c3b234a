"""One at a time, whoever removes what."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from distill.files.locks import exclusive


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
