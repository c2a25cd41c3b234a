"""What a teacher sees in the pictures that a student learns from: asked once about each, whole.

Its boxes become targets of the pictures, which move with every view as any others do: one forward pass of the teacher
serves all views of a picture, and stored answers are those of an online teacher to the last bit.

Shapes: N pictures, K boxes of an answer, C classes, R rows of all pictures together.
"""

import numpy as np
import torch
from rich.console import Console

from distill.answers.detections import Detections
from distill.data.prepared.pictures import Pictures
from distill.data.targets import Column, Ragged, joined
from distill.errors import DistillError
from distill.objectives.boxes.geometry import visible
from distill.objectives.boxes.imitation import UNSEEN
from teachers.teacher import Teacher

_AT_ONCE = 2000  # pictures whose whole answers are held in memory
_MOSTLY = 0.5

console = Console(stderr=True, markup=False, emoji=False)


def with_teacher_boxes(pictures: Pictures, teacher: Teacher, kind: Detections, batch_size: int) -> Pictures:
    """The same pictures with what the teacher sees in them.

    Raises:
        DistillError: the teacher sees nothing in any of them, or cannot answer.
    """
    predictor, number = teacher.predictor(kind), np.arange(len(pictures))
    blocks: list[tuple[Ragged, Ragged]] = []
    for start in range(0, len(pictures), _AT_ONCE):
        part = pictures.where((number >= start) & (number < start + _AT_ONCE))
        blocks.append(_told(predictor.show(part, "the pictures to transfer on", batch_size)))
    boxes, scores = (joined([block[column] for block in blocks]) for column in (0, 1))
    assert isinstance(boxes, Ragged)
    blank = int((_shown(boxes) == 0).sum())
    if blank == len(pictures):
        raise DistillError(
            f"teacher {teacher.name}: no box of a score of {UNSEEN} or more in any of {blank} pictures to transfer on "
            "has an area there. One that was taught here has learnt too little: raise teach.epochs. Of another, check "
            "size, scale, mean, std and channels: `distill inspect` measures them."
        )
    if blank > _MOSTLY * len(pictures):
        console.print(
            f"teacher {teacher.name}: sees nothing in {blank} of {len(pictures)} pictures to transfer on; the student "
            "learns from them that nothing is there.",
            soft_wrap=True,
        )
    classes = len(kind.classes or ())
    places = Column("teacher_boxes", "float32", (4,), ragged=True, place="boxes")
    return pictures.knowing(places, boxes).knowing(Column("teacher_scores", "float32", (classes,), ragged=True), scores)


def _shown(boxes: Ragged) -> np.ndarray:
    """int64 (N,), how many boxes of each picture have an area in it."""
    clipped, share = visible(torch.from_numpy(boxes.rows))
    there = ((share > 0) & (clipped[:, 2:] > clipped[:, :2]).all(dim=1)).numpy()
    return np.bincount(np.repeat(np.arange(len(boxes)), boxes.counts)[there], minlength=len(boxes))


def certain_boxes(pictures: Pictures, least: float) -> np.ndarray:
    """The teacher's boxes of a score from `least` on in pictures that `with_teacher_boxes` made, float32 (R, 4)."""
    boxes, scores = (pictures.targets[name] for name in ("teacher_boxes", "teacher_scores"))
    assert isinstance(boxes, Ragged) and isinstance(scores, Ragged)
    return boxes.rows[scores.rows.max(axis=1, initial=0) >= least]


def _told(answers: dict[str, np.ndarray]) -> tuple[Ragged, Ragged]:
    """Of answers `boxes` (N, K, 4) and `scores` (N, K, C) the rows that are told: boxes (R, 4) and scores (R, C)."""
    told = answers["scores"].max(axis=2, initial=0) >= UNSEEN
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(told.sum(axis=1), dtype=np.int64)])
    return Ragged(answers["boxes"][told], offsets), Ragged(answers["scores"][told], offsets)
