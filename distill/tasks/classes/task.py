"""Classes that exclude each other: the softmax shares one probability out among the data's labels.

Shapes: N pictures, C classes.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
from torch import nn

from distill.answers import Softmax
from distill.data.prepared.pictures import Pictures
from distill.data.sources.source import SPLITS
from distill.errors import DistillError
from distill.evaluation.classification import truths_of
from distill.evaluation.suspects import believed
from distill.modules import FineTuner
from distill.modules.training import TrainingModule
from distill.objectives.labels import LABEL_LOSSES
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Recipe, StageName
from distill.recipe.stages import LabelStage, Stage
from distill.tasks.classes.checks import check_objective, check_recipe, check_teacher
from distill.tasks.classes.judging import ClassJudging
from distill.tasks.classes.metric import TopOne
from distill.tasks.classes.opinions import Opinions
from distill.tasks.labelled import LabelledPictures, LabelledTeaching, console
from distill.tasks.sets import Sets
from distill.tasks.task import Task
from teachers.teacher import Teacher


class LabelledOnce(LabelledPictures):
    """Labelled with one class each; validation pictures are not needed, but for `keep: best`."""

    needed = (("test", "report on"),)

    @cached_property
    def test(self) -> Pictures:
        """The test pictures of known class."""
        return self.sets.test.labelled()

    def check_sets(self, sets: Sets) -> None:
        """Refuse labels of several classes, too."""
        super().check_sets(sets)
        name = self.recipe.data.name
        present = {}
        for split in SPLITS:
            try:
                truths = truths_of(sets.prepared.labels[sets.prepared.indices(split)])
            except DistillError as error:
                raise DistillError(f"data.name is {name}, {split}: {error} Attributes are task: attributes.") from error
            present[split] = np.unique(truths[truths >= 0])
        if not len(present["test"]):
            raise DistillError(f"data: {name} knows the class of no test picture.")
        if untested := sorted(set(present["train"]) - set(present["test"])):
            names = ", ".join(sets.classes[c] for c in untested)
            console.print(f"data: {len(untested)} classes have no test picture and are not scored: {names}")
        if untaught := sorted(set(present["test"]) - set(present["train"])):
            names = ", ".join(sets.classes[c] for c in untaught)
            console.print(f"data: {len(untaught)} classes have test pictures but none to train on: {names}")


class ClassTeaching(LabelledTeaching[LabelledOnce]):
    """By the softmax over all logits."""

    kind_of_answers = Softmax

    def __init__(self, recipe: Recipe, pictures: LabelledOnce, opinions: Opinions) -> None:
        super().__init__(recipe, pictures)
        self.opinions = opinions

    def check(self) -> None:
        if "transfer" in self.recipe.stages:
            labels = self.pictures.sets.transfer.labels
            check_objective(self.recipe.objective, (labels == 1).any(axis=1))

    def check_teacher(self, teacher: Teacher) -> None:
        check_teacher(teacher, self.pictures.classes, self.recipe.data)

    def training_pictures(self, name: StageName, teacher: Teacher | None) -> Pictures:
        """With `pretrain.teacher_top`, those of its pictures whose label the teacher believes.

        Raises:
            DistillError: it believes none.
        """
        pictures, top = super().training_pictures(name, teacher), self.recipe.pretrain.teacher_top
        if name != "pretrain" or top is None:
            return pictures
        assert teacher is not None  # Recipe.asks_teacher
        known = pictures.labelled()
        kept = known.where(believed(self.opinions(known, teacher), truths_of(known.labels), top))
        _, section = self.pictures.sets.of_stage(name)
        if not len(kept):
            raise DistillError(
                f"pretrain.teacher_top is {top}: of {len(known)} pictures of {section} {teacher.name} finds the label "
                f"of none among its {top} most probable classes. Is its class map the data's, its preprocessing right?"
            )
        console.print(f"pretrain: {teacher.name} believes the labels of {len(kept)} of {len(known)} pictures.")
        return kept

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        assert isinstance(stage, LabelStage)
        return FineTuner(
            network, preprocess, stage.optimization, seed=seed, metric=TopOne(), loss=LABEL_LOSSES[stage.loss]
        )

    def metric(self, teacher: Teacher | None) -> TopOne:
        return TopOne()


class Classes(Task):
    """Scored by top-1 on the data's test split."""

    kind = Softmax
    check_recipe = staticmethod(check_recipe)

    def open(self, recipe: Recipe, directory: Path) -> None:
        pictures, opinions = LabelledOnce(recipe, directory), Opinions(recipe.evaluate.batch_size)
        self.pictures, self.teaching = pictures, ClassTeaching(recipe, pictures, opinions)
        self.judging = ClassJudging(recipe, pictures, opinions)
