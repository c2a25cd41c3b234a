"""The third role of a task: what a model is worth, beside others, and what the report says of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from distill.answers.kind import Kind
from distill.data.prepared.pictures import Pictures
from distill.predictors.predictor import Predictor
from distill.recipe.recipe import Recipe
from distill.report.results import CutOffs
from distill.report.section import Section
from distill.tasks.teaching import P
from distill.tasks.verdict import Verdict
from teachers.teacher import Teacher

V = TypeVar("V", bound=Verdict)


@dataclass(frozen=True)
class Details:
    """What a task has to say of the models beside their scores.

    Attributes:
        results: the task's own entries of results.json.
        sections: of the report, in the order they stand in.
    """

    results: Mapping[str, Any] = field(default_factory=dict)
    sections: Sequence[Section] = ()


class Judging(ABC, Generic[P, V]):
    """How a run of a task scores."""

    def __init__(self, recipe: Recipe, pictures: P) -> None:
        self.recipe, self.pictures = recipe, pictures

    @abstractmethod
    def judge(self, predictor: Predictor) -> V:
        """Score a model on the test pictures.

        Raises:
            DistillError: it answers something else than this task scores, or NaN.
        """

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        """The part of results.json under a stage: a model's score on the validation pictures, if any."""
        return {}

    def complete(self, verdict: V, predictor: Predictor, kind: Kind) -> Kind:
        """The kind of a student's answers with what its files are to carry, such as thresholds.

        Args:
            verdict: of the student, `predictor`.
        """
        return verdict.complete(kind)

    def cut_offs(self, kind: Kind) -> CutOffs | None:
        """From which values on something counts, for a reader: of a student's answers, as `complete` made them."""
        return None

    def agreement(self, models: tuple[Predictor, Predictor], verdicts: tuple[V, V]) -> dict[str, dict[str, Any]]:
        """How closely a student repeats its teacher, on what was transferred and on what was held out: a gap between
        the two is a lack of pictures, not capacity.

        Args:
            models: the student and the teacher.
            verdicts: of both.
        """
        transfer = self.pictures.transfer_sample()
        both = [self.seen(model, transfer, "transfer") for model in models]
        measured = {"transfer": both, self.held_out: [verdict.seen for verdict in verdicts]}
        return {name: self.agree(ours, theirs, verdicts) for name, (ours, theirs) in measured.items()}

    @property
    def held_out(self) -> str:
        """What the pictures are called that models are scored on."""
        return "test"

    def seen(self, predictor: Predictor, pictures: Pictures, of: str) -> Any:
        """What agreement is measured between: the answers to whole pictures, or what is made of them, as of a verdict
        its `seen`."""
        return self.answers(predictor, pictures, of)

    @abstractmethod
    def agree(self, student: Any, teacher: Any, verdicts: tuple[V, V]) -> dict[str, Any]:
        """Measures of how close what two models saw in the same pictures is.

        Args:
            student, teacher: as `seen` has it; by default answers (N, ...) by name.
            verdicts: of the student and of the teacher, with the thresholds they count by.
        """

    def details(self, verdicts: Mapping[str, V], teacher: Teacher | None) -> Details:
        """What is said of `student` and, where there is one, `teacher` beside their scores."""
        return Details()

    def answers(self, predictor: Predictor, pictures: Pictures, of: str) -> dict[str, np.ndarray]:
        """float32 answers (N, ...) by name to whole pictures."""
        return predictor.show(pictures, of, self.recipe.evaluate.batch_size)
