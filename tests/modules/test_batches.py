"""What a module takes for a batch, and what it makes of it."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.modules.batches import Pixels, labels_of
from distill.preprocess.preprocess import Preprocess

UINT8 = torch.randint(0, 256, (4, 20, 16, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
FLOAT = UINT8.permute(0, 3, 1, 2) / 255
LABELS = torch.tensor([[1, 0, -1]] * 4)


def views(train: Pictures, **keys: Any) -> ViewBatch:
    return next(iter(ViewLoader(train, Views(**keys), batch_size=8, seed=0)))


@pytest.mark.parametrize(
    "preprocess", [Preprocess.imagenet(20, 16), Preprocess.imagenet(9, 7, "bicubic"), Preprocess.imagenet(24, 24)]
)
def test_bytes_and_floats_are_the_same_pixels(preprocess: Preprocess) -> None:
    rounded = preprocess.resize(UINT8).permute(0, 3, 1, 2).float()
    for batch in (UINT8, FLOAT, [UINT8], (FLOAT,), (UINT8, LABELS), [FLOAT, LABELS]):
        found = Pixels(batch).at(preprocess)
        assert found.dtype == torch.float32
        assert (found.clamp(0, 255) - rounded).abs().max() <= 0.5 + 1e-3


def test_views_are_cut(train: Pictures) -> None:
    batch = views(train, mixup=0.4)
    assert torch.equal(Pixels(batch).at(Preprocess.imagenet(9, 7)), cut(batch, Preprocess.imagenet(9, 7)))


def test_one_cut_serves_teacher_and_student_of_one_size_whatever_their_normalisation(train: Pictures) -> None:
    pixels = Pixels(views(train))
    student = Preprocess.imagenet(8, 8)
    teacher = replace(student, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    assert pixels.at(student) is pixels.at(teacher)
    others = [
        Preprocess.imagenet(8, 9),
        Preprocess.imagenet(8, 8, "bicubic"),
        Preprocess.imagenet(8, 8, crop=(0.1, 0.1, 0.8, 0.8)),
    ]
    for other in others:
        assert pixels.at(other).shape != pixels.at(student).shape or not torch.equal(
            pixels.at(other), pixels.at(student)
        )


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        ("a string", "str"),
        ([], "list"),
        ({"image": UINT8}, "dict"),
        (UINT8[0], r"torch.uint8 \(20, 16, 3\)"),
        (UINT8.permute(0, 3, 1, 2), r"torch.uint8 \(4, 3, 20, 16\)"),
        (FLOAT.permute(0, 2, 3, 1), r"torch.float32 \(4, 20, 16, 3\)"),
        (FLOAT[:, :1], r"torch.float32 \(4, 1, 20, 16\)"),
        (UINT8.int(), r"torch.int32 \(4, 20, 16, 3\)"),
        ([LABELS, UINT8], r"torch.int64 \(4, 3\)"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(batch: Any, found: str) -> None:
    with pytest.raises(
        DistillError, match=rf"a batch of {found} was loaded; expected a ViewBatch, images, or \(images, lab"
    ):
        Pixels(batch)


def test_labels_of_a_loader_of_ones_own() -> None:
    assert labels_of((UINT8, LABELS)) is LABELS and labels_of([FLOAT, LABELS]) is LABELS
    for batch in (UINT8, [UINT8], (FLOAT,)):
        assert labels_of(batch) is None


def test_labels_of_views(train: Pictures) -> None:
    batch = views(train)
    found = labels_of(batch)
    assert found is not None and torch.equal(found, batch.labels.float())
    unlabelled = replace(batch.targets, columns={**batch.targets, "labels": batch.labels[:, :0]})
    assert labels_of(replace(batch, targets=unlabelled)) is None


@pytest.mark.parametrize("how", ["mixup", "cutmix"])
def test_labels_of_a_mixture_are_mixed_where_both_are_known(train: Pictures, how: str) -> None:
    batch = views(train, **{how: 0.4})
    found = labels_of(batch)
    assert found is not None and batch.partner is not None and batch.weight is not None
    unknown = 0
    for i, c in ((i, c) for i in range(8) for c in range(3)):
        one, two, w = int(batch.labels[i, c]), int(batch.partner.labels[i, c]), float(batch.weight[i])
        if min(one, two) < 0:
            unknown += 1
            assert found[i, c] < 0
        else:
            assert float(found[i, c]) == pytest.approx((1 - w) * one + w * two, abs=1e-6)
    assert 0 < unknown < 24


def test_labels_go_by_the_area_that_is_covered(train: Pictures) -> None:
    batch = views(train, cutmix=1.0)
    black, white = torch.zeros_like(batch.pictures), torch.full_like(batch.pictures, 255)
    assert batch.partner is not None and batch.weight is not None
    plain = torch.ones_like(batch.color)
    shown = replace(batch, pictures=black, color=plain, partner=replace(batch.partner, pictures=white, color=plain))
    light = Pixels(shown).at(Preprocess.imagenet(50, 40)).mean(dim=(1, 2, 3)) / 255
    torch.testing.assert_close(light, batch.weight, rtol=0, atol=1e-5)
    assert batch.weight.min() < 0.2 and batch.weight.max() > 0.8


def test_bf16_training_leaves_the_pixels_in_fp32(train: Pictures) -> None:
    batch = views(train, mixup=0.3)
    plain = Pixels(batch).at(Preprocess.imagenet(24, 24))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = Pixels(batch).at(Preprocess.imagenet(24, 24))
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, plain)
