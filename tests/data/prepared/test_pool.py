"""Work in order, by threads and then by processes."""

import os
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from distill.data.prepared import pool
from distill.data.prepared.pool import work
from distill.errors import DistillError


def where(items: list[int]) -> list[tuple[int, int]]:
    return [(item * item, os.getpid()) for item in items]


def die(items: list[int]) -> list[int]:
    os._exit(3)


def test_threads_begin_and_processes_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BY_THREADS", 2 * pool.CHUNK)
    monkeypatch.setattr(pool, "_settle_worker", int)  # torch takes long to load, and is not used here
    found = list(work(range(205), where, 2))
    assert [(item, square) for item, (square, _) in found] == [(n, n * n) for n in range(205)]
    places = [process for _, (_, process) in found]
    assert set(places[: 2 * pool.CHUNK]) == {os.getpid()}
    assert os.getpid() not in places[2 * pool.CHUNK :]
    assert {process for _, (_, process) in work(range(205), where, 1)} == {os.getpid()}


def test_closing_it_early_calls_off_what_has_not_begun() -> None:
    begun: list[int] = []

    def slow(items: list[int]) -> list[int]:
        begun.extend(items)
        time.sleep(0.05)
        return items

    with closing(work(iter(range(10**9)), slow, 1)) as results:
        assert next(results) == (0, 0)
    assert len(begun) <= 2 * pool.CHUNK


def test_a_process_that_dies_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BY_THREADS", 0)
    monkeypatch.setattr(pool, "_settle_worker", int)
    with pytest.raises(DistillError, match=r"was killed.*workers=1 needs no process"):
        list(work(range(100), die, 2))


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            import os, signal
            from distill.data.prepared import pool
            from tests.data.prepared.test_pool import where
            if __name__ == "__main__":
                pool.BY_THREADS = 0
                seen = set()
                for _, (_, process) in pool.work(iter(range(10**9)), where, 2):
                    if process not in seen:
                        seen.add(process)
                        print(process, flush=True)
                    if len(seen) == 2:
                        os.kill(os.getpid(), signal.SIGKILL)
        """)
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60)
    workers = [int(line) for line in done.stdout.split()]
    assert len(workers) == 2
    for _ in range(200):
        if not any(_alive(worker) for worker in workers):
            return
        time.sleep(0.05)
    pytest.fail("orphans")


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().split()[2]
    except FileNotFoundError:
        return False
    return state != "Z"
