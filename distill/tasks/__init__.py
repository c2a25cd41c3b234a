"""What a network is distilled for: where attributes, classes and embeddings differ, and nothing else does."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from distill.recipe.recipe import Recipe, TaskName

if TYPE_CHECKING:
    from distill.tasks.task import Task

_TASKS: dict[TaskName, str] = {"attributes": "Attributes", "classes": "Classes", "embeddings": "Embeddings"}


def task_named(name: TaskName) -> "type[Task]":
    """The task that a recipe names."""
    task: type[Task] = getattr(import_module(f"distill.tasks.{name}.task"), _TASKS[name])
    return task


def open_task(recipe: Recipe, directory: Path) -> "Task":
    """The recipe's task.

    Args:
        directory: where pictures are prepared.
    """
    return task_named(recipe.task)(recipe, directory)
