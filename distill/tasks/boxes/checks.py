"""What must hold before boxes are learnt: of a recipe, of its objective, and of a teacher."""

from distill.answers.detections import Detections
from distill.errors import DistillError
from distill.objectives import Objective
from distill.recipe.recipe import Evaluate, Recipe, StageName
from distill.recipe.stages import Stage
from distill.tasks.checks import check_labelled, refuse_exclusive
from teachers.teacher import Teacher


def check_recipe(recipe: Recipe) -> None:
    """Refuse what boxes have not.

    Raises:
        DistillError: naming the key.
    """
    check_labelled(recipe)
    refuse_exclusive(recipe)
    if recipe.prepare.align is not None:
        raise DistillError("prepare.align: of faces, and the task is boxes. Leave it out.")
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
    if recipe.evaluate.none_rate != Evaluate.none_rate:
        raise DistillError(
            "evaluate.none_rate: of classes that exclude each other, and the task is boxes. Leave it out."
        )
    for name in recipe.stages:
        _check_stage(name, recipe.stage(name))


def _check_stage(name: StageName, stage: Stage) -> None:
    if stage.views.mixes:
        raise DistillError(
            f"{name}.views: mixup or cutmix shows two pictures in one, in which boxes would lie over each other, and "
            "the task is boxes. Leave both at 0."
        )
    if stage.keep == "best":
        raise DistillError(
            f"{name}.keep is best: while boxes are learnt nothing is scored that would tell the best pass. Set it to "
            "last."
        )


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


def check_inside(objective: Objective, teacher: Teacher) -> None:
    """An objective that compares more than boxes needs a teacher that shows more, of the views themselves.

    Raises:
        DistillError: it shows its boxes alone.
    """
    if objective.needs_views and teacher.inside is None:
        raise DistillError(
            f"{objective.needs_views}: the teacher is asked about each view for what it makes its boxes of, and "
            f"{teacher.name} gives boxes of whole pictures alone. Set it to 0, or give a torch teacher online, such as "
            "ssd_mobilenet_v1 or torchvision_detector."
        )
