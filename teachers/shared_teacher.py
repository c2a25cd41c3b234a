"""A teacher of other classes than the data's, whose probabilities can be shared out among these.

Shapes: N batch, C classes of the data, W of the teacher, M pairs of both.
"""

import torch
from torch import Tensor

from distill.answers.kind import Shares
from distill.answers.logits import CLAMP
from distill.errors import DistillError
from teachers.asking_teacher import AskingTeacher
from teachers.teacher import Teacher, console, fingerprint_of


class SharedTeacher(AskingTeacher):
    """Logits of the data's classes: the logarithms of what the teacher's probabilities give to each of them.

    Args:
        whole: the teacher that is asked, of W classes that exclude each other.
        shares: which of its classes give which share of their probability to which of the data's.
        classes: names of those.

    Raises:
        DistillError: no class of the teacher gives anything to any of these.
    """

    theirs: Tensor
    ours: Tensor
    parts: Tensor

    def __init__(self, whole: Teacher, shares: Shares, classes: tuple[str, ...]) -> None:
        super().__init__(f"{whole.name}, shared out", whole, len(classes), classes)
        if not len(shares.parts):
            raise DistillError(
                f"teacher {whole.name}: none of its {whole.outputs} classes has anything in common with the data's "
                f"{len(classes)}. Are teacher.classes its own, in the order of its outputs?"
            )
        columns = {"theirs": shares.theirs, "ours": shares.ours, "parts": shares.parts}
        for name, values in columns.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        giving, given = len(self.theirs.unique()), len(self.ours.unique())
        console.print(
            f"teacher {whole.name}: {giving} of its {whole.outputs} classes are shared out among {given} of the data's "
            f"{len(classes)}; what it gives to its others counts for nothing.",
            soft_wrap=True,
        )
        self.eval()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `logits`, float32 (N, C)."""
        given = self.whole(pictures)["logits"].softmax(dim=1)
        shared = given.new_zeros(len(given), self.outputs)
        shared.index_add_(1, self.ours, given.index_select(1, self.theirs) * self.parts.to(given.dtype))
        return {"logits": shared.clamp(min=CLAMP).log()}

    def fingerprint(self) -> str:
        """sha256 over the whole teacher and how its classes are shared out."""
        shares = [column.tolist() for column in (self.theirs, self.ours, self.parts)]
        return fingerprint_of(self.whole.fingerprint(), shares, self.classes)
