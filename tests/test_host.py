"""What a process is told before it works, and that it ends with the one that started it, however that one ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from distill.host import settle

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


@pytest.mark.parametrize(
    ("given", "policy", "turns"),
    [
        ({}, "passive", "1000"),
        ({"GOMP_SPINCOUNT": "7"}, "passive", "7"),
        ({"OMP_WAIT_POLICY": "active"}, "active", None),
        ({"OMP_WAIT_POLICY": "passive"}, "passive", None),
    ],
)
def test_how_threads_wait_is_the_users_where_they_say(
    given: dict[str, str], policy: str, turns: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "")  # so that both are as they were afterwards
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settle()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ.get("GOMP_SPINCOUNT")) == (policy, turns)
