"""Answers as rows of a file: several tensors in a record, or the largest logits and the mass of the rest."""

import math

import numpy as np
import pytest
import torch

from distill.errors import DistillError
from distill.objectives import BernoulliKl, SoftmaxKl
from distill.objectives.logits import softmax_kl
from distill.objectives.top import softmax_kl_of_top
from distill.store.codec import NamedCodec, TopCodec, codec_of


def logits(pictures: int = 6, classes: int = 40, spread: float = 3.0) -> torch.Tensor:
    return spread * torch.randn(pictures, classes, generator=torch.Generator().manual_seed(1))


def probabilities(row: list[float], temperature: float) -> list[float]:
    largest = max(row)
    powers = [math.exp((value - largest) / temperature) for value in row]
    return [power / sum(powers) for power in powers]


def test_ten_of_them_take_46_bytes() -> None:
    codec = TopCodec(1000, 10)
    assert codec.encode({"logits": logits(classes=1000)}).nbytes == 6 * 46 and codec.dtype.itemsize == 46


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("offset", [0.0, 3000.0])  # where float16 is no finer than 2
def test_divergence_is_that_of_lumped_distributions(temperature: float, offset: float) -> None:
    teacher, student = logits(), logits(spread=2.0).flip(0)
    answers = TopCodec(40, 5).decode(TopCodec(40, 5).encode({"logits": teacher + offset}))
    found = softmax_kl_of_top(student, answers, temperature)
    for row, other, value in zip(teacher.tolist(), student.tolist(), found.tolist(), strict=True):
        p, q = probabilities(row, temperature), probabilities(other, temperature)
        top = sorted(range(40), key=lambda c: -row[c])[:5]
        pairs = [(p[c], q[c]) for c in top]
        pairs.append((1 - sum(one for one, _ in pairs), 1 - sum(other for _, other in pairs)))
        expected = temperature**2 * sum(one * math.log(one / other) for one, other in pairs)
        assert value == pytest.approx(expected, rel=5e-3)
    assert (found <= softmax_kl(student, teacher, temperature) * 1.005).all()


def test_zero_where_the_student_is_the_teacher() -> None:
    teacher = logits()
    answers = TopCodec(40, 5).decode(TopCodec(40, 5).encode({"logits": teacher}))
    assert softmax_kl_of_top(teacher, answers, 2.0).abs().max() < 1e-4


def test_finite_for_a_certain_teacher_and_student() -> None:
    teacher = torch.zeros(2, 40)
    teacher[:, 3] = 400.0
    student = (-teacher).requires_grad_()
    answers = TopCodec(40, 5).decode(TopCodec(40, 5).encode({"logits": teacher}))
    value = softmax_kl_of_top(student, answers, 1.0)
    value.sum().backward()
    assert student.grad is not None and value.isfinite().all() and student.grad.isfinite().all()


def test_classes_that_a_graph_masks_have_no_probability() -> None:
    teacher = logits(classes=8)
    teacher[:, 3:] = -65504.0
    answers = TopCodec(8, 5).decode(TopCodec(8, 5).encode({"logits": teacher + 30 * torch.eye(8)[0]}))
    assert answers.logits.isfinite().all()
    assert softmax_kl_of_top(logits(classes=8), answers, 1.0).isfinite().all()


def test_logits_larger_than_float16_holds() -> None:
    whole = logits().round()  # so that float32 holds the sums exactly
    np.testing.assert_array_equal(
        TopCodec(40, 5).encode({"logits": whole + 1e5}), TopCodec(40, 5).encode({"logits": whole})
    )


def test_a_temperature_at_which_the_rest_is_unknown() -> None:
    answers = TopCodec(40, 5).decode(TopCodec(40, 5).encode({"logits": logits()}))
    with pytest.raises(DistillError, match=r"temperature is 3\.0.*known at 1, 2, 4 alone"):
        SoftmaxKl(temperature=3.0)({"logits": logits()}, {"logits": answers}, {})


def test_attributes_need_all_logits() -> None:
    answers = TopCodec(40, 5).decode(TopCodec(40, 5).encode({"logits": logits()}))
    with pytest.raises(DistillError, match=r"needs all logits of the teacher, and the store kept its 5 largest"):
        BernoulliKl()({"logits": logits()}, {"logits": answers}, {})


@pytest.mark.parametrize("top", [0, 40, 41])
def test_more_than_there_are_classes(top: int) -> None:
    with pytest.raises(DistillError, match=rf"top is {top}, expected 1 to 39: the teacher has 40 classes"):
        TopCodec(40, top)


def test_no_more_classes_than_two_bytes_number() -> None:
    answers = torch.zeros(1, 65_536)
    answers[0, -1] = 1
    assert TopCodec(65_536, 1).encode({"logits": answers})["classes"].tolist() == [[65_535]]
    with pytest.raises(DistillError, match="65537 classes, and at most 65,536 can be numbered"):
        TopCodec(65_537, 1)


def test_the_classes_are_the_largest_in_order() -> None:
    teacher = logits()
    rows = TopCodec(40, 3).encode({"logits": teacher})
    for row, classes in zip(teacher.tolist(), rows["classes"].tolist(), strict=True):
        assert classes == sorted(range(40), key=lambda c: -row[c])[:3]
    assert np.all(rows["logits"][:, 0] == 0)


BOXES: dict[str, tuple[int, ...]] = {"scores": (5,), "boxes": (4, 2), "count": ()}


def detections(pictures: int = 7) -> dict[str, torch.Tensor]:
    """In another order than that of the fields."""
    generator = torch.Generator().manual_seed(2)
    tensors = {name: torch.randn(pictures, *shape, generator=generator) for name, shape in BOXES.items()}
    return {name: tensors[name] for name in ("count", "boxes", "scores")}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_tensors_by_name_come_back_as_they_were(dtype: str) -> None:
    codec, answers = codec_of(BOXES, dtype, None), detections()
    assert isinstance(codec, NamedCodec) and codec.dtype.names == ("scores", "boxes", "count")
    rows = codec.encode(answers)
    assert rows.shape == (7, *codec.row) and rows.nbytes == 7 * (5 + 8 + 1) * np.dtype(dtype).itemsize
    chosen = [6, 0, 3]
    found = codec.decode(rows[chosen])
    assert found.keys() == answers.keys()
    for name, tensor in answers.items():
        expected = tensor.numpy().astype(dtype)[chosen]
        assert found[name].numpy().dtype == dtype and np.array_equal(found[name].numpy(), expected)


def test_a_record_is_read_without_this_project() -> None:
    """A row is its fields one after another."""
    answers = detections()
    rows = codec_of(BOXES, "float32", None).encode(answers)
    flat = np.concatenate([answers[name].numpy().reshape(7, -1) for name in BOXES], axis=1)
    assert rows.tobytes() == flat.tobytes()


def test_a_number_of_one_tensor_that_float16_cannot_hold() -> None:
    answers = detections()
    answers["boxes"][4, 1, 0] = -7e4
    with pytest.raises(DistillError, match=r"answers 70000, and float16 ends at 65504\. Store float32"):
        codec_of(BOXES, "float16", None).encode(answers)
    assert codec_of(BOXES, "float32", None).encode(answers)["boxes"][4, 1, 0] == np.float32(-7e4)


def test_of_several_tensors_none_is_left_out() -> None:
    with pytest.raises(DistillError, match="top is 3: of logits alone, and the teacher gives scores, boxes, count"):
        codec_of(BOXES, "float16", 3)
