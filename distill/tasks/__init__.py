"""What a network is distilled for: where attributes, classes and embeddings differ, and nothing else does."""

from pathlib import Path

from distill.recipe import Recipe, TaskName
from distill.tasks.attributes import Attributes
from distill.tasks.classes import Classes
from distill.tasks.embeddings import Embeddings
from distill.tasks.task import Task


def open_task(recipe: Recipe, directory: Path) -> Task:
    """The recipe's task.

    Args:
        directory: where pictures are prepared.
    """
    tasks: dict[TaskName, type[Attributes | Classes | Embeddings]] = {
        "attributes": Attributes,
        "classes": Classes,
        "embeddings": Embeddings,
    }
    return tasks[recipe.task](recipe, directory)
