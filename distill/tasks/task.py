"""A task: what a network is distilled for, in three roles by who asks."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from distill.answers.kind import Kind
from distill.recipe.recipe import Recipe
from distill.tasks.judging import Judging
from distill.tasks.pictures import TaskPictures
from distill.tasks.teaching import Teaching


class Task(ABC):
    """One kind of output, and all that a run asks of it.

    Args:
        directory: where pictures are prepared.

    Attributes:
        kind: of the answers.
        pictures: which are learnt from and scored on.
        teaching: how a teacher is had, and what trains a student.
        judging: what a model is worth.
    """

    kind: ClassVar[type[Kind]]
    pictures: TaskPictures
    teaching: Teaching[Any]
    judging: Judging[Any, Any]

    def __init__(self, recipe: Recipe, directory: Path) -> None:
        self.recipe = recipe
        self.open(recipe, directory)

    @abstractmethod
    def open(self, recipe: Recipe, directory: Path) -> None:
        """Make the three roles."""

    @classmethod
    def teacher_kind(cls) -> type[Kind]:
        """Of a teacher's answers, where they are not of the student's kind."""
        return cls.kind

    @staticmethod
    def teacher_of(runtime: str) -> str:
        """The name of the teacher that a black box is in this task.

        Args:
            runtime: what runs its file: onnx, litert or openvino.

        Raises:
            DistillError: files of this runtime cannot teach it.
        """
        return runtime

    @staticmethod
    def check_recipe(recipe: Recipe) -> None:
        """Refuse what a recipe may not say of this task; nothing is read for it.

        Raises:
            DistillError: naming the key.
        """
        return  # a task may bear any recipe
