"""distill evaluate RECIPE --model FILE [--against FILE | --gallery-model FILE] [--KEY VALUE ...]"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from distill import formatting
from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.files.atomic import write_json
from distill.predictors.open import open_predictor
from distill.predictors.predictor import Predictor
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import TEACHER_STAGES
from distill.recipe.written import recipe_names
from distill.tasks import open_task
from distill.tasks.task import Task
from distill.tasks.verdict import Verdict
from teachers.teacher import TeacherConfig

TEACHER = "teacher"


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the recipe may follow."""
    parser = CommandParser(
        prog="distill evaluate",
        usage="distill evaluate RECIPE --model FILE [--against FILE] [--gallery-model FILE] [--out DIR] [--json FILE] "
        "[--KEY VALUE ...]",
        description="Score a file on a recipe's test pictures, with intervals.",
        epilog="distill run RECIPE --help lists every key; those of data, prepare, evaluate and teacher matter here.",
        allow_abbrev=False,
    )
    parser.add_argument("recipe", help=f"one of {', '.join(recipe_names())}, or the path of a .yaml file")
    model = f"a student's directory or file, an exported file, or the word {TEACHER}, or its file, for the recipe's own"
    parser.add_argument("--model", required=True, help=model)
    parser.add_argument(
        "--against", help="a second model: the paired difference of the first minus this one is reported"
    )
    parser.add_argument(
        "--gallery-model", help="of embeddings: a model whose gallery the first one's pictures are searched in"
    )
    parser.add_argument(
        "--out", type=Path, help="where the prepared pictures are kept; default the run directory, as of distill run"
    )
    parser.add_argument("--json", type=Path, help="also write the scores to this file")
    return parser


def main(arguments: list[str]) -> int:
    """Score one model on the recipe's test pictures, or two and their paired difference."""
    options, keys = build_parser().parse_known_args(arguments)
    reader = RecipeReader(options.recipe, "distill evaluate")
    recipe, _ = reader.read(keys)
    # What is only learnt from need not be at hand.
    recipe = replace(recipe, web=None, unlabelled=None, teach=replace(recipe.teach, web=False))
    task = open_task(recipe, (options.out or reader.out) / "data")
    verdict = task.judging.judge(_open(options.model, task))
    scores: dict[str, Any] = {"model": options.model, **verdict.to_dict()}
    console = Console(markup=False, emoji=False)
    _print(console, options.model, verdict)
    if options.against:
        other = task.judging.judge(_open(options.against, task))
        _print(console, options.against, other)
        difference = verdict.compare(other)
        scores |= {"against": {"model": options.against, **other.to_dict()}, "difference": difference}
        points, interval = difference[verdict.metric], difference["interval"]
        console.print(f"difference {formatting.signed(points)} {formatting.interval(interval)}, paired")
    if options.gallery_model:
        scores["galleries"] = _search(console, task, options.model, verdict, options.gallery_model)
    if options.json:
        write_json(options.json, scores)
        console.print(f"written: {options.json}", soft_wrap=True)
    return 0


def _open(model: str, task: Task) -> Predictor:
    recipe = task.recipe
    if model != TEACHER and not _is_file_of(recipe.teacher, Path(model)):
        return open_predictor(Path(model))
    if set(TEACHER_STAGES) & set(recipe.stages) and getattr(recipe.teacher, "weights", None) in (None, "scratch"):
        raise DistillError(
            "--model teacher: this recipe makes its teacher; score the file in the run directory, "
            "teacher/teacher.onnx, or give teacher.weights."
        )
    teacher = recipe.teacher.teacher(task.teaching.kind)
    task.teaching.check_teacher(teacher)
    return teacher.predictor(task.teaching.kind)


def _is_file_of(teacher: TeacherConfig, model: Path) -> bool:
    """Whether a model is the very file that the recipe's teacher runs: what the recipe says of it holds."""
    file: Path | None = getattr(teacher, "file", None)
    return file is not None and file.exists() and model.exists() and file.samefile(model)


def _search(console: Console, task: Task, model: str, probes: Verdict, gallery_model: str) -> dict[str, Any]:
    """The first model's pictures in a gallery by the second, and each in its own."""
    if not probes.searches:
        raise DistillError(f"--gallery-model: only embeddings are searched for, and the task is {task.recipe.task}.")
    searches, at_thresholds = probes.search(task.judging.judge(_open(gallery_model, task)))
    shown = {"model": model, "gallery": gallery_model}
    for name, searched in searches.items():
        ranks = [f"{rank} {formatting.score(share)}" for rank, share in searched["metrics"].items()]
        words = " ".join(shown.get(word, word) for word in name.split())
        console.print(f"{words}: {', '.join(ranks)}", soft_wrap=True)
    return searches | {"at_gallery_thresholds": at_thresholds}


def _print(console: Console, model: str, verdict: Verdict) -> None:
    first, *more = verdict.summary()
    for line in (f"{model}: {first}", *more):
        console.print(line, soft_wrap=True)
