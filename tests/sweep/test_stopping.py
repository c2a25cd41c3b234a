"""A point is given up at half of its passes, by its own score alone."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from distill.files.sealed import write_sealed
from distill.run.progress import PROGRESS
from distill.sweep.directory import SweepDirectory
from distill.sweep.jobs import Resources, Runner
from distill.sweep.stopping import StopBelow
from distill.sweep.summary import summarise
from tests.helpers.points import leaving, program, results, sweep


def write(run: Path, done: int, best: float | None, stage: str = "transfer-1") -> Path:
    file = run / "stages" / stage / PROGRESS
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = {"done": done, "passes": 10, "loss": 0.5, "metric": "val_mAP", "best": best}
    write_sealed(file, facts)
    return file


@pytest.mark.parametrize(
    ("done", "best", "given_up"), [(4, 0.1, False), (5, 0.1, True), (5, 0.3, False), (9, 0.29, True), (9, None, False)]
)
def test_the_best_score_is_held_to_the_bound_from_half_of_the_passes(
    done: int, best: float | None, given_up: bool, tmp_path: Path
) -> None:
    write(tmp_path, done, best)
    reason = StopBelow(0.3).reason(tmp_path, "transfer", since=0.0)
    assert (reason is not None) == given_up
    assert reason is None or reason == f"val_mAP {best:.4f} at best in {done} of 10 passes, below 0.3"


def test_other_stages_and_what_was_left_before_say_nothing(tmp_path: Path) -> None:
    write(tmp_path, 9, 0.1, stage="teach-1")
    file = write(tmp_path, 9, 0.1)
    os.utime(file, (100.0, 100.0))
    assert StopBelow(0.3).reason(tmp_path, "transfer", since=101.0) is None
    assert StopBelow(0.3).reason(tmp_path, "transfer", since=99.0) is not None


@pytest.fixture
def half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs three points of which the first is slow and bad; gives what was begun, and the directory."""
    monkeypatch.setattr("distill.sweep.jobs.POLL", 0.02)
    points, places = sweep(tmp_path)

    def run(stop: StopBelow | None, mended: bool = False) -> tuple[list[str], SweepDirectory]:
        begun: list[str] = []
        good = {point.name: leaving(point, places, results(0.6, 1000)) for point in points}
        slow = f"import time; time.sleep({0 if mended else 60})"

        def command(point: Any) -> list[str]:
            begun.append(point.name)
            if point is points[0] and not mended:
                file = write(places.point(point), 6, 0.2)
                os.utime(file, (time.time() + 60, time.time() + 60))
                return program(slow)
            return good[point.name]

        made = Runner(places, Resources(1, 1), command, lambda point: None, lambda point: None, stop)
        made.run(points, lambda: None)
        return begun, places

    return points, run


def test_a_hopeless_point_is_stopped_and_stays_so_until_the_bound_is_lowered(half_way: Any) -> None:
    points, run = half_way
    begun, places = run(StopBelow(0.3))
    assert begun == [point.name for point in points]
    rows = {row["name"]: row for row in summarise("tiny", points, places)["points"]}
    assert rows[points[0].name]["state"] == "stopped early"
    assert rows[points[0].name]["reason"] == "val_mAP 0.2000 at best in 6 of 10 passes, below 0.3"
    assert [rows[point.name]["state"] for point in points[1:]] == ["done", "done"]
    assert run(StopBelow(0.3), mended=True)[0] == run(StopBelow(0.5), mended=True)[0] == []
    assert run(StopBelow(0.25), mended=True)[0] == [points[0].name]


def test_without_a_bound_it_is_run_to_its_end(half_way: Any) -> None:
    points, run = half_way
    run(StopBelow(0.3))
    begun, places = run(None, mended=True)
    assert begun == [points[0].name] and places.results(points[0]) is not None


def test_it_is_run_again_under_other_keys(half_way: Any, tmp_path: Path) -> None:
    points, run = half_way
    _, places = run(StopBelow(0.3))
    assert "stopped_below" in places.ended(points[0])
    changed, _ = sweep(tmp_path, "--student.width", "0.5,0.25,0.1", "--transfer.epochs", "7")
    assert changed[0].name == points[0].name and places.ended(changed[0]) == {}
