"""A teacher of other classes: its probabilities against a matrix product in plain numpy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from distill.answers.kind import Shares
from distill.answers.logits import CLAMP
from distill.errors import DistillError
from distill.preprocess.preprocess import Preprocess
from teachers.shared_teacher import SharedTeacher
from teachers.teacher import Teacher

LOGITS = torch.tensor([[1.0, 0.0, -1.0, 2.0], [0.0, 0.0, 9.0, 0.0]])
SHARES = Shares(np.array([0, 1, 1, 3]), np.array([0, 0, 2, 2]), np.array([1.0, 0.25, 0.75, 1.0]))


class Fixed(Teacher):
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        return {"logits": LOGITS}

    def fingerprint(self) -> str:
        return "fixed"


def whole() -> Teacher:
    return Fixed("whole", Preprocess(8, 8, "bilinear", (0.5,) * 3, (0.5,) * 3), 4, None)


def test_probabilities_go_where_the_shares_say() -> None:
    teacher = SharedTeacher(whole(), SHARES, ("a", "b", "c"))
    matrix = np.zeros((4, 3))
    matrix[SHARES.theirs, SHARES.ours] = SHARES.parts
    expected = (torch.softmax(LOGITS, 1).numpy() @ matrix).clip(CLAMP)
    np.testing.assert_allclose(teacher(torch.zeros(2, 3, 8, 8))["logits"].exp().numpy(), expected, rtol=1e-5)
    assert teacher.fingerprint() != SharedTeacher(whole(), SHARES, ("a", "b", "d")).fingerprint()


def test_nothing_in_common_is_refused() -> None:
    none = Shares(*(np.zeros(0, dtype) for dtype in (np.int64, np.int64, np.float64)))
    with pytest.raises(DistillError, match="none of its 4 classes has anything in common"):
        SharedTeacher(whole(), none, ("a",))
