"""distill export RUN [--formats A,B,...] [--KEY VALUE ...]"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from distill.commands.arguments import CommandParser
from distill.errors import DistillError, few
from distill.export.formats import FORMATS, formats_of
from distill.files.checksums import check_sum
from distill.files.run_directory import REPORT, RESOLVED, RESULTS, RunDirectory, check_version
from distill.predictors.open import student_predictor
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import Recipe
from distill.registries import TASKS
from distill.report.card import write_card
from distill.report.files import rewrite_files
from distill.report.results import ExportedFile, read_results, write_results
from distill.report.terminal import print_files
from distill.run.gate import Exported, beside_earlier, export_and_score
from distill.tasks import open_task
from distill.tasks.verdict import Verdict
from students.files import CONFIG_FILE, load_student
from students.manifest import StudentManifest

_SECTIONS = ("export", "card")
_PLACES = ("data.root", "unlabelled.root", "web.root", "prepare.root", "evaluate.lfw", "evaluate.pairs.root")
_OF_A_MACHINE = (*_PLACES, "evaluate.batch_size")
_GIVEN = f"those of {' and '.join(_SECTIONS)}, and for another machine {', '.join(_OF_A_MACHINE)}"
_NOISE = 1e-3  # of a metric, between two machines
_SHOWN = 3  # figures that are named


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the recipe may follow."""
    parser = CommandParser(
        prog="distill export",
        usage="distill export RUN [--formats A,B,...] [--KEY VALUE ...]",
        description="Write a run's student in each format, score each file in its own runtime on the run's test "
        "pictures, and hold it to the torch student's score.",
        epilog="\n".join([f"Keys: {_GIVEN}.", *(f"{name}: {one.limits}." for name, one in FORMATS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("run", type=Path, help="the directory of a run")
    parser.add_argument("--formats", help=f"some of {','.join(FORMATS)}; by default the recipe's")
    return parser


def main(arguments: list[str]) -> int:
    """Export a run's student; status 1 where a file falls outside its tolerance."""
    options, keys = build_parser().parse_known_args(arguments)
    run_directory, recipe = _open(options.run, keys)
    if options.formats:
        recipe = replace(recipe, export=replace(recipe.export, formats=tuple(options.formats.split(","))))
    formats_of(recipe.export.formats, TASKS.get(recipe.task).kind, recipe.export.nms)
    with run_directory.alone():
        network, manifest = load_student(run_directory.student)
        task = open_task(recipe, run_directory.data)
        student = task.judging.judge(student_predictor(network, manifest))
        _check_scores(run_directory.root / RESULTS, student)
        exports = export_and_score(run_directory.export, Exported(network, manifest, student), task, recipe.export)
        _enter(run_directory, recipe, manifest, exports)
    console = Console(markup=False, emoji=False)
    print_files(exports, student.metric, console)
    console.print(f"files: {run_directory.export}", soft_wrap=True)
    return 1 if any(file["passed"] is False for file in exports) else 0


def _open(run: Path, keys: list[str]) -> tuple[RunDirectory, Recipe]:
    """The run and its recipe, with keys overridden.

    Raises:
        DistillError: it is no run or one of another version of distill, has no student, or a key would make it another
            run.
    """
    run_directory = RunDirectory(run)
    if not run_directory.marker.is_file() or not (run / RESOLVED).is_file():
        raise DistillError(f"{run}: not a run directory; expected what distill run --out wrote.")
    check_version(run_directory.marker)
    if not (run_directory.student / CONFIG_FILE).is_file():
        raise DistillError(f"{run}: has no student yet. Go on with the same distill run that began it.")
    check_sum(run / RESOLVED, f"Run the recipe again with --out {run}.")
    options = [key.partition("=")[0].removeprefix("--") for key in keys if key.startswith("--")]
    refused = [key for key in options if key.partition(".")[0] not in _SECTIONS and key not in _OF_A_MACHINE]
    if refused:
        raise DistillError(
            f"{few(refused)}: would score or describe another run than {run}. Expected keys: {_GIVEN}. For other "
            "keys there is distill run with another --out."
        )
    return run_directory, RecipeReader(str(run / RESOLVED), "distill export RUN").read(keys)[0]


def _check_scores(path: Path, student: Verdict) -> None:
    """Refuse a student whose scores are not those of results.json: the files' would stand beside them.

    Raises:
        DistillError: a metric or a count is another.
    """
    if not path.is_file():
        return
    run, here = (_figures(scores) for scores in (read_results(path)["student"], student.to_dict()))
    noise = max(_NOISE, 1 / run["pictures"])  # another machine may move one picture past a threshold
    others = [
        f"{name} is {value:.6g} there and {here[name]:.6g} here" if name in here else f"{name} is not measured here"
        for name, value in run.items()
        if name not in here or abs(here[name] - value) > (noise if isinstance(value, float) else 0)
    ]
    if others:
        raise DistillError(
            f"{path}: the student does not score here as it did in the run: {'; '.join(others[:_SHOWN])}. Give the "
            f"pictures it was scored on ({', '.join(_PLACES)}); for others there is distill run with another --out."
        )


def _figures(scores: Mapping[str, Any]) -> dict[str, float]:
    """Metrics, which are floats, and counts, which are whole, by name; positives by their class."""
    counts = dict(scores["counts"])
    positives = counts.pop("positives", {})
    return scores["metrics"] | counts | {f"positives of {name}": number for name, number in positives.items()}


def _enter(run_directory: RunDirectory, recipe: Recipe, manifest: StudentManifest, exports: list[ExportedFile]) -> None:
    """Put the files into results.json, the report and the card, beside or in place of those of an earlier export."""
    if not (run_directory.root / RESULTS).is_file():
        return
    results = read_results(run_directory.root / RESULTS)
    results["exports"] = beside_earlier(run_directory.root, results["exports"], exports)
    rewrite_files(run_directory.root / REPORT, results)
    write_card(run_directory.root, results, recipe, manifest)
    write_results(run_directory.root / RESULTS, results)
