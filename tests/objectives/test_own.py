"""A loss of one's own is minimised as it is, and one that averages by itself is refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from distill.errors import DistillError
from distill.objectives import OwnLoss

STUDENT, TEACHER = (
    torch.tensor([[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]]),
    torch.tensor([[0.0, 1.0], [2.0, 1.0], [1.0, 1.0]]),
)
NUMBERS = torch.tensor([1, 0, 1])


def weighted(student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    return (student - teacher).abs().sum(dim=1) + F.cross_entropy(student, labels, reduction="none")


def test_it_is_given_tensors_and_the_labels_as_they_are() -> None:
    objective = OwnLoss(weighted)
    found = objective({"logits": STUDENT}, {"logits": TEACHER}, {"labels": NUMBERS})["loss"]
    for picture, value in enumerate(found.tolist()):
        s, t = STUDENT[picture].tolist(), TEACHER[picture].tolist()
        log_p = s[NUMBERS[picture]] - torch.tensor(s).exp().sum().log().item()
        assert value == pytest.approx(sum(abs(a - b) for a, b in zip(s, t, strict=True)) - log_p, rel=1e-6)
    assert objective.name == "weighted" and objective.needs_labels is None


def test_several_tensors_come_by_name_and_missing_labels_as_none() -> None:
    def paired(student: dict[str, Tensor], teacher: Tensor, labels: None) -> Tensor:
        assert student.keys() == {"logits", "features"} and isinstance(teacher, Tensor) and labels is None
        return student["features"].sum(dim=1)

    found = OwnLoss(paired)({"logits": STUDENT, "features": STUDENT}, {"logits": TEACHER}, {})
    assert torch.equal(found["loss"], STUDENT.sum(dim=1))


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (lambda s, t, y: F.mse_loss(s, t), r"gives \(\) for 3 pictures, .* one value a picture, \(3,\)"),
        (lambda s, t, y: (s - t).square(), r"gives \(3, 2\)"),
        (lambda s, t, y: 1.0, "gives float"),
    ],
)
def test_what_is_no_value_a_picture_is_refused(loss: object, found: str) -> None:
    with pytest.raises(DistillError, match=found):
        OwnLoss(loss)({"logits": STUDENT}, {"logits": TEACHER}, {})  # type: ignore[arg-type]


def test_a_teacher_teaches_nothing_with_one_number_missing() -> None:
    objective = OwnLoss(weighted)
    assert bool(objective.can_teach({"logits": TEACHER, "features": STUDENT}))
    assert not bool(objective.can_teach({"logits": TEACHER, "features": STUDENT / 0}))
