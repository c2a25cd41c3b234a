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

from distill.cost import Cost, count, count_onnx
from distill.errors import DistillError
from distill.export.formats import chosen
from distill.files.run_directory import REPORT, RESULTS, RunDirectory
from distill.predictors.open import student_predictor
from distill.recipe.recipe import Recipe
from distill.report.card import write_card
from distill.report.page import write_report
from distill.report.results import ExportedFile, Results, read_results, write_results
from distill.run.gate import beside_earlier, export_and_score
from distill.run.stages import Log, open_teacher, train_student, write_teacher
from distill.store.teacher import StoredTeacher
from distill.tasks import open_task
from distill.tasks.task import AnyTeacher, Task
from distill.tasks.verdict import Verdict
from students.files import CONFIG_FILE, save_student
from students.manifest import StudentManifest, read_manifest
from teachers.onnx_teacher import OnnxTeacher
from teachers.teacher import Teacher
from teachers.torch_teacher import TorchTeacher

console = Console(stderr=True, markup=False, emoji=False)


def run(recipe: Recipe, resolved: str, out: Path, seeds: int = 1) -> Results | None:
    """Run a recipe, or go on with it.

    Args:
        resolved: the recipe as YAML, kept beside the results.
        out: the run directory.
        seeds: students to train, under the recipe's seed and those after it. The first is kept and exported; the mean
            and standard deviation of all are reported.

    Returns:
        the content of results.json; None in those of several processes that only train.

    Raises:
        DistillError: an input that cannot be used, or another process runs there; whatever was finished stays and is
            not repeated.
    """
    chosen(recipe.export.formats)  # a runtime that lacks is said before anything is trained
    with RunDirectory.enter(out, recipe.name).alone():
        return _run(recipe, resolved, out, seeds)


def _run(recipe: Recipe, resolved: str, out: Path, seeds: int) -> Results | None:
    places = RunDirectory.enter(out, recipe.name)
    if not (out / RESULTS).exists():
        RunDirectory.claim(out, recipe.name, resolved)
    task = open_task(recipe, places.data)
    task.check()
    log = Log(task)
    teacher = open_teacher(recipe, task, places, log)
    if rank_zero_only.rank:  # type: ignore[attr-defined]  # of several processes, one scores and writes; the others only train
        for seed in range(recipe.seed, recipe.seed + seeds):
            train_student(recipe, task, places, log, teacher, seed)
        return None
    taught = None if teacher is None else _judge_teacher(teacher, task)

    network = train_student(recipe, task, places, log, teacher, recipe.seed)
    # What an earlier run with other keys left stands until there is something in its place.
    RunDirectory.claim(out, recipe.name, resolved)
    write_teacher(places, log)
    manifest = StudentManifest(
        config=recipe.student, classes=task.classes, preprocess=recipe.student.preprocess, picture=task.sets.size,
        thresholds=None, activation=task.activation, seed=recipe.seed,
        teacher=teacher.name if teacher else "none, labels only",
        dimensions=None if task.classes is not None else task.outputs(teacher),
        teacher_fingerprint=teacher.fingerprint() if teacher else None,
        data_fingerprint=task.sets.prepared.fingerprint,
    )  # fmt: skip
    learnt = task.judge(student_predictor(network, manifest))
    earlier = _earlier(places)
    manifest = save_student(places.student, network, replace(manifest, **learnt.manifest()))

    exports = export_and_score(places.export, network, manifest, learnt, task, recipe.export)
    cost = count(network, recipe.student.resolution, recipe.student.resolution)
    results: dict[str, Any] = {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "device": _device(),
        "data": task.describe(),
        "teacher": None,
        "student": _model(recipe.student.full_name, size_of(cost), learnt),
        "exports": beside_earlier(places.root, earlier[1], exports) if earlier[0] == manifest else exports,
        "stages": log.stages,
    }
    if teacher is not None and taught is not None:
        results["teacher"] = _model(teacher.name, teacher_size(teacher), taught)
        results["teacher"]["fingerprint"] = teacher.fingerprint()
        results["student"]["difference"] = task.compare(learnt, taught)
        results["agreement"] = task.agreement(student_predictor(network, manifest), learnt, teacher, taught)
    verdicts = {"student": learnt} | ({"teacher": taught} if taught else {})
    details = task.details(verdicts, teacher)
    results |= details.results
    if seeds > 1:
        siblings = [learnt]
        for seed in range(recipe.seed + 1, recipe.seed + seeds):
            sibling = train_student(recipe, task, places, log, teacher, seed)
            siblings.append(task.judge(student_predictor(sibling, manifest)))
        results["seeds"] = _spread(siblings)
    written = write_results(places.root / RESULTS, results)
    write_report(places.root / REPORT, written, log.curves, details.sections, resolved)
    write_card(places.root, written, recipe, manifest)
    return written


def _earlier(places: RunDirectory) -> tuple[StudentManifest | None, list[ExportedFile]]:
    """The student of an earlier run and its files, of `distill export` too; None of what is damaged or not there."""
    try:
        return read_manifest(places.student / CONFIG_FILE), read_results(places.root / RESULTS)["exports"]
    except (DistillError, OSError):
        return None, []


def _judge_teacher(teacher: AnyTeacher, task: Task) -> Verdict:
    """Its contract and its own score, before the first step."""
    task.check_teacher(teacher)
    verdict = task.judge(task.teacher_predictor(teacher))
    console.print(f"teacher {teacher.name}: frozen, {teacher.outputs} outputs, {verdict.headline}")
    if verdict.by_chance is not None and verdict.to_dict()["intervals"][verdict.metric][0] <= verdict.by_chance:
        console.print(
            f"teacher {teacher.name}: its {verdict.metric} of {verdict.score:.4f} is within chance of "
            f"{verdict.by_chance:.4f}, what blind guesses have. Are its outputs in the order of the data's classes "
            "(teacher.classes), its size, mean and std its own?"
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
    size = size_of(_teacher_cost(teacher.innermost))
    if size["mult_adds"] is not None:
        size["mult_adds"] *= teacher.passes
    return size


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


def _spread(verdicts: list[Verdict]) -> dict[str, Any]:
    values = [verdict.score for verdict in verdicts]
    return {
        verdicts[0].metric: {"mean": float(np.mean(values)), "spread": float(np.std(values, ddof=1)), "values": values}
    }


def _device() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
