"""A teacher that looks twice: at a picture and at its mirror image.

Shapes: N batch, C classes or attributes, h w the teacher's own size.
"""

from torch import Tensor

from teachers.asking_teacher import AskingTeacher
from teachers.teacher import Size, Teacher, fingerprint_of


class MirroredTeacher(AskingTeacher):
    """The mean of a teacher's logits of a picture and of its mirror image; twice the work for steadier answers.

    Args:
        whole: the teacher that is asked.
    """

    def __init__(self, whole: Teacher) -> None:
        super().__init__(f"{whole.name}, mirrored", whole, whole.shapes, whole.classes)
        self.eval()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `logits`, float32 (N, C)."""
        straight, mirrored = self.whole(pictures), self.whole(pictures.flip(3))
        return {name: (straight[name] + mirrored[name]) / 2 for name in straight}

    def fingerprint(self) -> str:
        """sha256 over the teacher and that it is mirrored."""
        return fingerprint_of(self.whole.fingerprint(), "mirrored")

    def size(self) -> Size:
        size = super().size()
        return size | {"mult_adds": None if size["mult_adds"] is None else 2 * size["mult_adds"]}
