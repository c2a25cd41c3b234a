"""What tasks on the data's own labels share: one output for each of its classes.

Shapes: N pictures, C classes.
"""

from collections.abc import Mapping
from typing import ClassVar, TypeVar

import numpy as np
from rich.console import Console

from distill.answers.labelled import LabelledKind
from distill.data.prepared.pictures import Pictures
from distill.data.sources.source import Split
from distill.errors import DistillError
from distill.predictors.predictor import Predictor
from distill.report.section import Section
from distill.tasks.checks import check_predictor
from distill.tasks.examples import Examples
from distill.tasks.judging import Judging
from distill.tasks.per_class import Quantity, per_class_section
from distill.tasks.pictures import TaskPictures
from distill.tasks.sets import Sets
from distill.tasks.teaching import Teaching
from distill.tasks.verdict import LabelledVerdict
from teachers.teacher import Teacher

console = Console(stderr=True, markup=False, emoji=False)
EXAMPLES = 12


class LabelledPictures(TaskPictures):
    """Pictures of named classes."""

    needed: ClassVar[tuple[tuple[Split, str], ...]]
    """Splits that must hold pictures, and what for."""

    @property
    def classes(self) -> tuple[str, ...]:
        return self.sets.classes

    @property
    def test(self) -> Pictures:
        """The pictures models are scored on."""
        return self.sets.test

    def check_sets(self, sets: Sets) -> None:
        name = self.recipe.data.name
        for split, use in self.needed:
            if sets.classes and not len(sets.prepared.indices(split)):
                raise DistillError(f"data: {name} has no {split} pictures to {use}.")
        if not sets.classes:
            raise DistillError(
                f"data.name is {name}: pictures without labels, on which nothing can be scored. Give a labelled set as "
                "data, and these as unlabelled: they are transferred on, and the labelled ones need no training part."
            )
        self.check_best(sets)
        for stage in self.recipe.stages:
            pictures, section = sets.of_stage(stage)
            if stage != "transfer" and not (pictures.labels >= 0).any():
                raise DistillError(
                    f"stages: `{stage}` needs labels of the data's classes, and no picture of {section} to train on "
                    f"has one. Leave it out, or give a labelled set as {section}."
                )
            if stage != "transfer" and (others := pictures.of_no_class):
                console.print(f"{stage}: {others} pictures are of classes that the data does not have, and not used.")


L = TypeVar("L", bound=LabelledPictures)
W = TypeVar("W", bound=LabelledVerdict)


class LabelledTeaching(Teaching[L]):
    """Networks of one output for each of the data's classes."""

    kind_of_answers: ClassVar[type[LabelledKind]]

    def answers(self, teacher: Teacher | None) -> LabelledKind:
        return self.kind_of_answers(self.pictures.classes)


class LabelledJudging(Judging[L, W]):
    """Probabilities (N, C) held against labels."""

    kind: ClassVar[type[LabelledKind]]
    quantity: ClassVar[Quantity]
    """How each class is measured."""

    def check_predictor(self, predictor: Predictor) -> None:
        """Refuse a model of other classes than the data's, or of another kind of output than this task's.

        Raises:
            DistillError: it is one.
        """
        check_predictor(predictor, (self.kind,), self.pictures.classes, self.recipe.data)

    def probabilities(self, predictor: Predictor, pictures: Pictures, of: str) -> np.ndarray:
        """float32 (N, C) of whole pictures."""
        return self.answers(predictor, pictures, of)["probabilities"]

    def class_sections(self, verdicts: Mapping[str, W]) -> list[Section]:
        """The score of each class, and some test pictures with what the student sees in them."""
        models = {role: verdicts[role].to_dict() for role in ("teacher", "student") if role in verdicts}
        test, classes, answers = self.pictures.test, self.pictures.classes, verdicts["student"].probabilities
        shown = np.linspace(0, len(test) - 1, min(EXAMPLES, len(test))).astype(np.int64)
        examples = Examples(test.gather(shown), classes, answers[shown], test.labels[shown])
        return [per_class_section(self.quantity, models), examples.section(self.quantity.plural)]
