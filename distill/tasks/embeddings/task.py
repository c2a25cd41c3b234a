"""Embeddings: vectors that are alike where two pictures show one person.

Shapes: N pictures, D embedding dimensions.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from distill.answers import Embedding
from distill.modules import MetricLearner
from distill.modules.metric_learner import Triplets, arcface
from distill.modules.metrics import ANSWERS, Metric
from distill.modules.training import TrainingModule
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Recipe
from distill.recipe.stages import Stage
from distill.tasks.embeddings.checks import check_objective, check_recipe, check_teacher
from distill.tasks.embeddings.judging import EmbeddingJudging
from distill.tasks.embeddings.metric import CosineToTeacher, TarAtFar
from distill.tasks.embeddings.people import PeoplePictures
from distill.tasks.task import Task
from distill.tasks.teaching import Teaching
from teachers.teacher import Teacher


class EmbeddingTeaching(Teaching[PeoplePictures]):
    """By the directions of vectors."""

    def check(self) -> None:
        check_objective(self.recipe.objective)
        self.pictures.trial.check(self.recipe.evaluate.fars)

    def check_teacher(self, teacher: Teacher) -> None:
        check_teacher(teacher)

    def answers(self, teacher: Teacher | None) -> Embedding:
        return Embedding(None if teacher is None else teacher.outputs)

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        teach = self.recipe.teach
        blank = torch.zeros(1, 3, preprocess.height, preprocess.width)
        with torch.no_grad():
            dimensions = network.eval()(blank).shape[1]
        people = self.pictures.sets.labelled.identities
        if teach.metric_loss == "triplet":
            criterion: nn.Module = Triplets(teach.triplet_margin)
        else:
            criterion = arcface(len(np.unique(people)), dimensions, margin=teach.margin, scale=teach.scale)
        metric = self.metric(None)
        return MetricLearner(
            network.train(), preprocess, stage.optimization, people, criterion, seed=seed, metric=metric
        )

    def metric(self, teacher: Teacher | None) -> Metric | None:
        if self.pictures.verifiable(self.pictures.sets.validation):
            return TarAtFar(self.recipe.evaluate.fars[0])
        return None if teacher is None else CosineToTeacher()

    def truths(self, teacher: Teacher | None) -> dict[str, np.ndarray]:
        pictures = self.pictures.sets.validation
        if teacher is None or self.pictures.verifiable(pictures) or not len(pictures):
            return {}
        predictor = teacher.predictor(self.kind)
        return {ANSWERS: predictor.show(pictures, "validation", self.recipe.evaluate.batch_size)["embeddings"]}


class Embeddings(Task):
    """Scored by verification and identification, on LFW's pairs or on every pair of the test people."""

    kind = Embedding
    check_recipe = staticmethod(check_recipe)

    def open(self, recipe: Recipe, directory: Path) -> None:
        pictures = PeoplePictures(recipe, directory)
        self.pictures, self.teaching = pictures, EmbeddingTeaching(recipe, pictures)
        self.judging = EmbeddingJudging(recipe, pictures)
