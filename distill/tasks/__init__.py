"""What a network is distilled for: where attributes and embeddings differ, and nothing else does."""

from pathlib import Path

from distill.recipe import Recipe
from distill.tasks.attributes import Attributes
from distill.tasks.embeddings import Embeddings
from distill.tasks.task import Task


def open_task(recipe: Recipe, directory: Path) -> Task:
    """The recipe's task.

    Args:
        directory: where pictures are prepared.
    """
    return {"attributes": Attributes, "embeddings": Embeddings}[recipe.task](recipe, directory)
