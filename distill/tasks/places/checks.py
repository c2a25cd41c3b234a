"""What must hold before places are learnt: of a recipe, of its objective, and of a teacher."""

from distill.answers.places import Places
from distill.errors import DistillError
from distill.objectives import Objective
from distill.predictors.predictor import Predictor
from distill.recipe.recipe import Recipe
from distill.tasks.checks import check_frozen, check_labelled, check_labels, refuse_exclusive
from teachers.teacher import Teacher


def check_recipe(recipe: Recipe) -> None:
    """Refuse what places have not.

    Raises:
        DistillError: naming the key.
    """
    check_labelled(recipe)
    refuse_exclusive(recipe)  # other losses are for wrong labels, and places have cameras' and not annotators'
    if recipe.prepare.align is not None:
        raise DistillError("prepare.align: of faces, and the task is places. Leave it out.")
    if "probe" in recipe.stages:
        raise DistillError("stages: `probe` fits attributes, and the task is places. Take `teach`.")
    if recipe.web is not None:
        raise DistillError("web: pictures with one class each, and the task is places. Give them as unlabelled.")


def check_objective(objective: Objective) -> None:
    """Cells are compared by their softmax, or logit by logit.

    Raises:
        DistillError: the objective is of another kind of output, or wants labels.
    """
    if objective.compares != "logits" or objective.exclusive is False:
        raise DistillError(
            f"objective.name is {objective.name}, and the task is places, whose cells exclude each other. Use dist, "
            "softmax_kl or squared_logits."
        )
    check_labels(objective, labelled=False)


def check_teacher(teacher: Teacher, cells: tuple[str, ...]) -> None:
    """A teacher must be frozen, and answer the run's cells in their order.

    Raises:
        DistillError: it is not, or does not.
    """
    check_frozen(teacher)
    if teacher.gives == "probabilities":
        raise DistillError(
            f"teacher {teacher.name}: teacher.gives is probabilities, of each cell by itself, and cells exclude each "
            "other. Give softmax or logits."
        )
    if teacher.outputs != len(cells):
        raise DistillError(
            f"teacher {teacher.name}: {teacher.outputs} outputs, and the run has {len(cells)} cells. Name its own by "
            "teacher.classes, a file with the token of each output's cell a line: they are mapped by overlap. Or give "
            "the run its cells: cells.tokens."
        )
    if teacher.classes is not None and teacher.classes != cells:
        raise DistillError(f"teacher {teacher.name}: its cells are not the run's, or in another order.")


def check_predictor(predictor: Predictor) -> None:
    """Refuse a model that says nothing of places; its cells may be its own.

    Raises:
        DistillError: it does not.
    """
    if not isinstance(predictor.kind, Places):
        raise DistillError(
            f"{predictor.name}: gives {predictor.kind.words}, and this recipe scores {Places.words}. Score it by a "
            "recipe of its own task."
        )
    if predictor.kind.latitudes is None:
        raise DistillError(
            f"{predictor.name}: nothing says where its cells lie. Give a file that was exported here, or teach from it "
            "and name its cells by teacher.classes."
        )
