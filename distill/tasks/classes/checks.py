"""What must hold before classes that exclude each other are learnt: of a recipe, of its objective, and of a teacher.

Shapes: N pictures.
"""

import numpy as np

from distill.data.sources.source import Source
from distill.errors import DistillError
from distill.objectives import Objective
from distill.recipe.recipe import Recipe
from distill.tasks.checks import check_classes, check_frozen, check_labelled, check_labels
from teachers.teacher import Teacher


def check_recipe(recipe: Recipe) -> None:
    """Refuse what is of embeddings, or of attributes.

    Raises:
        DistillError: naming the key.
    """
    check_labelled(recipe)
    if "probe" in recipe.stages:
        raise DistillError(
            "stages: `probe` fits each attribute by itself, and classes exclude each other. Use `teach`."
        )


def check_teacher(teacher: Teacher, classes: tuple[str, ...], source: Source | None = None) -> None:
    """A teacher of classes that exclude each other must be frozen, and answer the data's classes in the data's order.

    Raises:
        DistillError: it is not, or does not.
    """
    check_frozen(teacher)
    if teacher.gives == "probabilities":
        raise DistillError(
            f"teacher {teacher.name}: teacher.gives is probabilities, of each class by itself; classes that exclude "
            "each other need softmax or logits. With teacher.gives softmax and teacher.sure true each answer is shared "
            "out by its sum."
        )
    check_classes(teacher, classes, source)


def check_objective(objective: Objective, labelled: np.ndarray) -> None:
    """Classes that exclude each other are compared by their softmax, or logit by logit.

    Args:
        labelled: bool (N,), of which of the pictures to transfer on the class may be used.

    Raises:
        DistillError: the objective is of another kind of output, or needs labels that are not there.
    """
    if objective.compares != "logits" or objective.exclusive is False:
        raise DistillError(
            f"objective.name is {objective.name}, and the task is classes, which exclude each other. Use dist, "
            "dkd, softmax_kl or squared_logits."
        )
    if objective.needs_every_label and not labelled.all():
        raise DistillError(
            f"objective.name is {objective.name}, which needs the class of every picture, and of "
            f"{int((~labelled).sum())} of the {len(labelled)} to transfer on it is unknown or, as of the web's, not "
            "used. Take softmax_kl, or transfer on labelled pictures alone: --web null --unlabelled null."
        )
    check_labels(objective, bool(labelled.any()))
