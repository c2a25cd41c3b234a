"""What a step on 26,263 cells of the Earth, PlaNet's, takes more than one on 1,000: of a student in Lightning, and of a
classifier alone in a loop written out by hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from distill.benchmarks.loops import Clock, descend, lightning, optimizer_of
from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.rendered.places import RenderedPlaces
from distill.data.targets import Column
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.modules import Optimization
from distill.modules.place_learner import PlaceLearner
from distill.preprocess.preprocess import Preprocess
from students.mobilenet_v1 import mobilenet_v1

FEW, MANY = 1_000, 26_263
PASS = 8  # batches a pass
_SPREAD = 8  # cells that a label counts in, as `cells.smoothing` makes it


@dataclass(frozen=True)
class CellWork:
    """The student and the pictures of one benchmark.

    Attributes:
        width: of the student, a MobileNet.
        pictures: with the number of a cell, below `FEW`.
    """

    width: float
    pictures: Pictures
    preprocess: Preprocess
    batch_size: int
    device: torch.device

    @classmethod
    def make(cls, place: Path, batch_size: int, resolution: int, device: torch.device, *, width: float) -> "CellWork":
        """Draw places.

        Args:
            place: an empty directory.
            width: of the student.

        Raises:
            DistillError: no MobileNet has this width or resolution.
        """
        source = RenderedPlaces(train=batch_size * PASS, validation=0, test=0)
        pictures = Pictures.of(prepare(source, place, Frame(resolution, resolution)), "train")
        own = np.random.default_rng(0).integers(0, FEW, len(pictures)).astype(np.int32)
        pictures = pictures.knowing(Column("cell", "int32"), own)
        mobilenet_v1(width, resolution, FEW)  # is refused here or not at all
        return cls(width, pictures, Preprocess.imagenet(resolution, resolution), batch_size, device)

    def student(self, cells: int) -> nn.Module:
        """The student at random, the same each time."""
        torch.manual_seed(0)
        student = mobilenet_v1(self.width, self.preprocess.height, cells)
        return student.to(self.device).to(memory_format=torch.channels_last)

    def facts(self) -> dict[str, Any]:
        """What stands beside the figures."""
        return {"student_width": self.width, "cells": [FEW, MANY]}

    def words(self) -> str:
        """The same in words."""
        return f"student: MobileNet {self.width:g}; what {MANY:,} cells take more than {FEW:,}"


def more_cells(work: CellWork, steps: int) -> float:
    """Of a `PlaceLearner` in Lightning's Trainer, whose labels are spread over several cells."""
    few, many = (_learner_step(work, cells, steps) for cells in (FEW, MANY))
    return many - few


def more_outputs(work: CellWork, steps: int) -> float:
    """Of the classifier alone, with cross-entropy."""
    few, many = (_classifier_step(work, cells, steps) for cells in (FEW, MANY))
    return many - few


def _learner_step(work: CellWork, cells: int, steps: int) -> float:
    around = (torch.arange(cells)[:, None] + torch.arange(_SPREAD)) % cells
    shares = torch.full(around.shape, 1 / _SPREAD)
    module = PlaceLearner(work.student(cells), work.preprocess, around, shares, Optimization())
    loader = ViewLoader(work.pictures, Views(), batch_size=work.batch_size, seed=0)
    return lightning(loader, work.device, steps, module)


def _classifier_step(work: CellWork, cells: int, steps: int) -> float:
    classifier = work.student(cells).get_submodule("classifier")
    assert isinstance(classifier, nn.Linear)
    features = torch.randn(work.batch_size, classifier.in_features, device=work.device, requires_grad=True)
    own = torch.randint(FEW, (work.batch_size,), device=work.device)
    clock, optimizer, schedule = Clock(work.device), *optimizer_of(classifier, steps)
    for step in range(1, steps + 1):
        descend(F.cross_entropy(classifier(features), own), classifier, optimizer, schedule)
        clock.tick(step)
    return clock.seconds(steps)
