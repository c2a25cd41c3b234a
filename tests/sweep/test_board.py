"""What a sweep shows while it runs: one line a point."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from distill.sweep.board import Board
from distill.sweep.jobs import Resources, Runner
from tests.helpers.points import leaving, program, results, sweep


def test_one_line_a_point(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    running, failed, _ = points
    places.end(failed, 3.0, "the disk is full")
    places.log(running).parent.mkdir(parents=True, exist_ok=True)
    said = io.StringIO()
    console = Console(file=said, width=60, markup=False)
    board = Board(points, places, console)
    commands = {running.name: program("import time; print('begun\\ntransfer: 40 passes', flush=True); time.sleep(60)")}
    runner = Runner(places, Resources(1, 1), lambda point: commands[point.name], lambda point: None, board.ended)
    shown: list[str] = []

    def watch() -> None:
        board.show(runner.running)
        if "40 passes" not in places.log(running).read_text():
            return
        console.print(board._table())
        shown[:] = said.getvalue().splitlines()
        runner.running[0].process.kill()

    runner.run([running], watch)
    assert [line.split()[0] for line in shown] == [point.name for point in points]
    assert shown[0].endswith("transfer: 40 passes") and "FAILED: the disk is full" in shown[1] and "waits" in shown[2]


def test_where_there_is_no_terminal_each_end_is_a_line(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    said = io.StringIO()
    console = Console(file=said, width=200)
    commands = {point.name: leaving(point, places, results(0.625, 1000)) for point in points}
    commands[points[2].name] = program("raise SystemExit('distill run: no such folder')")
    with Board(points, places, console) as board:
        made = Runner(places, Resources(1, 1), lambda point: commands[point.name], lambda point: None, board.ended)
        made.run(points, lambda: board.show(made.running))
    first, second, third = said.getvalue().splitlines()
    for point, line in zip(points, (first, second), strict=False):
        assert line.startswith(f"{point.name}: done after ") and line.endswith("mAP 0.625")
    assert third == f"{points[2].name}: FAILED: no such folder"


def test_where_there_is_no_terminal_it_is_said_now_and_then_what_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill.sweep.board._EVERY", 0.0)
    points, places = sweep(tmp_path)
    places.end(points[1], 3.0, "the disk is full")
    places.end(points[2], 3.0, "val_mAP 0.2000 at best in 6 of 10 passes, below 0.3", 0.3)
    said = io.StringIO()
    commands = {points[0].name: program("import time; print('transfer: pass 3 of 60', flush=True); time.sleep(60)")}
    with Board(points, places, Console(file=said, width=200)) as board:
        assert board.said[points[2].name].startswith("stopped early: val_mAP 0.2000")
        runner = Runner(places, Resources(1, 1), lambda point: commands[point.name], lambda point: None, board.ended)

        def watch() -> None:
            if "pass 3" in places.log(points[0]).read_text():
                board.show(runner.running)
                runner.running[0].process.kill()

        runner.run(points[:1], watch)
    first = said.getvalue().splitlines()[0]
    assert first.startswith(f"2 of 3 points ended; at work: {points[0].name} ") and "transfer: pass 3 of 60" in first
