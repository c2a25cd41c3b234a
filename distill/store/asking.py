"""What a teacher is shown, batch by batch, and how it is asked.

Shapes: N pictures in views, M pictures whole, n of one batch, C outputs.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from distill.answers.kind import Kind
from distill.data.prepared.pictures import Pictures
from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.data.views.loader import Request, ViewDataset
from distill.errors import DistillError
from distill.store.manifest import Manifest, PictureFacts, view_file, whole_file, whole_hashes
from teachers.teacher import Teacher


@dataclass(frozen=True)
class Shown:
    """What a teacher is shown: pictures in views, and others beside them that are only evaluated on.

    Attributes:
        transfer: pictures of which views are answered.
        evaluated: pictures answered whole alone.
        sample: which of the first are answered whole as well; None for all.
    """

    transfer: Pictures
    evaluated: tuple[Pictures, ...]
    sample: Pictures | None = None

    @property
    def shown_whole(self) -> tuple[Pictures, ...]:
        """The sets of which each picture is answered whole."""
        return (self.transfer if self.sample is None else self.sample, *self.evaluated)

    def viewed(self) -> np.ndarray:
        """uint64 (N,), rising content hashes."""
        return np.sort(self.transfer.hashes)

    def facts(self) -> PictureFacts:
        """What a manifest says of these pictures."""
        kinds = tuple(dict.fromkeys(pictures.pixels for pictures in self.shown_whole))
        return PictureFacts.of(kinds, self.transfer.size, self.viewed(), self.whole())

    def whole(self) -> np.ndarray:
        """uint64 (M,), rising, each once: what pictures shown whole are known by."""
        return np.unique(np.concatenate(self.hashes()))

    def hashes(self) -> list[np.ndarray]:
        """The same of each of these sets in its own order, uint64 (its length,)."""
        kind = self.transfer.pixels
        return [whole_hashes(pictures.hashes, pictures.pixels, kind) for pictures in self.shown_whole]


@dataclass(frozen=True)
class Asking:
    """Who is asked about what.

    Attributes:
        kind: of the teacher's answers, which says of which nothing could be learnt.
        batch_size: views the teacher is asked at a time.
        workers: processes that load.
    """

    teacher: Teacher
    kind: type[Kind]
    shown: Shown
    batch_size: int
    workers: int = 0


@dataclass(frozen=True)
class Part:
    """One file of answers: rows start to stop of the pictures, shown in a view or (None) whole."""

    view: int | None
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        return whole_file(self.number) if self.view is None else view_file(self.view, self.number)


@dataclass(frozen=True)
class Ask:
    """One batch: `count` rows of a file that are not known, filled up with its last one."""

    part: Part
    rows: np.ndarray
    count: int


@dataclass(frozen=True)
class Whole:
    """Pictures as they are.

    Attributes:
        pictures: uint8 (n, H, W, 3).
        sizes: int32 (n, 2), height and width of what they were made of, None where it is not known of all.
    """

    pictures: Tensor
    sizes: Tensor | None

    def __len__(self) -> int:
        return len(self.pictures)

    def to(self, device: torch.device) -> "Whole":
        return Whole(self.pictures.to(device), self.sizes)

    def pin_memory(self) -> "Whole":
        return Whole(self.pictures.pin_memory(), self.sizes)


class Asked(Dataset[ViewBatch | Whole]):
    """Loads what is asked; it is what travels to the workers."""

    def __init__(self, shown: Shown, manifest: Manifest) -> None:
        if manifest.count and manifest.views.keep_object:
            raise DistillError(
                f"views.keep_object is {manifest.views.keep_object}: such views depend on boxes, and answers to views "
                "are kept by the picture alone. Set it to 0."
            )
        self.views = ViewDataset(shown.transfer, manifest.views, manifest.seed)
        self.order = np.argsort(shown.transfer.hashes)
        self.groups = shown.shown_whole
        hashes = np.concatenate(shown.hashes())
        self.positions = np.unique(hashes, return_index=True)[1]  # of the first picture of each hash, over all groups
        self.starts = np.cumsum([0, *map(len, self.groups)])

    def __getitems__(self, ask: Ask) -> ViewBatch | Whole:
        rows = ask.part.start + ask.rows
        if ask.part.view is not None:
            return self.views.__getitems__(Request(self.order[rows], ask.part.view))
        positions = self.positions[rows]
        numbers = np.searchsorted(self.starts, positions, side="right") - 1
        pictures = np.empty((len(rows), *self.groups[0].size, 3), np.uint8)
        sizes = np.zeros((len(rows), 2), np.int32)
        for number, group in enumerate(self.groups):
            here = numbers == number
            index = positions[here] - self.starts[number]
            pictures[here] = group.gather(index)
            if group.source_sizes is not None:
                sizes[here] = group.source_sizes[index]
        return Whole(torch.from_numpy(pictures), torch.from_numpy(sizes) if sizes.all() else None)


def answer(teacher: Teacher, shown: ViewBatch | Whole) -> dict[str, Tensor]:
    """A teacher's float32 tensors (n, ...) to views, or to whole pictures, on their device."""
    # cuDNN rounds what it multiplies to TF32's ten bits unless told not to, and `verify` on a CPU would take that for
    # another teacher's answer.
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        if isinstance(shown, ViewBatch):
            answers = teacher(cut(shown, teacher.preprocess))
        else:
            answers = teacher.answer_whole(shown.pictures, shown.sizes)
        return {name: values.float() for name, values in answers.items()}
