"""What several tasks ask of a recipe, of an objective and of a teacher before the first step."""

from distill.answers.kind import Kind
from distill.data.sources.source import Source
from distill.errors import DistillError, few
from distill.objectives import Objective
from distill.predictors.predictor import Predictor
from distill.recipe.recipe import TEACHER_STAGES, Recipe
from distill.tasks.advice import choosing_classes
from teachers.teacher import Teacher

WITHOUT_LABELS = "Set it to 0, or take an objective that needs none."


def check_labelled(recipe: Recipe) -> None:
    """Refuse what is of embeddings alone, in a recipe of labelled classes.

    Raises:
        DistillError: naming the key.
    """
    making = [name for name in recipe.stages if name in TEACHER_STAGES]
    if recipe.teach.metric_loss != "arcface":
        raise DistillError(
            f"teach.metric_loss is {recipe.teach.metric_loss}: of embeddings, and the task is {recipe.task}."
        )
    if recipe.evaluate.lfw is not None:
        raise DistillError(f"evaluate.lfw: scores embeddings, and the task is {recipe.task}. Leave it out.")
    if recipe.evaluate.pairs.name is not None:
        raise DistillError(f"evaluate.pairs: scores embeddings, and the task is {recipe.task}. Leave it out.")
    if making and recipe.teacher.embeds:
        raise DistillError(
            f"stages: {recipe.teacher.name} gives embeddings and has no classifier; leave `{making[0]}` out, or take "
            "another teacher."
        )


def refuse_exclusive(recipe: Recipe) -> None:
    """Refuse what is of classes that exclude each other alone.

    Raises:
        DistillError: naming the key.
    """
    for stage in ("teach", "pretrain", "fine_tune"):
        loss = getattr(recipe, stage).loss
        if loss != "cross_entropy":
            raise DistillError(
                f"{stage}.loss is {loss}, which is of classes that exclude each other, and the task is {recipe.task}. "
                "Leave it at cross_entropy."
            )
    if recipe.pretrain.teacher_top is not None:
        raise DistillError(
            f"pretrain.teacher_top is {recipe.pretrain.teacher_top}: of classes that exclude each other, and the task "
            f"is {recipe.task}. Leave it out."
        )


def check_predictor(
    predictor: Predictor, scored: tuple[type[Kind], ...], classes: tuple[str, ...], source: Source
) -> None:
    """Refuse a model of another kind of answers than a task scores, or of other classes than the data's.

    Args:
        scored: the kinds that the task scores, the student's first.

    Raises:
        DistillError: it is one.
    """
    if predictor.kind.name not in [kind.name for kind in scored]:
        raise DistillError(
            f"{predictor.name}: gives {predictor.kind.words}, and this recipe scores {scored[0].words}. Score it by a "
            "recipe of its own task."
        )
    known = predictor.kind.class_names
    if known is not None and known != classes:
        differing = sorted(set(known) ^ set(classes)) or ["their order"]
        raise DistillError(
            f"{predictor.name}: its classes are not the data's; they differ in {few(differing)}. Score it on "
            f"data of its classes ({choosing_classes(source)})."
        )


def check_frozen(teacher: Teacher) -> None:
    """A teacher must not change while it teaches.

    Raises:
        DistillError: a parameter of it wants gradients, or a module is in training mode.
    """
    training = [name for name, module in teacher.named_modules() if module.training]
    learning = [parameter for parameter in teacher.parameters() if parameter.requires_grad]
    if learning or training:
        raise DistillError(
            f"teacher {teacher.name}: not frozen ({len(learning)} parameters want gradients, {len(training)} modules "
            "are in training mode). A teacher must not change while it teaches."
        )


def check_classes(teacher: Teacher, classes: tuple[str, ...], source: Source | None = None) -> None:
    """A teacher must answer the data's classes in the data's order.

    Args:
        source: of the data, for the advice; None where there is none to be had.

    Raises:
        DistillError: it does not.
    """
    if teacher.outputs != len(classes):
        raise DistillError(
            f"teacher {teacher.name}: {teacher.outputs} outputs, and the data has {len(classes)} classes."
        )
    if teacher.classes is None or teacher.classes == classes:
        return
    lacking = [name for name in classes if name not in teacher.classes]
    if lacking:
        raise DistillError(
            f"teacher {teacher.name}: does not know {few(lacking)}. It knows {few(teacher.classes)}. "
            f"Choose among those ({choosing_classes(source)})."
        )
    raise DistillError(
        f"teacher {teacher.name}: has the data's classes in another order: {few(teacher.classes)}. Bring "
        f"one into the other's ({choosing_classes(source)})."
    )


def check_labels(objective: Objective, labelled: bool) -> None:
    """An objective with a term of labels needs some.

    Raises:
        DistillError: there are none.
    """
    if objective.needs_labels and not labelled:
        raise DistillError(f"{objective.needs_labels}, but the data has no labels. {WITHOUT_LABELS}")
