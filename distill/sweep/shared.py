"""What all points of a sweep share: the prepared pictures, and the one teacher.

A stage's key covers all it reads, so a teacher that was made once is, copied into a point's run directory, done before.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from distill.files.atomic import atomic_path
from distill.files.leftovers import remove_leftovers
from distill.files.locks import exclusive
from distill.files.run_directory import RunDirectory
from distill.recipe.recipe import TEACHER_STAGES
from distill.run.stages import Run
from distill.sweep.directory import SweepDirectory
from distill.sweep.plan import Point, check_views
from distill.tasks import open_task
from distill.tasks.task import Task
from teachers.teacher import Seeds

console = Console(stderr=True, markup=False, emoji=False)
_ONE_PROCESS = {"devices": 1, "num_nodes": 1, "strategy": "auto"}


class Shared:
    """Prepares the pictures and makes the teacher, before any point is begun.

    Attributes:
        directory: the sweep's directory, which knows a point that was finished on other pictures or by another teacher.

    Raises:
        DistillError: pictures, teacher or objective cannot be used, or a point's resolution is more than they hold.
    """

    def __init__(self, points: Sequence[Point], directory: SweepDirectory) -> None:
        first = next((point for point in points if point.recipe.asks_teacher), points[0])
        # This process makes the teacher alone, whatever points are told of devices.
        recipe = replace(first.recipe, trainer=first.recipe.trainer | _ONE_PROCESS)
        self.task: Task = open_task(recipe, directory.data)
        self.task.teaching.check()
        for point in points:
            check_views(point, *self.task.pictures.sets.size)
        made = set(recipe.stages) & set(TEACHER_STAGES)
        with exclusive(directory.teacher, partial(_say_waiting, directory.teacher)) if made else nullcontext():
            run = RunDirectory(directory.root)
            if made:
                run = RunDirectory.claim(directory.teacher, recipe.name, first.resolved)
                remove_leftovers(run.root)
            teacher = Run(recipe, self.task, run).teacher()
        if teacher is not None:
            self.task.teaching.check_teacher(teacher)
            if "transfer" in recipe.stages and recipe.objective.asks_views:
                seeds = Seeds(recipe.seed, recipe.seed)
                teacher.shown_views(
                    self.task.pictures.sets.transfer, recipe.transfer.views, seeds
                )  # refuses other views
        pictures = json.loads(json.dumps(self.task.pictures.describe()))  # as it is read from the results of a run
        fingerprint = None if teacher is None else teacher.fingerprint()
        self.directory = replace(directory, pictures=pictures, teacher_fingerprint=fingerprint)

    def give(self, point: Point) -> None:
        """Make the point's run directory, with the stages that made the teacher in it."""
        run = RunDirectory.claim(self.directory.point(point), point.recipe.name, point.resolved)
        for name in set(point.recipe.stages) & set(TEACHER_STAGES):
            for made in self.directory.teacher.glob(f"stages/{name}-*"):
                _copy(made, run.root / "stages" / made.name)


def _say_waiting(place: Path) -> None:
    console.print(f"{place}: another process is making the teacher; waiting for it.", soft_wrap=True)


def _copy(stage: Path, place: Path) -> None:
    if not place.exists():
        with atomic_path(place) as temporary:
            shutil.copytree(stage, temporary)
