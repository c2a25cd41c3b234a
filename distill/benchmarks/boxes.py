"""A step of a detector's student on its teacher's boxes, in Lightning and in a loop written out by hand, and what of it
is matching.

The boxes of rendered scenes stand for a teacher's: it is asked about each picture once, before the first step, so that
none is part of any.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from distill.answers import Boxes
from distill.benchmarks.loops import WARM_UP, Clock, batches_of, descend, lightning, optimizer_of
from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.rendered.scenes import RenderedScenes
from distill.data.targets import Column, Ragged
from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.modules import Distiller, Optimization
from distill.modules.batches import targets_of
from distill.objectives.boxes import BoxImitation
from distill.objectives.boxes.detection import ENOUGH
from distill.objectives.boxes.geometry import overlaps, visible
from distill.objectives.boxes.matching import match
from students.ssd import SsdMobilenetV1
from students.student import build_student

PASS = 8  # batches a pass
_DRAWN = 64  # scenes that are timed, at `_SIDE` pixels
_SIDE = 300
_SURE = 0.9


@dataclass(frozen=True)
class BoxWork:
    """The student, pictures and boxes of one benchmark.

    Attributes:
        pictures: with a teacher's boxes.
        scenes: drawn a second of one core, at 300 px.
    """

    config: SsdMobilenetV1
    pictures: Pictures
    batch_size: int
    device: torch.device
    scenes: float

    @classmethod
    def make(cls, place: Path, batch_size: int, resolution: int, device: torch.device, *, width: float) -> "BoxWork":
        """Draw scenes.

        Args:
            place: an empty directory.
            width: of the student.

        Raises:
            DistillError: no MobileNet has this width or resolution.
        """
        source = RenderedScenes(train=batch_size * PASS, validation=0, test=0)
        pictures = Pictures.of(prepare(source, place, Frame(resolution, resolution)), "train")
        boxes, classes = pictures.targets["boxes"], pictures.targets["box_classes"]
        assert isinstance(boxes, Ragged) and isinstance(classes, Ragged)  # as the source declares them
        scores = _SURE * (classes.rows[:, None] == np.arange(len(pictures.classes))).astype(np.float32)
        taught = pictures.knowing(Column("teacher_boxes", "float32", (4,), ragged=True, place="boxes"), boxes).knowing(
            Column("teacher_scores", "float32", (len(pictures.classes),), ragged=True), Ragged(scores, classes.offsets)
        )
        started = time.thread_time()
        source.draw(np.arange(_DRAWN), _SIDE, _SIDE)
        rate = _DRAWN / (time.thread_time() - started)
        return cls(SsdMobilenetV1(width=width, resolution=resolution), taught, batch_size, device, rate)

    def student(self) -> nn.Module:
        """The student at random, the same each time."""
        torch.manual_seed(0)
        student = build_student(self.config, Boxes(self.pictures.classes).head())
        return student.to(self.device).to(memory_format=torch.channels_last)

    def loader(self) -> ViewLoader:
        """Views in their order."""
        return ViewLoader(self.pictures, Views(), batch_size=self.batch_size, seed=0)

    def batches(self, steps: int) -> Iterator[ViewBatch]:
        """As many batches as asked for, pass after pass, on the device."""
        return batches_of(self.loader(), steps, self.device)

    def facts(self) -> dict[str, Any]:
        """What stands beside the figures."""
        return {
            "student": self.config.full_name,
            "boxes_a_picture": len(self.pictures.targets["boxes"].rows) / len(self.pictures),  # type: ignore[union-attr]
            "scenes_a_second_of_one_core": self.scenes,
        }

    def words(self) -> str:
        """The same in words."""
        facts = self.facts()
        return (
            f"student: {facts['student']}; {facts['boxes_a_picture']:.1f} boxes a picture; {self.scenes:.0f} scenes of "
            f"{_SIDE} px drawn a second of one core"
        )


def bare_boxes(work: BoxWork, steps: int) -> float:
    """A loop written out by hand."""
    student, objective, preprocess = work.student().train(), BoxImitation(), work.config.preprocess
    clock, optimizer, schedule = Clock(work.device), *optimizer_of(student, steps)
    for step, batch in enumerate(work.batches(steps), 1):
        pixels = preprocess.normalize(cut(batch, preprocess)).contiguous(memory_format=torch.channels_last)
        loss = objective(student(pixels), {}, targets_of(batch, preprocess))["loss"].mean()
        descend(loss, student, optimizer, schedule)
        clock.tick(step)
    return clock.seconds(steps)


def boxes_in_lightning(work: BoxWork, steps: int) -> float:
    """A `Distiller` in Lightning's Trainer."""
    module = Distiller(
        work.student(), None, BoxImitation(), preprocess=work.config.preprocess, optimization=Optimization()
    )
    return lightning(work.loader(), work.device, steps, module)


def matching(work: BoxWork, steps: int) -> float:
    """Which anchor has to find which box, of objects and of what is ignored: a part of any step, alone."""
    anchors = work.student().get_buffer("anchors")[0]
    taken = 0.0
    for step, batch in enumerate(work.batches(steps), 1):
        boxes: Any = targets_of(batch, work.config.preprocess)["teacher_boxes"]
        started = _now(work.device)
        shared = overlaps(visible(boxes.rows)[0], anchors)
        for _ in ("objects", "ignored"):
            match(shared, boxes.pictures, work.batch_size, ENOUGH)
        if step > WARM_UP:
            taken += _now(work.device) - started
    return taken / (steps - WARM_UP)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
