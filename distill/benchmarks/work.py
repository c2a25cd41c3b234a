"""The work that every way of training does in a benchmark: the same networks, pictures, batches and optimiser."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import nn

from distill.answers import Probabilities
from distill.benchmarks.loops import batches_of
from distill.cost import count
from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.rendered.faces import RenderedFaces
from distill.data.views.batch import ViewBatch
from distill.data.views.loader import AnswersOf, ViewLoader
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.files.weights import hub_cfg
from distill.modules import Optimization
from distill.preprocess.preprocess import Preprocess
from distill.store.asking import Asking, Shown
from distill.store.manifest import Manifest, TeacherFacts
from distill.store.teacher import StoredTeacher
from distill.store.writer import write_store
from students.mobilenet_v1 import mobilenet_v1
from teachers.timm_teacher import Timm
from teachers.torch_teacher import TorchTeacher

PASS = 8  # batches a pass, so that a turn goes through several and pays what they cost
STUDENT_WIDTH, TEACHER_WIDTH = 0.25, 0.84
"""Of MobileNets, where none are asked for: a teacher of ten times the student's mult-adds."""


@dataclass(frozen=True)
class Work:
    """Networks, pictures and stored answers of one benchmark.

    Attributes:
        width: of the student, a MobileNet.
        answers: of the teacher, to one view of each picture.
        ratio: mult-adds of the teacher as a multiple of the student's.
    """

    width: float
    pictures: Pictures
    teacher: TorchTeacher
    answers: AnswersOf
    preprocess: Preprocess
    views: Views
    batch_size: int
    ratio: float
    device: torch.device

    @classmethod
    def make(
        cls,
        place: Path,
        batch_size: int,
        resolution: int,
        device: torch.device,
        *,
        width: float = STUDENT_WIDTH,
        teacher_name: str | None = None,
    ) -> "Work":
        """Draw pictures, make a teacher at random, and store its answers.

        Args:
            place: an empty directory.
            width: of the student.
            teacher_name: a network of timm; None for a MobileNet.

        Raises:
            DistillError: no MobileNet has this width, or timm no such network of this resolution.
        """
        source = RenderedFaces(train=batch_size * PASS, validation=64, test=64, people=64)
        pictures = Pictures.of(prepare(source, place / "data", Frame(64, 64)), "train")
        preprocess, views, classes = Preprocess.imagenet(resolution, resolution), Views(count=1), len(pictures.classes)
        torch.manual_seed(0)
        if teacher_name is None:
            teacher_name, network = f"mobilenet_v1_{TEACHER_WIDTH}", mobilenet_v1(TEACHER_WIDTH, resolution, classes)
        else:
            cfg = hub_cfg(teacher_name)
            if cfg.fixed_input_size and cfg.input_size[1:] != (resolution, resolution):
                sides = " x ".join(map(str, cfg.input_size[1:]))
                raise DistillError(f"--teacher {teacher_name}: takes only {sides} pixels, not {resolution}.")
            network = Timm(teacher_name, weights="scratch").network(classes, new_head=True)
        teacher = TorchTeacher(network, preprocess, classes, pictures.classes, teacher_name)
        student = count(mobilenet_v1(width, resolution, classes), resolution, resolution)
        shown = Shown(pictures, ())
        who = TeacherFacts(teacher.name, teacher.fingerprint(), classes, pictures.classes, preprocess, None, None)
        fabric = L.Fabric(accelerator="cpu" if device.type == "cpu" else "gpu", devices=1)
        manifest = Manifest(who, shown.facts(), seed=0, views=Views(), count=1)
        kind = Probabilities(pictures.classes)
        store = write_store(place / "store", manifest, Asking(teacher, type(kind), shown, batch_size), fabric)
        assert store is not None  # one process
        return cls(
            width,
            pictures,
            teacher,
            StoredTeacher(store, kind).answers_to(pictures, views, 0),
            preprocess,
            views,
            batch_size,
            count(network, resolution, resolution).mult_adds / student.mult_adds,
            device,
        )

    def student(self) -> nn.Module:
        """The student at random, the same each time."""
        torch.manual_seed(0)
        student = mobilenet_v1(self.width, self.preprocess.height, len(self.pictures.classes))
        return student.to(self.device).to(memory_format=torch.channels_last)

    def loader(self, answers: bool = False) -> ViewLoader:
        """Views in their order, with the stored answers or without."""
        return ViewLoader(
            self.pictures, self.views, batch_size=self.batch_size, seed=0, answers=self.answers if answers else None
        )

    def batches(self, steps: int, answers: bool = False) -> Iterator[ViewBatch]:
        """As many batches as asked for, pass after pass, on the device."""
        return batches_of(self.loader(answers), steps, self.device)

    def facts(self) -> dict[str, Any]:
        """What stands beside the figures."""
        return {
            "student_width": self.width,
            "teacher": self.teacher.name,
            "teacher_over_student_mult_adds": self.ratio,
        }

    def words(self) -> str:
        """The same in words."""
        return f"student: MobileNet {self.width:g}; teacher: {self.teacher.name}, {self.ratio:.1f} times its mult-adds"

    @property
    def optimization(self) -> Optimization:
        """AdamW and a schedule a step, as in the loops written out by hand; those have a straight line for a cosine."""
        return Optimization()
