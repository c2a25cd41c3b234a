"""The table at the end of a sweep."""

import io
from pathlib import Path

from rich.console import Console

from distill.formatting import ABSENT
from distill.sweep.summary import summarise
from distill.sweep.terminal import print_sweep
from tests.helpers.points import leave, results, sweep


def test_every_point_is_a_row_the_teacher_last_and_failures_below(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    leave(points[0], places, results(0.65, 4_000_000))
    places.end(points[1], 3.0, "the disk is full")
    console = Console(width=100, record=True, file=io.StringIO())
    print_sweep(summarise("tiny", points, places), console)
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    absent = 4 * f" {ABSENT}"
    rows = [
        "0.5 0.6500 [0.6400, 0.6600] 4.00 M 400 k",
        f"{points[1].keys['student.width']} failed{absent}",
        f"{points[2].keys['student.width']} not run yet{absent}",
        "teacher net 0.7000 [0.6900, 0.7100] 9.00 M 900 k",
        f"{points[1].name} failed: the disk is full",
    ]
    assert [line for line in lines if line in rows] == rows
    assert any(line.startswith("sweep of tiny") for line in lines)
