"""What an objective is: one imitation term and, if wanted, weighted others beside it.

An objective is a frozen dataclass whose fields are the keys of a recipe's `objective` section. It compares the named
tensors that two networks answer, and has the formula it goes by from the file it stands in.

Shapes: N batch, C classes or attributes.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from distill.errors import DistillError
from distill.objectives.labels import are_numbers, labelled_cross_entropy, one_hot, softmax_cross_entropy
from distill.objectives.top import TopAnswers

Answers = Mapping[str, Tensor | TopAnswers]
"""What a network answers to a batch, by name: `logits` (N, C), `embedding` (N, D); others may stand beside them."""
Targets = Mapping[str, Any]
"""What the data says of a batch, by column, as far as it is known: `labels` (N, C); a column may be ragged."""


class Objective(ABC):
    """What the student minimises."""

    name: str
    """Of the imitation term, and in a recipe."""
    compares: ClassVar[str]
    """Which tensor of the answers, or what they are where it is for several."""
    exclusive: ClassVar[bool | None] = None
    """Of logits: whether it is for classes that exclude each other alone, being blind to a constant added to all of a
    picture's logits, and so to how many attributes it has; False: for each output by itself; None: for either."""
    needs_every_label: ClassVar[bool] = False
    """Whether a picture of unknown class teaches nothing."""
    asks_views: ClassVar[bool] = True
    """Whether the teacher is asked about each view; else its answers to whole pictures lie among the targets, and what
    it is given of the teacher is empty."""
    useless: ClassVar[str] = "NaN or infinity"
    """What `can_teach` finds, in words."""

    @abstractmethod
    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        """Score each picture.

        Returns:
            float32 by name: each term unweighted, (N,), or () where it is one of the batch; and `loss` (N,), their
            weighted sum.

        Raises:
            DistillError: the shapes differ, or the objective needs labels, or more of the answers, than are there.
        """

    @property
    def needs_labels(self) -> str | None:
        """The key that asks for labels, with its value; None where a transfer on this objective needs none."""
        return None

    @property
    def needs_views(self) -> str | None:
        """The key for which the teacher itself has to be asked about each view while a student learns, with its value;
        None where answers that were stored will do."""
        return None

    def check_targets(self, targets: Targets) -> None:  # noqa: B027  # most can make something of any
        """Refuse targets of which nothing can be made; a module looks before they are sent to a device.

        Raises:
            DistillError: as it says.
        """

    def can_teach(self, teacher: Answers) -> Tensor:
        """Whether all of a teacher's answers say something: bool ()."""
        answers = teacher[self.compares]
        assert isinstance(answers, Tensor)  # a store looked at what it kept when it was written
        return answers.isfinite().all()


class LogitObjective(Objective):
    """One between logits, with a term of the labels beside it."""

    compares = "logits"
    label_weight: float
    """Of the cross-entropy with the labels: over all classes where they exclude each other, else of each by itself."""

    @abstractmethod
    def imitate(self, student: Tensor, teacher: Tensor, targets: Targets) -> Tensor:
        """The imitation term, float32 (N,), of logits (N, C) each."""

    def imitate_top(self, student: Tensor, teacher: TopAnswers) -> Tensor:
        """The same where only the largest logits of the teacher were kept.

        Raises:
            DistillError: it needs all of them.
        """
        raise too_few(f"objective.name is {self.name}", teacher)

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        logits, teacher_logits = student[self.compares], teacher[self.compares]
        assert isinstance(logits, Tensor)
        if isinstance(teacher_logits, TopAnswers):
            term = self.imitate_top(logits, teacher_logits)
        else:
            check_shapes(logits, teacher_logits)
            term = self.imitate(logits, teacher_logits, targets)
        parts = {self.name: term, "loss": term}
        if self.label_weight:
            known = self.labels(targets, logits)
            parts["labels"] = (softmax_cross_entropy if self.exclusive else labelled_cross_entropy)(logits, known)
            parts["loss"] = parts["loss"] + self.label_weight * parts["labels"]
        return parts

    @property
    def needs_labels(self) -> str | None:
        return f"objective.label_weight is {self.label_weight}" if self.label_weight else None

    def labels(self, targets: Targets, student: Tensor) -> Tensor:
        """Those of the batch, (N, C); class numbers (N,) become it where classes exclude each other.

        Raises:
            DistillError: there are none, or of other shape.
        """
        labels = targets.get("labels")
        if labels is not None and self.exclusive and are_numbers(labels):
            return one_hot(labels, student.shape[1])
        if labels is not None and labels.shape == student.shape:
            return labels
        found = "none" if labels is None else tuple(labels.shape)
        advice = "Set it to 0 to train without labels" if self.label_weight else "Take softmax_kl to train without"
        if labels is not None and are_numbers(labels):
            advice = (
                "Class numbers are of classes that exclude each other, as of softmax_kl; give a column an attribute"
            )
        raise DistillError(
            f"{self.needs_labels}, which needs labels of shape {tuple(student.shape)}; the batch has {found}. {advice}."
        )


def check_shapes(student: Tensor, teacher: Tensor) -> None:
    """Refuse answers of other outputs: one output would broadcast, and all imitate it.

    Raises:
        DistillError: their shapes differ.
    """
    if student.shape != teacher.shape:
        raise DistillError(
            f"the student answers {tuple(student.shape)} and the teacher {tuple(teacher.shape)} (pictures, "
            "outputs): both need the same outputs in the same order."
        )


def check_temperature(temperature: float) -> None:
    """Refuse what is no temperature.

    Raises:
        DistillError: it is not above 0, or infinite.
    """
    if not 0 < temperature < math.inf:
        raise DistillError(f"objective.temperature is {temperature}, expected a positive number.")


def check_weights(**weights: float) -> None:
    """Refuse what is no weight.

    Args:
        weights: by their keys.

    Raises:
        DistillError: one is below 0, or infinite.
    """
    for key, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise DistillError(f"objective.{key} is {weight}, expected 0 or more.")


def too_few(key: str, teacher: TopAnswers) -> DistillError:
    """The error of an objective that needs all logits, where a store kept the largest."""
    return DistillError(
        f"{key}, which needs all logits of the teacher, and the store kept its {teacher.logits.shape[1]} largest. Take "
        "softmax_kl alone, or store all of them."
    )
