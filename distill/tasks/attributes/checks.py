"""What must hold before attributes are learnt: of a recipe, of its objective, and of a teacher."""

from distill.data.sources.source import Source
from distill.errors import DistillError
from distill.objectives import Objective
from distill.recipe.recipe import Recipe
from distill.tasks.checks import check_classes, check_frozen, check_labelled, check_labels, refuse_exclusive
from teachers.teacher import Teacher


def check_recipe(recipe: Recipe) -> None:
    """Refuse what is of embeddings, or of classes that exclude each other.

    Raises:
        DistillError: naming the key.
    """
    check_labelled(recipe)
    refuse_exclusive(recipe)


def check_teacher(teacher: Teacher, classes: tuple[str, ...], source: Source | None = None) -> None:
    """A teacher must be frozen, in eval mode, and answer the data's classes in the data's order.

    Raises:
        DistillError: it is not, or does not.
    """
    check_frozen(teacher)
    if teacher.gives == "softmax":
        raise DistillError(
            f"teacher {teacher.name}: teacher.gives is softmax, probabilities of classes that exclude each other; "
            "attributes need one probability each. Give a teacher of attributes."
        )
    check_classes(teacher, classes, source)


def check_objective(objective: Objective, labelled: bool) -> None:
    """Attributes are not exclusive, and a label term needs labels.

    Raises:
        DistillError: the objective cannot see what it should teach.
    """
    if objective.compares != "logits":
        raise DistillError(
            f"objective.name is {objective.name}, which is between embeddings, and the task is attributes. Use "
            "bernoulli_kl or squared_logits."
        )
    if objective.exclusive:
        raise DistillError(
            f"objective.name is {objective.name}, which is for classes that exclude each other: a constant added to "
            "all attributes would cost nothing. Use bernoulli_kl or squared_logits."
        )
    check_labels(objective, labelled)
