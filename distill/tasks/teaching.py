"""The second role of a task: how a teacher is had, and what trains a student of it."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np
from torch import nn

from distill.answers.kind import Kind
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.modules.distiller import Distiller
from distill.modules.metrics import Metric
from distill.modules.training import TrainingModule
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Recipe, StageName
from distill.recipe.stages import Stage
from distill.tasks.checks import check_frozen
from distill.tasks.pictures import TaskPictures
from teachers.teacher import Teacher

P = TypeVar("P", bound=TaskPictures)


class Teaching(ABC, Generic[P]):
    """How a run of a task trains."""

    def __init__(self, recipe: Recipe, pictures: P) -> None:
        self.recipe, self.pictures = recipe, pictures

    def check(self) -> None:  # a task may bear any recipe
        """Refuse, before anything is trained, an objective that cannot teach, and what could not be scored.

        Raises:
            DistillError: naming the key.
        """

    def check_teacher(self, teacher: Teacher) -> None:
        """Refuse a teacher that would change while it teaches, or answers something else.

        Raises:
            DistillError: naming it and what it answers.
        """
        check_frozen(teacher)
        wanted, shapes = self.answers(teacher).shapes, teacher.shapes
        if shapes != wanted:
            raise DistillError(f"teacher {teacher.name}: answers {shapes}, and this task needs {wanted}.")

    @abstractmethod
    def answers(self, teacher: Teacher | None) -> Kind:
        """The student's answers, as far as they are known before it is trained."""

    @abstractmethod
    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        """What trains a network on what the data says of its pictures, without a teacher."""

    def distiller(self, network: nn.Module, teacher: Teacher, stage: Stage, seed: int) -> Distiller:
        """What trains the student on a teacher's answers."""
        return Distiller(
            network,
            teacher.online,
            self.recipe.objective,
            preprocess=self.recipe.student.preprocess,
            optimization=stage.optimization,
            seed=seed,
            metric=self.metric(teacher),
            teacher_precision=self.recipe.transfer.teacher_precision,
        )

    def metric(self, teacher: Teacher | None) -> Metric | None:
        """What training watches on the validation pictures; None where nothing can be measured."""
        return None

    @property
    def kind(self) -> Kind:
        """What a teacher is asked for."""
        return self.answers(None)

    @property
    def trained(self) -> Kind:
        """What a network gives that a stage trains: the student, or one that becomes the teacher."""
        return self.kind

    def learns_from(self) -> dict[str, Any]:
        """What stages learn from beside pictures and what the recipe says of a stage, for JSON: where it changes, they
        are repeated."""
        return {}

    def truths(self, teacher: Teacher | None) -> dict[str, np.ndarray]:
        """What the metric needs of the validation pictures beside their targets: columns (N, ...) by name."""
        return {}

    def training_pictures(self, name: StageName, teacher: Teacher | None) -> Pictures:
        """What a stage trains on.

        Args:
            teacher: None where no stage asks one.
        """
        if name == "transfer":
            return self.pictures.sets.transfer_on(self.recipe.transfer.unlabelled)
        return self.pictures.sets.of_stage(name)[0]

    def trainable(self) -> tuple[nn.Module, Preprocess]:
        """The recipe's teacher before it is taught: the bare network and its input contract."""
        stage = self.recipe.teach
        return self.recipe.teacher.trainable(self.trained, stage.drop_rate, stage.drop_path_rate)
