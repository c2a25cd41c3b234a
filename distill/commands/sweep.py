"""distill sweep RECIPE --KEY A,B,... --out DIR [--labels] [--points I/N] [--jobs N] [--KEY VALUE ...]"""

import argparse
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.export.formats import formats_of
from distill.files.atomic import write_json
from distill.files.leftovers import remove_leftovers_of
from distill.files.locks import exclusive
from distill.files.run_directory import REPORT
from distill.recipe.parser import RecipeReader
from distill.recipe.written import recipe_names
from distill.registries import TASKS
from distill.report.terminal import print_report_place
from distill.run.trainer import check_trainer, quieten
from distill.sweep.board import Board
from distill.sweep.directory import SweepDirectory
from distill.sweep.jobs import Resources, Runner, run_command
from distill.sweep.page import write_sweep_report
from distill.sweep.pairs import differences, pairs_of
from distill.sweep.plan import Point, plan, share
from distill.sweep.shared import Shared
from distill.sweep.speeds import time_files
from distill.sweep.stopping import StopBelow
from distill.sweep.summary import summarise, within
from distill.sweep.terminal import print_sweep


def main(arguments: list[str]) -> int:
    """Run every point that is not finished; status 1 where one failed, or a file of one is outside its tolerance."""
    options, keys = build_parser().parse_known_args(arguments)
    reader = RecipeReader(options.recipe, "distill sweep")
    out = options.out or Path("sweeps") / reader.name
    points = plan(reader, keys, out / "data", together=options.together, labels=options.labels)
    own = share(points, options.points) if options.points else points
    pairs = pairs_of(points, options.against)
    if options.stop_below is not None and not options.stop_below > 0:
        raise DistillError(f"--stop-below is {options.stop_below:g}, expected a score above 0, such as 0.4.")
    nearness = _numbers(options.within) if options.within else None
    if options.so_far:
        _print_so_far(reader.name, points, SweepDirectory(out))
        return 0
    first = points[0].recipe
    # What a format cannot carry, and a runtime that lacks, is said before anything is trained.
    for point in points:
        formats_of(point.recipe.export.formats, TASKS.get(first.task).kind, point.recipe.student, first.export.nms)
    check_trainer(first)
    resources = Resources.of_this_machine(len(own), options.jobs, _gpus(points[0]))
    claimed = SweepDirectory.claim(out, reader.name)
    quieten()
    shared = Shared(points, claimed)
    directory = shared.directory
    with Board(points, directory, Console(stderr=True, markup=False, emoji=False, highlight=False)) as board:

        def after(point: Point) -> None:
            board.ended(point)
            with _alone(directory):  # to be looked at while the others go on
                _write(summarise(reader.name, points, directory, runner.elsewhere), directory)

        stop = None if options.stop_below is None else StopBelow(options.stop_below)
        runner = Runner(directory, resources, run_command(options.recipe, directory), shared.give, after, stop)
        try:
            runner.run(own, lambda: board.show(runner.running))
        except KeyboardInterrupt:
            _print_so_far(reader.name, points, directory)
            raise
    with _alone(directory):
        measured = time_files(points, directory), differences(pairs, directory, shared.task)
        content = summarise(reader.name, points, directory, runner.elsewhere, *measured)
        if nearness is not None:
            content["within"] = within(content, nearness)
        _write(content, directory)
    console = Console(markup=False, emoji=False, highlight=False)
    print_sweep(content, console)
    print_report_place(out / "report.html", console)
    return _status(content, own)


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the recipe may follow."""
    parser = CommandParser(
        prog="distill sweep",
        usage="distill sweep RECIPE --KEY A,B,... [--KEY C,D,...] [--out DIR] [--labels] [--together] "
        "[--against POINT] [--points I/N] [--jobs N] [--stop-below SCORE] [--within POINTS] [--so-far] "
        "[--KEY VALUE ...]",
        description="Train a student for every combination of the values given, from one teacher, each an ordinary run "
        "in DIR/points, and draw their scores against their costs. The same command again goes on where it was "
        "stopped, and tries again what failed. Keys with several values are the student's, the objective's and "
        "those of pretrain, fine_tune and transfer: what leaves the teacher as it is.",
        epilog="distill run RECIPE --help lists every key of the recipe. OMP_NUM_THREADS sets the threads of a job.",
        allow_abbrev=False,
    )
    parser.add_argument("recipe", help=f"one of {', '.join(recipe_names())}, or the path of a .yaml file")
    parser.add_argument("--out", type=Path, help="directory of the sweep; default sweeps/RECIPE")
    parser.add_argument(
        "--labels",
        action="store_true",
        help="also train each student on labels, by the settings of transfer where fine_tune says none",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="the first values of all keys make one student, the second the next, in place of every combination",
    )
    parser.add_argument("--against", metavar="POINT", help="also give each one's paired difference from this point")
    parser.add_argument(
        "--points",
        metavar="I/N",
        help="run only the I-th of N shares: a job array, or machines that share DIR",
    )
    parser.add_argument(
        "--stop-below",
        type=float,
        metavar="SCORE",
        help="give up a point whose best validation score, such as 0.4, is below this after half of its passes",
    )
    parser.add_argument(
        "--within",
        metavar="POINTS",
        help="how far behind the teacher the smallest students named may lie, such as 0.5,3; default 1,2,5",
    )
    parser.add_argument("--so-far", action="store_true", help="print the table of what is done so far, and run nothing")
    parser.add_argument("--jobs", type=int, help="runs at a time; default one a core, or a core a thread")
    return parser


def _print_so_far(recipe: str, points: Sequence[Point], directory: SweepDirectory) -> None:
    """The table of the points that are done, the others as rows without figures."""
    print_sweep(summarise(recipe, points, directory), Console(markup=False, emoji=False, highlight=False))


def _numbers(text: str) -> list[float]:
    """Points of the metric, as `0.5,3`.

    Raises:
        DistillError: one is no number, or below 0.
    """
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(0 <= number < math.inf for number in numbers):
        raise DistillError(f"--within is {text!r}, expected points of the metric, such as 0.5,3.")
    return numbers


def _alone(directory: SweepDirectory) -> AbstractContextManager[None]:
    """Of several processes, the one that reports: the last of them finds the points of all."""
    directory.check_there()
    return exclusive(directory.root / "locks" / "report", lambda: None)


def _write(content: Mapping[str, Any], directory: SweepDirectory) -> None:
    """Write sweep.json and report.html."""
    json_file, report = directory.root / "sweep.json", directory.root / REPORT
    for file in (json_file, report):
        remove_leftovers_of(file)
    write_json(json_file, content)
    write_sweep_report(report, content)


def _status(content: Mapping[str, Any], own: Sequence[Point]) -> int:
    names = {point.name for point in own}
    rows = [row for row in content["points"] if row["name"] in names]
    failed = any(row["state"] == "failed" for row in rows)
    return int(failed or any(file["passed"] is False for row in rows for file in row.get("exports", ())))


def _gpus(point: Point) -> int:
    """GPUs to share out among the jobs, none where the recipe chooses devices itself."""
    trainer = point.recipe.trainer
    named = trainer.get("devices") not in (None, "auto") or trainer.get("accelerator") == "cpu"
    return 0 if named else torch.cuda.device_count()
