"""What a network is distilled for, a folder a task: what it learns from, how it is scored, what a report says of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from distill.registries import TASKS

if TYPE_CHECKING:
    from distill.recipe.recipe import Recipe
    from distill.tasks.task import Task


def open_task(recipe: "Recipe", directory: Path) -> "Task":
    """The recipe's task.

    Args:
        directory: where pictures are prepared.
    """
    task: type[Task] = TASKS.get(recipe.task)
    return task(recipe, directory)
