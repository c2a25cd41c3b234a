"""Where a photograph was taken: the softmax shares one probability out among cells of the Earth."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from distill.answers.places import Places
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.modules.place_learner import PlaceLearner
from distill.modules.training import TrainingModule
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Recipe, StageName
from distill.recipe.stages import Stage
from distill.tasks.places.checks import check_objective, check_recipe, check_teacher
from distill.tasks.places.judging import PlaceJudging
from distill.tasks.places.metric import Within
from distill.tasks.places.pictures import PlacePictures
from distill.tasks.task import Task
from distill.tasks.teaching import Teaching
from teachers.teacher import Teacher

DECIMALS = 5
"""Of degrees in files: a metre."""


class PlaceTeaching(Teaching[PlacePictures]):
    """By the cells that photographs lie in."""

    def answers(self, teacher: Teacher | None) -> Places:
        latitudes, longitudes = np.round(self.pictures.cells.places, DECIMALS).T.tolist()
        return Places(
            self.pictures.tokens,
            latitudes=tuple(latitudes),
            longitudes=tuple(longitudes),
            place=self.recipe.evaluate.place,
        )

    def check(self) -> None:
        if "transfer" in self.recipe.stages:
            check_objective(self.recipe.objective)

    def check_teacher(self, teacher: Teacher) -> None:
        check_teacher(teacher, self.pictures.tokens)

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        cells, shares = self.pictures.cells.smoothed(self.recipe.cells.smoothing)
        spread = torch.from_numpy(cells), torch.from_numpy(shares)
        return PlaceLearner(network, preprocess, *spread, stage.optimization, seed, self.metric(None))

    def metric(self, teacher: Teacher | None) -> Within | None:
        return Within(self.pictures.cells.places) if len(self.pictures.validation) else None

    def learns_from(self) -> dict[str, Any]:
        return {"cells": self.pictures.tokens, "smoothing": self.recipe.cells.smoothing}

    def training_pictures(self, name: StageName, teacher: Teacher | None) -> Pictures:
        """Where labels are learnt, the photographs that lie in a cell.

        Raises:
            DistillError: none does.
        """
        pictures = super().training_pictures(name, teacher)
        if name == "transfer":
            return pictures
        inside = self.pictures.in_cells(pictures)
        if not len(inside):
            raise DistillError(f"stages: `{name}` learns places, and no picture to train on lies in one of the cells.")
        return inside


class PhotographPlaces(Task):
    """Scored by the share of test pictures placed within 750 km, and within four other distances."""

    kind = Places
    check_recipe = staticmethod(check_recipe)

    def open(self, recipe: Recipe, directory: Path) -> None:
        pictures = PlacePictures(recipe, directory)
        self.pictures, self.teaching = pictures, PlaceTeaching(recipe, pictures)
        self.judging = PlaceJudging(recipe, pictures)
