"""A run from top to bottom: prepare, teach, train, evaluate, export, report.

Every piece of work is kept under a key of what it read, so the same command goes on where it was stopped, and a changed
key repeats only what depends on it.
"""

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from rich.console import Console

from distill.contract import check_objective, check_teacher
from distill.cost import Cost, count, count_onnx
from distill.data.pictures import Pictures
from distill.directory import RunDirectory
from distill.errors import DistillError
from distill.evaluation.agreement import agreement
from distill.evaluation.attributes import compare
from distill.files import write_json
from distill.gate import export_and_score
from distill.predictors.open import student_predictor
from distill.predictors.predictor import Predictor
from distill.recipe import Recipe
from distill.report.page import Examples, write_report
from distill.scoring import Judge, Verdict, teacher_predictor
from distill.sets import open_sets
from distill.stages import AnyTeacher, Log, open_teacher, train_student
from distill.store.teacher import StoredTeacher
from students.files import save_student
from students.manifest import StudentManifest
from teachers.onnx_teacher import OnnxTeacher
from teachers.teacher import Teacher
from teachers.torch_teacher import TorchTeacher

AGREEMENT_PICTURES = 2000
"""Transfer pictures that agreement is measured on; more would not move the means."""

EXAMPLES = 12

console = Console(stderr=True, markup=False, emoji=False)


def run(recipe: Recipe, resolved: str, out: Path, seeds: int = 1) -> dict[str, Any]:
    """Run a recipe, or go on with it.

    Args:
        resolved: the recipe as YAML, kept beside the results.
        out: the run directory.
        seeds: students to train, under the recipe's seed and those after it. The first is kept and exported; the mean
            and standard deviation of all are reported.

    Returns:
        the content of results.json.

    Raises:
        DistillError: an input that cannot be used; whatever was finished stays and is not repeated.
    """
    places = RunDirectory.claim(out, recipe.name, resolved)
    sets = open_sets(recipe, places.data)
    judge = Judge(sets, recipe.seed, recipe.evaluate.resamples, recipe.evaluate.batch_size)
    log = Log(judge)
    if "transfer" in recipe.stages:
        check_objective(recipe.objective, bool(sets.classes))

    teacher = open_teacher(recipe, sets, places, log)
    if rank_zero_only.rank:  # type: ignore[attr-defined]  # of several processes, one scores and writes; the others only train
        for seed in range(recipe.seed, recipe.seed + seeds):
            train_student(recipe, sets, places, log, teacher, seed)
        return {}
    taught = None if teacher is None else _judge_teacher(teacher, judge)

    network = train_student(recipe, sets, places, log, teacher, recipe.seed)
    manifest = StudentManifest(
        config=recipe.student, classes=sets.classes, preprocess=recipe.student.preprocess, picture=sets.test.size,
        thresholds=None, activation="sigmoid", seed=recipe.seed,
        teacher=teacher.name if teacher else "none, labels only",
    )  # fmt: skip
    learnt = judge(student_predictor(network, manifest))
    manifest = save_student(places.student, network, replace(manifest, thresholds=tuple(learnt.thresholds.tolist())))

    cost = count(network, recipe.student.resolution, recipe.student.resolution)
    results: dict[str, Any] = {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "device": _device(),
        "data": sets.describe(recipe.data.name),
        "teacher": None,
        "student": _model(recipe.student.full_name, size_of(cost), learnt),
        "exports": export_and_score(places.export, network, manifest, learnt, judge, recipe.export.tolerance),
        "stages": log.stages,
    }
    if teacher is not None and taught is not None:
        results["teacher"] = _model(teacher.name, teacher_size(teacher), taught)
        results["student"]["difference"] = compare(learnt.scores, taught.scores).to_dict()
        results["agreement"] = _agreement(student_predictor(network, manifest), learnt, teacher, taught, judge)
    if seeds > 1:
        verdicts = [learnt]
        for seed in range(recipe.seed + 1, recipe.seed + seeds):
            sibling = train_student(recipe, sets, places, log, teacher, seed)
            verdicts.append(judge(student_predictor(sibling, manifest)))
        results["seeds"] = _spread(verdicts)
    write_json(places.root / "results.json", results)
    write_report(places.root / "report.html", results, log.curves, _examples(sets.test, learnt), resolved)
    return results


def _judge_teacher(teacher: AnyTeacher, judge: Judge) -> Verdict:
    """Its contract and its own score, before the first step."""
    check_teacher(teacher, judge.sets.classes)
    verdict = judge(teacher_predictor(teacher))
    console.print(
        f"teacher {teacher.name}: frozen, {teacher.outputs} outputs, mAP {verdict.on_validation:.4f} on validation"
    )
    return verdict


def _model(name: str, size: dict[str, int | None], verdict: Verdict) -> dict[str, Any]:
    return {"name": name, **size, **verdict.to_dict()}


def size_of(cost: Cost | None) -> dict[str, int | None]:
    """What results.json says of a network's size."""
    return {"parameters": cost.parameters if cost else None, "mult_adds": cost.mult_adds if cost else None}


def teacher_size(teacher: AnyTeacher) -> dict[str, int | None]:
    """Its parameters and mult-adds, None where a black box hides its shapes."""
    if isinstance(teacher, StoredTeacher):
        facts = teacher.store.manifest.teacher
        return {"parameters": facts.parameters, "mult_adds": facts.mult_adds}
    return size_of(_teacher_cost(teacher))


def _teacher_cost(teacher: Teacher) -> Cost | None:
    try:
        if isinstance(teacher, OnnxTeacher):
            return count_onnx(teacher.session.path)
        if isinstance(teacher, TorchTeacher):
            return count(teacher.network, teacher.preprocess.height, teacher.preprocess.width)
        return None
    except DistillError as error:
        console.print(f"teacher {teacher.name}: its cost is unknown: {error}")
        return None


def _agreement(
    student: Predictor, learnt: Verdict, teacher: AnyTeacher, taught: Verdict, judge: Judge
) -> dict[str, Any]:
    """On what was transferred and on what was held out: a gap between the two is a lack of pictures, not capacity."""
    transfer = judge.sets.transfer.every(max(1, -(-len(judge.sets.transfer) // AGREEMENT_PICTURES)))
    pairs = {
        "transfer": [judge.answers(one, transfer, "transfer") for one in (student, teacher_predictor(teacher))],
        "test": [learnt.probabilities, taught.probabilities],
    }
    return {
        name: agreement(
            ours, theirs, judge.sets.classes, student_thresholds=learnt.thresholds, teacher_thresholds=taught.thresholds
        ).to_dict()
        for name, (ours, theirs) in pairs.items()
    }


def _spread(verdicts: list[Verdict]) -> dict[str, Any]:
    values = [verdict.scores.mean_average_precision for verdict in verdicts]
    return {"mAP": {"mean": float(np.mean(values)), "spread": float(np.std(values, ddof=1)), "values": values}}


def _examples(test: Pictures, learnt: Verdict) -> Examples:
    shown = np.linspace(0, len(test) - 1, min(EXAMPLES, len(test))).astype(np.int64)
    return Examples(test.gather(shown), test.classes, learnt.probabilities[shown], test.labels[shown])


def _device() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
