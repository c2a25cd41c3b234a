"""Whether a machine is fit to time on: its counters read as they are documented, and what is said of it."""

import os
import subprocess
import sys

import pytest

from distill.cost.machine import Machine, Watch, busy_seconds

TICKS = os.sysconf("SC_CLK_TCK")
STAT = f"""cpu  999999 0 0 0 0 0 0 0 0 0
cpu0 {3 * TICKS} {TICKS} {2 * TICKS} {100 * TICKS} {50 * TICKS} 0 {TICKS} {4 * TICKS} {3 * TICKS} 0
cpu1 {7 * TICKS} 0 0 {100 * TICKS} 0 0 0 0 0 0
intr 12345 0 0
ctxt 1
"""


def test_seconds_of_work_are_all_but_idle_and_waiting() -> None:
    assert busy_seconds([0], STAT) == 3 + 1 + 2 + 1 + 4
    assert busy_seconds([1], STAT) == 7
    assert busy_seconds(None, STAT) == busy_seconds([0, 1], STAT) == 18
    assert busy_seconds([5], STAT) == 0


@pytest.mark.parametrize(
    ("machine", "threads", "said"),
    [
        (Machine(2, 2, 0.05, 1.9), 2, []),  # the load is what came before: training on both cores
        (Machine(16, 16, 3.0, 4.0), 2, []),  # others leave enough
        (Machine(2, 2, 0.9, 1.0), 2, ["busy: other processes used 0.9 of the 2 cores"]),
        (Machine(2, 2, 0.9, 1.0), 1, []),  # the other core is free
        (Machine(2, 1, 0.0, 0.1), 1, ["pinned to 1 of 2 cores"]),
        (Machine(2, 1, 0.0, 0.1), 2, ["pinned to 1 of 2 cores", "2 threads shared 1 core"]),
        (Machine(2, 2, None, 7.5), 2, ["busy: a load average of 7.5 on 2 cores"]),  # where nobody counts more
        (Machine(2, 2, 0.0, 7.5), 1, ["busy: a load average of 7.5 on 2 cores"]),
        (Machine(4, 4, None, None), 2, []),
    ],
)
def test_what_is_said_of_a_machine(machine: Machine, threads: int, said: list[str]) -> None:
    doubts = machine.doubts(threads)
    assert len(doubts) == len(said)
    assert all(words in doubt for words, doubt in zip(said, doubts, strict=True))


@pytest.mark.skipif(busy_seconds(None) is None, reason="nobody counts here what others use")
def test_another_process_is_seen_and_this_one_is_not() -> None:
    seconds = 0.6
    watch = Watch()
    burn = f"import time\nuntil = time.monotonic() + {seconds}\nwhile time.monotonic() < until: pass"
    other = subprocess.Popen([sys.executable, "-S", "-c", burn])
    other.wait()
    seen = watch.machine()
    assert seen.cores >= seen.allowed >= 1
    # a child that has ended counts as this process's own, and so does not speak against its times
    assert seen.others is not None and seen.others < seen.allowed
