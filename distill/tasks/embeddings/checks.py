"""What must hold before embeddings are learnt: of a recipe, of its objective, and of a teacher."""

from distill.errors import DistillError
from distill.objectives import Objective
from distill.recipe.recipe import Recipe
from distill.tasks.checks import WITHOUT_LABELS, check_frozen, refuse_exclusive
from teachers.teacher import Teacher


def check_recipe(recipe: Recipe) -> None:
    """Refuse what is of labelled classes.

    Raises:
        DistillError: naming the key.
    """
    teacher = recipe.teacher
    if getattr(teacher, "class_map", None) is not None:
        raise DistillError(
            "teacher.class_map: says which outputs are the data's classes; embeddings have none. Leave it out."
        )
    if getattr(teacher, "mirror", False):
        raise DistillError("teacher.mirror: of a teacher of classes, and the task is embeddings. Leave it out.")
    if unknown := set(recipe.stages) - {"teach", "transfer"}:
        raise DistillError(
            f"stages is {list(recipe.stages)}: {', '.join(sorted(unknown))} needs labels of classes, and embeddings "
            "have none; expected `transfer`, with `teach` before it where the teacher is made first."
        )
    if "teach" in recipe.stages and recipe.teach.views.mixes:
        raise DistillError(
            "teach.views: mixup or cutmix shows two people in one picture, and embeddings are taught who is shown. "
            "Leave both at 0."
        )
    if getattr(teacher, "context", None) is not None:
        raise DistillError("teacher.context: joins a teacher of attributes, and the task is embeddings. Leave it out.")
    refuse_exclusive(recipe)
    if "teach" in recipe.stages and recipe.teach.web:
        raise DistillError("teach.web is true, and embeddings have no labels of classes. Set it to false.")
    if "teach" in recipe.stages and (recipe.teach.drop_rate or recipe.teach.drop_path_rate):
        raise DistillError("teach.drop_rate, teach.drop_path_rate: of classifiers; leave both at 0 for embeddings.")


def check_teacher(teacher: Teacher) -> None:
    """A teacher of embeddings must be frozen, in eval mode, and have no classes.

    Raises:
        DistillError: it is not, or has.
    """
    check_frozen(teacher)
    if teacher.classes is not None:
        raise DistillError(
            f"teacher {teacher.name}: answers {len(teacher.classes)} classes, and the task is embeddings. Give a "
            "teacher of embeddings."
        )


def check_objective(objective: Objective) -> None:
    """Embeddings are compared as directions, and have no labels.

    Raises:
        DistillError: the objective is one of logits, or asks for labels.
    """
    if objective.compares != "embedding":
        raise DistillError(
            f"objective.name is {objective.name}, which is for logits, and the task is embeddings. Use "
            "squared_embedding or cosine."
        )
    if objective.needs_labels:
        raise DistillError(f"{objective.needs_labels}, but embeddings have no labels. {WITHOUT_LABELS}")
