"""distill run RECIPE [--out DIR] [--seeds N] [--KEY VALUE ...]"""

import argparse
from pathlib import Path

from rich.console import Console

from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.recipe.parser import RecipeReader
from distill.recipe.written import recipe_names
from distill.report.terminal import print_files, print_report_place, print_results
from distill.run.pipeline import run


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the recipe may follow."""
    parser = CommandParser(
        prog="distill run",
        usage="distill run RECIPE [--out DIR] [--seeds N] [--KEY VALUE ...]",
        description="Train a student as a recipe says, score it, export it and report. The same command again goes on "
        "where it was stopped.",
        epilog="distill run RECIPE --help lists every key of the recipe; --print_config prints it as resolved.",
        parents=[_options()],
    )
    parser.add_argument("recipe", help=f"one of {', '.join(recipe_names())}, or the path of a .yaml file")
    return parser


def _options() -> argparse.ArgumentParser:
    """Those beside the recipe, without --help, which is the recipe's where one was named."""
    parser = CommandParser(prog="distill run", add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--out",
        type=Path,
        help="run directory; default runs/RECIPE, or where RECIPE is a run's own recipe.yaml, that run's",
    )
    parser.add_argument("--seeds", type=int, default=1, help="students to train, for a mean and a spread")
    return parser


def main(arguments: list[str]) -> int:
    """Run a recipe; status 1 where an exported file failed."""
    if not arguments or arguments[0].startswith("-"):
        build_parser().parse_args(arguments)
    options, keys = _options().parse_known_args(arguments[1:])
    reader = RecipeReader(arguments[0], f"distill run {arguments[0]} [--out DIR] [--seeds N]")
    recipe, resolved = reader.read(keys)
    if options.seeds < 1:
        raise DistillError(f"--seeds is {options.seeds}, expected at least 1.")
    out = options.out or reader.out
    results = run(recipe, resolved, out, options.seeds)
    if results is None:  # one of several processes that only trained
        return 0
    console = Console(markup=False, emoji=False)
    print_results(results, console)
    print_files(results["exports"], next(iter(results["student"]["metrics"])), console)
    print_report_place(out / "report.html", console)
    return 1 if any(file["passed"] is False for file in results["exports"]) else 0
