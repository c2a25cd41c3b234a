"""A teacher that looks twice: at a picture and at its mirror image.

Shapes: N batch, C classes or attributes, h w the teacher's own size.
"""

from torch import Tensor

from teachers.teacher import Teacher, fingerprint_of


class MirroredTeacher(Teacher):
    """The mean of a teacher's logits of a picture and of its mirror image; twice the work for steadier answers.

    Args:
        whole: the teacher that is asked.
    """

    def __init__(self, whole: Teacher) -> None:
        super().__init__(f"{whole.name}, mirrored", whole.preprocess, whole.outputs, whole.classes)
        self.whole = whole
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Float (N, 3, h, w) on the 0..255 scale to float32 (N, C)."""
        return (self.whole(pictures) + self.whole(pictures.flip(3))) / 2

    def fingerprint(self) -> str:
        """sha256 over the teacher and that it is mirrored."""
        return fingerprint_of(self.whole.fingerprint(), "mirrored")

    @property
    def innermost(self) -> Teacher:
        return self.whole.innermost

    @property
    def passes(self) -> int:
        return 2 * self.whole.passes
