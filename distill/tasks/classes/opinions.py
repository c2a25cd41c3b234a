"""What a teacher thinks of labelled pictures: asked once for what is learnt from it and what is said of it.

Shapes: N pictures, C classes.
"""

import numpy as np

from distill.answers import Softmax
from distill.data.prepared.pictures import Pictures
from teachers.teacher import Teacher


class Opinions:
    """A teacher's probabilities, kept until another teacher or other pictures are asked for."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self._kept: tuple[Teacher, np.ndarray, np.ndarray] | None = None  # who, the pictures' hashes, the answers

    def __call__(self, pictures: Pictures, teacher: Teacher) -> np.ndarray:
        """float32 (N, C) of whole pictures."""
        hashes = pictures.hashes
        if self._kept is None or self._kept[0] is not teacher or not np.array_equal(self._kept[1], hashes):
            answers = teacher.predictor(Softmax(pictures.classes)).show(pictures, "pretrain", self.batch_size)
            self._kept = teacher, hashes, answers["probabilities"]
        return self._kept[2]
