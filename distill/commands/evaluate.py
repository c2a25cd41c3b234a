"""distill evaluate RECIPE --model FILE [--against FILE] [--KEY VALUE ...]"""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from distill.errors import DistillError
from distill.evaluation.attributes import compare
from distill.files import write_json
from distill.predictors.open import open_predictor
from distill.recipe import TEACHER_STAGES, Recipe
from distill.recipe_parser import RecipeReader, recipe_names
from distill.report import formatting
from distill.scoring import Judge, Judged, Verdict, teacher_predictor
from distill.sets import open_sets

TEACHER = "teacher"


def main(arguments: list[str]) -> int:
    """Score one model on the recipe's test pictures, or two and their paired difference."""
    parser = argparse.ArgumentParser(
        prog="distill evaluate",
        usage="distill evaluate RECIPE --model FILE [--against FILE] [--out DIR] [--json FILE] [--KEY VALUE ...]",
        description="Score a file on a recipe's test pictures, with intervals.",
        epilog="distill run RECIPE --help lists every key; those of data, prepare, evaluate and teacher matter here.",
        allow_abbrev=False,
    )
    parser.add_argument("recipe", help=f"one of {', '.join(recipe_names())}, or the path of a .yaml file")
    model = f"a student's directory or file, an exported .onnx, or the word {TEACHER} for the recipe's own teacher"
    parser.add_argument("--model", required=True, help=model)
    parser.add_argument(
        "--against", help="a second model: the paired difference of the first minus this one is reported"
    )
    parser.add_argument(
        "--out", type=Path, help="where the prepared pictures are kept; default runs/RECIPE, a run's own"
    )
    parser.add_argument("--json", type=Path, help="also write the scores to this file")
    chosen, keys = parser.parse_known_args(arguments)
    recipe, _ = RecipeReader(chosen.recipe, parser.prog).read(keys)
    sets = open_sets(recipe, (chosen.out or Path("runs") / recipe.name) / "data")
    judge = Judge(sets, recipe.seed, recipe.evaluate.resamples, recipe.evaluate.batch_size)
    verdict = judge(_open(chosen.model, recipe, len(sets.classes)))
    found: dict[str, Any] = {"model": chosen.model, **verdict.to_dict()}
    console = Console(markup=False, emoji=False)
    _print(console, chosen.model, verdict)
    if chosen.against:
        other = judge(_open(chosen.against, recipe, len(sets.classes)))
        _print(console, chosen.against, other)
        difference = compare(verdict.scores, other.scores)
        found |= {"against": {"model": chosen.against, **other.to_dict()}, "difference": difference.to_dict()}
        console.print(
            f"difference {formatting.signed(difference.difference)} {formatting.interval(difference.interval)}, paired"
        )
    if chosen.json:
        write_json(chosen.json, found)
        console.print(f"written: {chosen.json}", soft_wrap=True)
    return 0


def _open(model: str, recipe: Recipe, outputs: int) -> Judged:
    if model != TEACHER:
        return open_predictor(Path(model))
    if set(TEACHER_STAGES) & set(recipe.stages) and getattr(recipe.teacher, "weights", None) in (None, "scratch"):
        raise DistillError(
            "--model teacher: this recipe makes its teacher; score the file in the run directory, "
            "teacher/teacher.onnx, or give teacher.weights."
        )
    return teacher_predictor(recipe.teacher.load(outputs))


def _print(console: Console, model: str, verdict: Verdict) -> None:
    scores = verdict.scores
    console.print(
        f"{model}: mAP {formatting.score(scores.mean_average_precision)} {formatting.interval(scores.interval)}, "
        f"{len(scores.labels)} test pictures, {len(scores.classes) - len(scores.unmeasured)} attributes",
        soft_wrap=True,
    )
    if scores.unmeasured:
        console.print(f"not measured, no positive or no negative: {', '.join(scores.unmeasured)}", soft_wrap=True)
