"""A small store of a small teacher's answers, and the teacher, which counts how often it is asked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from distill.answers import Probabilities
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.views.views import Views
from distill.store.asking import Asking, Shown
from distill.store.manifest import Manifest, TeacherFacts
from distill.store.store import Store
from distill.store.teacher import Stored, StoredTeacher
from distill.store.writer import write_store
from tests.helpers.nets import CLASSES, ConvTeacher

BATCH = 8
VIEWS = Views(scale=(0.5, 1.0))


class CountingTeacher(ConvTeacher):
    """Notes how many pictures it is shown, and can be made to fail or to answer nonsense."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = 0
        self.fails_after: int | None = None
        self.adds = 0.0

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.shown += len(pictures)
        if self.fails_after is not None and self.shown > self.fails_after:
            raise KeyboardInterrupt
        return {"logits": super().forward(pictures)["logits"] + self.adds}


class TwoHeads(CountingTeacher):
    """Its logits and, beside them, a small plane of them."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes, self.classes = {"logits": (3,), "plane": (3, 2)}, None

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        logits = super().forward(pictures)["logits"]
        return {"logits": logits, "plane": logits[:, :, None] * torch.tensor([2.0, -1.0])}


def shown(labelled: Prepared, *unlabelled: Prepared) -> Shown:
    return Shown(
        Pictures.of(labelled, "train", unlabelled),
        (Pictures.of(labelled, "validation"), Pictures.of(labelled, "test")),
    )


def manifest_of(teacher: ConvTeacher, pictures: Shown, **facts: Any) -> Manifest:
    """Files of ten rows, so that there are several."""
    outputs = teacher.outputs if len(teacher.shapes) == 1 else teacher.shapes
    described = TeacherFacts(
        teacher.name, teacher.fingerprint(), outputs, teacher.classes, teacher.preprocess, mult_adds=None, parameters=9
    )
    manifest = Manifest(described, pictures.facts(), seed=5, views=VIEWS, count=2, dtype="float32", rows=10)
    return replace(manifest, **facts)


def store(place: Path, pictures: Shown, teacher: ConvTeacher | None = None, **facts: Any) -> Store:
    torch.manual_seed(0)
    teacher = teacher or CountingTeacher()
    fabric = L.Fabric(accelerator="cpu", devices=1)
    asking = Asking(teacher, Probabilities, pictures, BATCH)
    written = write_store(place, manifest_of(teacher, pictures, **facts), asking, fabric)
    assert written is not None
    return written


def opened(place: Path) -> StoredTeacher:
    """A store in the place of the teacher that was asked."""
    return Stored(root=place).teacher(Probabilities(CLASSES))


def files(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(place.iterdir())}
