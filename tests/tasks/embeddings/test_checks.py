"""What could not teach embeddings is refused: a teacher of classes or one that learns, or an objective of logits."""

import pytest
from torch import nn

from distill.errors import DistillError
from distill.objectives import BernoulliKl, Cosine
from distill.preprocess.preprocess import Preprocess
from distill.tasks.embeddings.checks import check_objective, check_teacher
from teachers.teacher import Shapes
from teachers.torch_teacher import TorchTeacher


def teacher(outputs: int | Shapes, classes: tuple[str, ...] | None) -> TorchTeacher:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3))
    return TorchTeacher(network, Preprocess.imagenet(8, 8), outputs, classes, "net")


def test_a_teacher_of_classes_or_one_that_would_learn_is_refused() -> None:
    embeds = teacher({"embedding": (3,)}, None)
    check_teacher(embeds)
    with pytest.raises(DistillError, match="net: answers 3 classes, and the task is embeddings"):
        check_teacher(teacher(3, ("a", "b", "c")))
    next(embeds.parameters()).requires_grad_(True)
    with pytest.raises(DistillError, match="net: not frozen"):
        check_teacher(embeds)


class Labelled(Cosine):
    """Of a package, with a term of labels."""

    needs_labels = "labels are wanted"  # type: ignore[assignment]


def test_an_objective_of_logits_or_labels_is_refused() -> None:
    check_objective(Cosine())
    with pytest.raises(DistillError, match="is bernoulli_kl, which is for logits, and the task is embeddings"):
        check_objective(BernoulliKl())
    with pytest.raises(DistillError, match=r"labels are wanted, but embeddings have no labels"):
        check_objective(Labelled())
