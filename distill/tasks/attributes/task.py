"""Attributes, or classes that do not exclude each other: one probability for each of the data's labels.

Shapes: N pictures, C attributes.
"""

from pathlib import Path

from torch import nn

from distill.answers import Probabilities
from distill.modules import FineTuner
from distill.modules.training import TrainingModule
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Recipe
from distill.recipe.stages import Stage
from distill.tasks.attributes.checks import check_objective, check_recipe, check_teacher
from distill.tasks.attributes.judging import AttributeJudging
from distill.tasks.attributes.metric import MeanAveragePrecision
from distill.tasks.labelled import LabelledPictures, LabelledTeaching
from distill.tasks.task import Task
from teachers.teacher import Teacher


class AttributePictures(LabelledPictures):
    """Labelled with any number of attributes each."""

    needed = (("validation", "choose thresholds on"), ("test", "report on"))


class AttributeTeaching(LabelledTeaching[AttributePictures]):
    """By the sigmoid of each logit."""

    kind_of_answers = Probabilities

    def check(self) -> None:
        if "transfer" in self.recipe.stages:
            check_objective(self.recipe.objective, bool((self.pictures.sets.transfer.labels >= 0).any()))

    def check_teacher(self, teacher: Teacher) -> None:
        check_teacher(teacher, self.pictures.classes, self.recipe.data)

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        return FineTuner(network, preprocess, stage.optimization, seed, self.metric(None))

    def metric(self, teacher: Teacher | None) -> MeanAveragePrecision:
        return MeanAveragePrecision(self.pictures.classes)


class Attributes(Task):
    """Scored by mean average precision on the data's test split."""

    kind = Probabilities
    check_recipe = staticmethod(check_recipe)

    def open(self, recipe: Recipe, directory: Path) -> None:
        pictures = AttributePictures(recipe, directory)
        self.pictures, self.teaching = pictures, AttributeTeaching(recipe, pictures)
        self.judging = AttributeJudging(recipe, pictures)
