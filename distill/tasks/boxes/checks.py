"""What must hold before boxes are learnt: of a recipe, of its objective, and of a teacher."""

from distill.answers.detections import Detections
from distill.errors import DistillError
from distill.objectives import Objective
from distill.recipe.recipe import Recipe
from teachers.teacher import Teacher


def check_recipe(recipe: Recipe) -> None:
    """Refuse what boxes have not.

    Raises:
        DistillError: naming the key.
    """
    if recipe.prepare.align is not None or recipe.prepare.unlabelled_align is not None:
        raise DistillError("prepare.align, prepare.unlabelled_align: of faces, and the task is boxes. Leave it out.")
    own_shape = getattr(recipe.teacher, "fit", None)
    if own_shape is not None and recipe.prepare.fit != "stretch":
        raise DistillError(
            f"teacher.fit is {own_shape}, which takes a squeezed picture back to its own shape, and prepare.fit is "
            f"{recipe.prepare.fit}. Set prepare.fit to stretch, or leave teacher.fit out."
        )
    if "probe" in recipe.stages:
        raise DistillError("stages: `probe` fits a classifier, and the task is boxes. Take `teach`.")
    if recipe.web is not None:
        raise DistillError("web: pictures with one class each, and the task is boxes. Give them as unlabelled.")


def check_objective(objective: Objective) -> None:
    """Boxes are taught by an objective of boxes.

    Raises:
        DistillError: it is of something else.
    """
    if objective.compares != "boxes":
        raise DistillError(
            f"objective.name is {objective.name}, which is between {objective.compares}, and the task is boxes. Use "
            "boxes."
        )


def check_answers(teacher: Teacher, wanted: Detections) -> None:
    """A teacher answers the surest boxes, with a score for each of the data's classes in their order.

    Raises:
        DistillError: it answers something else.
    """
    if teacher.shapes != wanted.shapes:
        raise DistillError(f"teacher {teacher.name}: answers {teacher.shapes}, and this task needs {wanted.shapes}.")
    if teacher.classes is not None and teacher.classes != wanted.classes:
        raise DistillError(f"teacher {teacher.name}: its classes are not the data's, or in another order.")
