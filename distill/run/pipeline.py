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
from rich.console import Console
from torch import nn

from distill.cost import count
from distill.errors import DistillError
from distill.export.formats import formats_of
from distill.export.int8.calibration import check_calibration
from distill.faces.detector import Detector
from distill.files.checksums import check_sum
from distill.files.run_directory import REPORT, RESULTS, RunDirectory
from distill.host import is_first_process
from distill.predictors.open import student_predictor
from distill.recipe.recipe import TEACHER_STAGES, Recipe
from distill.registries import TASKS
from distill.report.card import write_card
from distill.report.page import write_report
from distill.report.results import ExportedFile, Input, Results, read_results, results_of, write_results
from distill.run.gate import Exported, beside_earlier, export_and_score
from distill.run.stages import Run, seen_of
from distill.run.trainer import check_trainer
from distill.tasks.task import Task
from distill.tasks.verdict import Verdict
from students.files import CONFIG_FILE, save_student
from students.manifest import StudentManifest, read_manifest
from students.student import check_head
from teachers.teacher import Teacher

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
    # What a format cannot carry, and a runtime or a device that lacks, is said before anything is loaded.
    formats_of(recipe.export.formats, TASKS.get(recipe.task).kind, recipe.student, recipe.export.nms)
    if recipe.export.detector is not None and recipe.detect is not None:
        Detector(recipe.export.detector, recipe.detect.side).facts()
    check_trainer(recipe)
    with RunDirectory.enter(out, recipe.name).alone():
        directory = RunDirectory.enter(out, recipe.name)
        if not (out / RESULTS).exists():
            RunDirectory.claim(out, recipe.name, resolved)
        return _run(Run.open(recipe, directory), resolved, seeds)


def _run(run: Run, resolved: str, seeds: int) -> Results | None:
    recipe, task, directory, log = run.recipe, run.task, run.directory, run.log
    task.teaching.check()
    check_head(recipe.student, task.teaching.answers(None).head())
    if is_first_process():
        task.pictures.say_contradictions()
    if any(
        entry.int8 for entry in formats_of(recipe.export.formats, type(task.teaching.answers(None)), recipe.student)
    ):
        check_calibration(task.pictures.sets.transfer)
    teacher = run.teacher()
    if not is_first_process():  # the first scores and writes; the others only train
        for seed in range(recipe.seed, recipe.seed + seeds):
            run.student(teacher, seed)
        return None
    verdicts: dict[str, Verdict] = {} if teacher is None else {"teacher": _judge_teacher(teacher, task)}

    network = run.student(teacher, recipe.seed)
    # What an earlier run with other keys left stands until there is something in its place.
    RunDirectory.claim(directory.root, recipe.name, resolved)
    run.write_teacher()
    manifest = _manifest(run, teacher, network)
    predictor = student_predictor(network, manifest)
    verdict = task.judging.judge(predictor)
    if verdict.at_chance:
        console.print(f"student {recipe.student.full_name}: {verdict.beside_chance}.", soft_wrap=True)
    verdicts = {"student": verdict, **verdicts}
    earlier = _earlier(directory)
    answers = task.judging.complete(verdict, predictor, manifest.answers)
    manifest = save_student(directory.student, network, replace(manifest, answers=answers))

    exports = export_and_score(directory.export, Exported(network, manifest, verdict), task, recipe.export)
    results: dict[str, Any] = {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "device": _device(),
        "data": task.pictures.describe(),
        "teacher": None,
        "student": _model(recipe.student.full_name, size_of(network, recipe.student.resolution), verdict),
        "exports": beside_earlier(directory.root, earlier[1], exports) if earlier[0] == manifest else exports,
        "stages": log.stages,
        "input": _input(manifest),
    }
    if cut_offs := task.judging.cut_offs(answers):
        results["cut_offs"] = cut_offs
    if teacher is not None:
        results["teacher"] = _model(teacher.name, teacher.size(), verdicts["teacher"])
        results["teacher"]["fingerprint"] = teacher.fingerprint()
        results["student"]["difference"] = verdict.compare(verdicts["teacher"])
        models = predictor, teacher.predictor(task.teaching.kind)
        results["agreement"] = task.judging.agreement(models, (verdict, verdicts["teacher"]))
    details = task.judging.details(verdicts, teacher)
    results |= details.results
    if seeds > 1:
        siblings = [verdict]
        for seed in range(recipe.seed + 1, recipe.seed + seeds):
            sibling = run.student(teacher, seed)
            siblings.append(task.judging.judge(student_predictor(sibling, manifest)))
        results["seeds"] = _spread(siblings)
    content = results_of(results)
    write_report(directory.root / REPORT, content, log.curves, details.sections, resolved)
    write_card(directory.root, content, recipe, manifest)
    write_results(directory.root / RESULTS, content)  # last: with them the run is finished
    return content


def _manifest(run: Run, teacher: Teacher | None, network: nn.Module) -> StudentManifest:
    """What stands beside the student's weights, before it is scored."""
    student = run.recipe.student
    return StudentManifest(
        config=student,
        answers=seen_of(network, student.preprocess, run.task.teaching.answers(teacher)),
        preprocess=student.preprocess,
        picture=run.task.pictures.sets.size,
        seed=run.recipe.seed,
        teacher=teacher.name if teacher else "none, labels only",
        teacher_fingerprint=teacher.fingerprint() if teacher else None,
        data_fingerprint=run.task.pictures.sets.prepared.fingerprint,
        fit=run.recipe.prepare.fit,
    )


def _input(manifest: StudentManifest) -> Input:
    taken = manifest.preprocess
    return {
        "height": taken.height,
        "width": taken.width,
        "interpolation": taken.interpolation,
        "mean": list(taken.mean),
        "std": list(taken.std),
        "picture": list(manifest.picture),
        "fit": manifest.fit,
    }


def _earlier(directory: RunDirectory) -> tuple[StudentManifest | None, list[ExportedFile]]:
    """The student of an earlier run and its files, of `distill export` too; None of what is damaged or not there."""
    config, results = directory.student / CONFIG_FILE, directory.root / RESULTS
    if not (config.exists() and results.exists()):
        return None, []
    try:
        check_sum(config, "It is written again.")
        return read_manifest(config), read_results(results)["exports"]
    except DistillError as error:
        console.print(f"{error} Exported files of other formats than the recipe's are left out.", soft_wrap=True)
        return None, []


def _judge_teacher(teacher: Teacher, task: Task) -> Verdict:
    """Its contract and its own score, before the first step.

    Raises:
        DistillError: its contract is another, or its score is that of blind guesses and the recipe does not accept it.
    """
    task.teaching.check_teacher(teacher)
    console.print(f"teacher {teacher.name}: shown {teacher.contract}", soft_wrap=True)
    verdict: Verdict = task.judging.judge(teacher.predictor(task.teaching.kind))
    console.print(f"teacher {teacher.name}: frozen, {teacher.outputs} outputs, {verdict.headline}")
    if not verdict.at_chance:
        return verdict
    made = [stage for stage in TEACHER_STAGES if stage in task.recipe.stages]
    why = f" Did `{made[0]}` train it for long enough?" if made else ""
    said = (
        f"teacher {teacher.name}: {verdict.beside_chance}. Are its outputs in the order of the data's classes "
        f"(teacher.classes), its size, mean and std its own?{why}"
    )
    if task.recipe.evaluate.chance == "refuse":
        raise DistillError(
            f"{said} A student can learn nothing from it; --evaluate.chance accept goes on with it all the same."
        )
    console.print(said, soft_wrap=True)
    return verdict


def _model(name: str, size: dict[str, int | None], verdict: Verdict) -> dict[str, Any]:
    chance = verdict.by_chance
    held = {} if chance is None else {"by_chance": chance, "at_chance": verdict.at_chance}
    return {"name": name, **size, **verdict.to_dict(), **held}


def size_of(network: nn.Module, resolution: int) -> dict[str, int | None]:
    """What results.json says of a student's size."""
    cost = count(network, resolution, resolution)
    return {"parameters": cost.parameters, "mult_adds": cost.mult_adds}


def _spread(verdicts: list[Verdict]) -> dict[str, Any]:
    values = [verdict.score for verdict in verdicts]
    return {
        verdicts[0].metric: {"mean": float(np.mean(values)), "spread": float(np.std(values, ddof=1)), "values": values}
    }


def _device() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
