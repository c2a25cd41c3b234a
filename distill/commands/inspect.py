"""distill inspect FILE [--recipe RECIPE] [--pictures N] [--json FILE] [--KEY VALUE ...]"""

import argparse
import tempfile
import time
from pathlib import Path

from rich.console import Console

from distill import formatting
from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.files.atomic import write_json
from distill.inspection.facts import NETWORKS, named_teacher, read_facts
from distill.inspection.inspection import PICTURES, Inspection
from distill.inspection.progress import progress
from distill.inspection.search import Outcome
from distill.inspection.section import teacher_section
from distill.predictors.onnx_metadata import PREFIX
from distill.recipe.parser import RecipeReader
from distill.recipe.written import recipe_names
from distill.registries import TASKS

_SHOWN = 12  # hypotheses in the list, best first
_FEW = 8  # hypotheses named in a line


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the recipe may follow."""
    parser = CommandParser(
        prog="distill inspect",
        usage="distill inspect FILE [--recipe RECIPE] [--pictures N] [--json FILE] [--KEY VALUE ...]",
        description="Say what a black box wants: what its file tells, and what only measuring does. Pictures of a "
        "recipe are shown to it in every way that public networks are trained with: channels RGB or BGR, mean and "
        "deviation, part and shape of the picture, kernel, output. With labels each way is scored by the recipe's "
        "task; without, by how steady and sure the answers are. The last lines are the recipe's teacher section.",
        epilog="distill run RECIPE --help lists every key; those of data, prepare and teacher matter here. A key of "
        "the teacher that is given is not tried otherwise.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "file",
        type=Path,
        help="an .onnx or .tflite file, the .xml of OpenVINO, or weights of a network of timm (--teacher timm)",
    )
    parser.add_argument(
        "--recipe",
        help=f"whose task and pictures it is tried on: one of {', '.join(recipe_names())}, or the path of a .yaml "
        "file; without one, only what the file tells is printed",
    )
    parser.add_argument("--pictures", type=int, default=PICTURES, help=f"to show it; default {PICTURES}")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    return parser


def main(arguments: list[str]) -> int:
    """Print what a file tells and, on a recipe's pictures, what measuring does."""
    options, keys = build_parser().parse_known_args(arguments)
    console = Console(markup=False, emoji=False, highlight=False)
    facts = read_facts(options.file)
    for line in facts.lines():
        console.print(line, soft_wrap=True)
    if any(key.startswith(PREFIX) for key in facts.metadata):
        console.print(
            f"exported by distill, it says the rest itself: --teacher {facts.runtime} --teacher.file {options.file}",
            soft_wrap=True,
        )
        return 0
    if options.recipe is None:
        if keys:
            raise DistillError(f"{keys[0]}: whose key is it? Name the recipe with --recipe.")
        console.print(
            "What the file does not tell is measured on pictures: --recipe RECIPE --data NAME --data.root DIR"
        )
        return 0
    if options.pictures < 2:
        raise DistillError(f"--pictures is {options.pictures}, expected two or more; {PICTURES} tell most apart.")
    reader = RecipeReader(options.recipe, "distill inspect")
    named, takes = dict(facts.keys), set(reader.keys())
    if facts.runtime:
        named["name"] = TASKS.get(reader.task(keys)).teacher_of(facts.runtime)
    if not facts.runtime and named_teacher(keys) is None and "teacher.weights" not in takes:
        raise DistillError(f"{options.file}: weights, which do not say of what network. Name it: {NETWORKS}.")
    recipe, _ = reader.read([*keys, *(part for key, value in named.items() for part in (f"--teacher.{key}", value))])
    with tempfile.TemporaryDirectory(prefix="distill-") as place:
        inspection = Inspection(recipe, facts, Path(place), options.pictures)
        started = time.monotonic()
        outcome = inspection.run(progress())
        seconds = time.monotonic() - started
        _print(console, inspection, outcome, seconds)
        best = {"name": recipe.teacher.name} | named | inspection.keys(outcome.best.hypothesis)
        section = teacher_section(best, outcome, recipe.prepare.fit)
        console.print("\n".join(["", *section]), soft_wrap=True)
        if options.json:
            content = {
                "facts": facts.to_dict(),
                "pictures": outcome.verdict.to_dict()["counts"]["pictures"],
                "metric": outcome.verdict.metric,
                "labelled": inspection.labelled,
                "by_chance": outcome.verdict.by_chance,
                "hypotheses": [one.to_dict(inspection.known) for one in outcome.ranked],
                "level": [str(one.hypothesis) for one in outcome.level],
                "undecided": outcome.undecided(),
                "section": "\n".join(section),
            }
            write_json(options.json, content)
            console.print(f"written: {options.json}", soft_wrap=True)
    return 0


def _print(console: Console, inspection: Inspection, outcome: Outcome, seconds: float) -> None:
    """The best hypotheses, and what could not be told apart."""
    metric, shown = outcome.verdict.metric, outcome.verdict.to_dict()["counts"]["pictures"]
    by = metric if inspection.labelled else "steadiness, for the data has no labels for this task"
    console.print(
        f"\n{len(outcome.ranked)} hypotheses on {shown} pictures of {inspection.recipe.data.name} by {by}, "
        f"in {formatting.duration(seconds)}",
        soft_wrap=True,
    )
    level = {id(one) for one in outcome.level}
    for one in outcome.ranked[:_SHOWN]:
        score = "refused" if one.verdict is None else formatting.score(one.score)
        mark = "  best" if one is outcome.best else "  not told apart" if id(one) in level else ""
        console.print(f"  {score} {formatting.interval(one.interval)}  {one.hypothesis}{mark}", soft_wrap=True)
    for line in remarks(inspection, outcome):
        console.print(line, soft_wrap=True)


def remarks(inspection: Inspection, outcome: Outcome) -> list[str]:
    """What the user must know of a result beside it: what was assumed, and how far it can be trusted."""
    lines = [inspection.outputs_known_by] if inspection.outputs_known_by else []
    output = outcome.best.hypothesis.output
    gives = inspection.gives(output)
    if gives and inspection.subject.given("gives") is None:
        shared = "; classes exclude each other, so each answer is shared out by its sum"
        lines.append(f"gives {gives}, by the values{shared if inspection.shared_out(output) else ''}")
    if outcome.verdict.at_chance:
        lines.append(
            f"none of these is the contract: of the best, {outcome.verdict.beside_chance}. Are the outputs in the "
            "order of the data's classes (--teacher.classes)?"
        )
    if outcome.level:
        named = "; ".join(str(one.hypothesis) for one in outcome.level[:_FEW])
        more = f"; and {len(outcome.level) - _FEW} more" if len(outcome.level) > _FEW else ""
        lines.append(f"not told apart from the best on these pictures: {named}{more}")
    if not inspection.labelled:
        lines.append("steadiness is a hint: labels tell more")
    return lines
