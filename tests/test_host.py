"""A process ends with the one that started it, however that one ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import os, signal
from distill.host import end_with
end_with(os.getppid())
print(os.getpid(), flush=True)
signal.pause()
"""
PARENT = f"""
import subprocess, sys, time
with subprocess.Popen([sys.executable, "-c", {CHILD!r}]):
    time.sleep(600)
"""


def test_a_process_ends_with_a_parent_that_is_killed() -> None:
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        try:
            parent.communicate(timeout=60)  # the child holds the other end of the pipe
        except subprocess.TimeoutExpired:
            os.kill(child, signal.SIGKILL)
            pytest.fail("an orphan")
