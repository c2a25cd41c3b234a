"""Runs side by side: what fails, what is killed, what is stopped, and what is left to others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.sweep.directory import SweepDirectory
from distill.sweep.jobs import Resources, Runner
from distill.sweep.plan import Point
from tests.helpers.points import leave, leaving, program, results, sweep


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill.sweep.jobs.POLL", 0.02)


def runner(places: SweepDirectory, commands: dict[str, list[str]], jobs: int = 2) -> tuple[Runner, list[str]]:
    ended: list[str] = []
    made = Runner(
        places,
        Resources(jobs, threads=3),
        lambda point: commands[point.name],
        before=lambda point: None,
        after=lambda point: ended.append(point.name),
    )
    return made, ended


def nothing() -> None:
    pass


def good(points: list[Point], places: SweepDirectory) -> dict[str, list[str]]:
    return {point.name: leaving(point, places, results(0.6, 1000)) for point in points}


def test_a_failure_stands_with_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3,0.2,0.1")
    refused, killed, silent, broken, fine = points
    commands = {
        refused.name: program("import sys; sys.exit('said before\\ndistill run: data.root: no such folder.')"),
        killed.name: program("import os; os.kill(os.getpid(), 9)"),
        silent.name: program("raise SystemExit(3)"),
        broken.name: program("print('all is well')"),  # ends well and leaves nothing
        fine.name: leaving(fine, places, results(0.6, 1000)),
    }
    made, ended = runner(places, commands)
    made.run(points, nothing)
    assert sorted(ended) == sorted(point.name for point in points) and not made.elsewhere
    assert [places.ended(point)["reason"] for point in points] == [
        "data.root: no such folder.",
        "ended by SIGKILL, perhaps for want of memory",
        "ended with status 3 and said nothing",
        "all is well",
        None,
    ]
    assert places.results(fine) is not None and places.results(broken) is None


def test_finished_points_are_not_begun_again_and_failed_ones_are(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    commands = good(points, places)
    made, _ = runner(places, commands | {points[1].name: program("raise SystemExit(2)")})
    made.run(points, nothing)
    assert places.ended(points[1])["reason"]
    made, ended = runner(places, commands)
    made.run(points, nothing)
    assert ended == [points[1].name] and places.ended(points[1])["reason"] is None


def test_a_point_finished_under_other_keys_is_begun_again(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    made, _ = runner(places, good(points, places))
    made.run(points, nothing)
    changed, _ = sweep(tmp_path, "--student.width", "0.5,0.25,0.1", "--transfer.epochs", "7")
    made, ended = runner(places, good(changed, places))
    made.run(changed, nothing)
    assert sorted(ended) == sorted(point.name for point in changed)


def test_a_point_finished_on_other_pictures_by_another_teacher_or_without_its_file_is_begun_again(
    tmp_path: Path,
) -> None:
    points, places = sweep(tmp_path)
    content = results(0.6, 1000)
    content["teacher"]["fingerprint"] = "a1"
    for point in points:
        leave(point, places, content)
    places = replace(places, pictures=content["data"], teacher_fingerprint="a1")
    assert all(places.results(point) == content for point in points)
    relabelled = replace(places, pictures=content["data"] | {"fingerprint": "9"})
    assert not any(relabelled.results(point) for point in points)
    retaught = replace(places, teacher_fingerprint="b2")
    assert not any(retaught.results(point) for point in points)
    leave(points[1], places, content | {"teacher": None})  # of labels: whoever the teacher is
    assert retaught.results(points[1]) is not None
    (places.point(points[2]) / "export" / "student.onnx").unlink()
    made, ended = runner(places, {points[2].name: leaving(points[2], places, content)})
    made.run(points, nothing)
    assert ended == [points[2].name] and places.ended(points[2])["reason"] is None


def test_a_failed_gate_leaves_results_and_is_no_failure_of_the_point(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    commands = good(points, places)
    commands[points[0].name][-1] += "\nraise SystemExit(1)"
    made, _ = runner(places, commands)
    made.run(points, nothing)
    assert places.ended(points[0])["reason"] is None and places.results(points[0]) is not None


def test_what_cannot_be_begun_fails_alone(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    made, ended = runner(places, good(points, places))

    def before(point: Point) -> None:
        if point is points[0]:
            raise DistillError("the disk is full")

    made.before = before
    made.run(points, nothing)
    assert len(ended) == 3 and places.ended(points[0])["reason"] == "the disk is full"


def test_no_more_than_so_many_at_a_time_on_so_many_threads(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3,0.2,0.1")
    said = "import os, time; print(os.environ['OMP_NUM_THREADS'], os.environ['OMP_WAIT_POLICY']); time.sleep(0.1)"
    commands = {point.name: leaving(point, places, results(0.6, 1000), said) for point in points}
    made, _ = runner(places, commands)
    seen: list[list[int]] = []
    made.run(points, lambda: seen.append([job.slot for job in made.running]))
    assert max(map(len, seen)) == 2 and {slot for slots in seen for slot in slots} == {0, 1}
    assert all(places.log(point).read_text() == "3 passive\n" for point in points)


def test_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert Resources.of_this_machine(20, None, 0) == Resources(jobs=8, threads=1)
    assert Resources.of_this_machine(2, None, 0) == Resources(jobs=2, threads=4)
    assert Resources.of_this_machine(20, 3, 0) == Resources(jobs=3, threads=2)
    assert Resources.of_this_machine(0, None, 0) == Resources(jobs=1, threads=8)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert Resources.of_this_machine(20, None, 0) == Resources(jobs=4, threads=2)
    with pytest.raises(DistillError, match="--jobs is 0"):
        Resources.of_this_machine(20, 0, 0)
    shown = [Resources(4, 1, gpus=3).environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(4)]
    assert shown == ["0", "1", "2", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    assert Resources(4, 1).environment(0)["CUDA_VISIBLE_DEVICES"] == "5"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-abc")  # of those that were lent, not the machine's first
    shown = [Resources(4, 1, gpus=2).environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(3)]
    assert shown == ["5", "GPU-abc", "5"]


def test_points_that_another_process_is_at_are_left_to_it(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    lock = places.lock(points[0])
    assert lock is not None and places.lock(points[0]) is None
    made, ended = runner(places, good(points, places))
    made.run(points, nothing)
    assert made.elsewhere == [points[0]] and len(ended) == 2
    lock.release()
    made, ended = runner(places, good(points, places))
    made.run(points, nothing)
    assert not made.elsewhere and ended == [points[0].name]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that starts the tests in the background has them ignore interrupts."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_stops_the_runs(tmp_path: Path, number: signal.Signals, interruptible: None) -> None:
    points, places = sweep(tmp_path)
    waits = "import time; print('begun', flush=True); time.sleep(60)"
    made, ended = runner(places, {point.name: program(waits) for point in points})
    begun, handler = time.monotonic(), signal.getsignal(signal.SIGTERM)
    processes: list[subprocess.Popen[bytes]] = []

    def stop() -> None:
        if len(made.running) == 2 and all("begun" in places.log(job.point).read_text() for job in made.running):
            processes[:] = [job.process for job in made.running]
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        made.run(points, stop)
    assert time.monotonic() - begun < 30 and not ended
    assert [process.returncode for process in processes] == [-signal.SIGTERM] * 2
    assert signal.getsignal(signal.SIGTERM) is handler
    assert all(places.lock(point) is not None for point in points)  # all are free again


ORPHANED = """
import os, subprocess, sys
from collections.abc import Iterator
from pathlib import Path
from distill.files.locks import try_lock
lock = try_lock(Path(sys.argv[1]))
sleeps = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
child = subprocess.Popen(sleeps, pass_fds=lock.descriptors, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_run_whose_sweep_was_killed_still_holds_its_point(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    lock = places.root / "locks" / points[0].name
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", ORPHANED, str(lock)]
    orphan = int(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False, timeout=60).stdout)
    try:
        assert places.lock(points[0]) is None
    finally:
        os.kill(orphan, signal.SIGKILL)
    for _ in range(500):
        if (held := places.lock(points[0])) is not None:
            break
        time.sleep(0.01)
    assert held is not None
