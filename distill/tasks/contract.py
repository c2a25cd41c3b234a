"""What must hold before the first step of a transfer: checked, and the teacher's own score known."""

import numpy as np

from distill.errors import DistillError
from distill.objectives import Objective
from distill.store.teacher import StoredTeacher
from teachers.onnx_teacher import OnnxTeacher
from teachers.teacher import Teacher

_WITHOUT_LABELS = "Set it to 0, or take an objective that needs none."


def check_teacher(teacher: Teacher | StoredTeacher, classes: tuple[str, ...]) -> None:
    """A teacher must be frozen, in eval mode, and answer the data's classes in the data's order.

    Raises:
        DistillError: it is not, or does not.
    """
    _check_frozen(teacher)
    asked = None if isinstance(teacher, StoredTeacher) else teacher.innermost
    if isinstance(asked, OnnxTeacher) and asked.gives == "softmax":
        raise DistillError(
            f"teacher {teacher.name}: teacher.gives is softmax, probabilities of classes that exclude each other; "
            "attributes need one probability each. Give a teacher of attributes."
        )
    _check_classes(teacher, classes)


def _check_classes(teacher: Teacher | StoredTeacher, classes: tuple[str, ...]) -> None:
    if teacher.outputs != len(classes):
        raise DistillError(
            f"teacher {teacher.name}: {teacher.outputs} outputs, and the data has {len(classes)} classes."
        )
    if teacher.classes is None or teacher.classes == classes:
        return
    lacking = [name for name in classes if name not in teacher.classes]
    if lacking:
        raise DistillError(
            f"teacher {teacher.name}: does not know {', '.join(lacking)}. It knows {', '.join(teacher.classes)}. "
            "Choose among those with data.attributes."
        )
    raise DistillError(
        f"teacher {teacher.name}: has the data's classes in another order: {', '.join(teacher.classes)}. Give "
        "data.attributes in that order."
    )


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
    _check_labels(objective, labelled)


def _check_labels(objective: Objective, labelled: bool) -> None:
    if objective.needs_labels and not labelled:
        raise DistillError(f"{objective.needs_labels}, but the data has no labels. {_WITHOUT_LABELS}")


def check_classifier(teacher: Teacher | StoredTeacher, classes: tuple[str, ...]) -> None:
    """A teacher of classes that exclude each other must be frozen, and answer the data's classes in the data's order.

    Raises:
        DistillError: it is not, or does not.
    """
    _check_frozen(teacher)
    asked = None if isinstance(teacher, StoredTeacher) else teacher.innermost
    if isinstance(asked, OnnxTeacher) and asked.gives == "probabilities":
        raise DistillError(
            f"teacher {teacher.name}: teacher.gives is probabilities, of each class by itself; classes that exclude "
            "each other need softmax or logits. Give a teacher of these."
        )
    _check_classes(teacher, classes)


def check_class_objective(objective: Objective, labelled: np.ndarray) -> None:
    """Classes that exclude each other are compared by their softmax, or logit by logit.

    Args:
        labelled: bool (N,), of which of the pictures to transfer on the class may be used.

    Raises:
        DistillError: the objective is of another kind of output, or needs labels that are not there.
    """
    if objective.compares != "logits" or objective.exclusive is False:
        raise DistillError(
            f"objective.name is {objective.name}, and the task is classes, which exclude each other. Use dist, dkd, "
            "softmax_kl or squared_logits."
        )
    if objective.needs_every_label and not labelled.all():
        raise DistillError(
            f"objective.name is {objective.name}, which needs the class of every picture, and of "
            f"{int((~labelled).sum())} of the {len(labelled)} to transfer on it is unknown or, as of the web's, not "
            "used. Take softmax_kl, or transfer on labelled pictures alone: --web null --unlabelled null."
        )
    _check_labels(objective, bool(labelled.any()))


def check_embedder(teacher: Teacher | StoredTeacher) -> None:
    """A teacher of embeddings must be frozen, in eval mode, and have no classes.

    Raises:
        DistillError: it is not, or has.
    """
    _check_frozen(teacher)
    if teacher.classes is not None:
        raise DistillError(
            f"teacher {teacher.name}: answers {len(teacher.classes)} classes, and the task is embeddings. Give a "
            "teacher of embeddings."
        )


def check_embedding_objective(objective: Objective) -> None:
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
        raise DistillError(f"{objective.needs_labels}, but embeddings have no labels. {_WITHOUT_LABELS}")


def _check_frozen(teacher: Teacher | StoredTeacher) -> None:
    modules = () if isinstance(teacher, StoredTeacher) else tuple(teacher.named_modules())
    training = [name for name, module in modules if module.training]
    learning = [one for _, module in modules[:1] for one in module.parameters() if one.requires_grad]
    if learning or training:
        raise DistillError(
            f"teacher {teacher.name}: not frozen ({len(learning)} parameters want gradients, {len(training)} modules "
            "are in training mode). A teacher must not change while it teaches."
        )
