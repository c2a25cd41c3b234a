"""From pictures and numbers to pixels, held against plain cropping, flipping and resizing."""

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import coverage, cut, recolor
from distill.data.views.targets import BatchTargets
from distill.preprocess import resampling
from distill.preprocess.preprocess import Preprocess
from distill.preprocess.resampling import Interpolation

N, HEIGHT, WIDTH = 4, 40, 32


def pictures(seed: int = 0, smooth: int = 1) -> Tensor:
    """uint8 (N, H, W, 3); noise whose blobs are about ``smooth`` pixels wide."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(N, 3, HEIGHT // smooth, WIDTH // smooth, generator=random) * 255
    return F.interpolate(coarse, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8)


def whole(images: Tensor, **fields: Any) -> ViewBatch:
    """Views that change nothing, but for ``fields``."""
    unchanged = ViewBatch(
        index=torch.arange(N),
        pictures=images,
        box=torch.tensor([[0.0, 0.0, HEIGHT, WIDTH]]).repeat(N, 1),
        flip=torch.zeros(N, dtype=torch.bool),
        color=torch.ones(N, 3),
        targets=BatchTargets({"labels": torch.zeros(N, 0, dtype=torch.int8)}),
    )
    return replace(unchanged, **fields)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(12, 10), (40, 32), (50, 60)])
def test_the_whole_picture_is_what_evaluation_sees(size: tuple[int, int], interpolation: Interpolation) -> None:
    preprocess = Preprocess.imagenet(*size, interpolation)
    found = cut(whole(pictures()), preprocess)
    assert found.dtype == torch.float32 and found.shape == (N, 3, *size)
    # Evaluation rounds to whole levels, as an exported file does; training does not.
    rounded = preprocess.resize(pictures()).permute(0, 3, 1, 2).float()
    assert (found - rounded).abs().max() <= 0.5 + 1e-3


def test_a_flip_mirrors_only_the_pictures_it_is_drawn_for() -> None:
    preprocess = Preprocess.imagenet(13, 11, "bicubic")
    box = torch.tensor([[3.2, 1.7, 30.1, 22.9]]).repeat(N, 1)
    straight = cut(whole(pictures(), box=box), preprocess)
    flip = torch.tensor([True, False, False, True])
    found = cut(whole(pictures(), box=box, flip=flip), preprocess)
    for i in range(N):
        expected = straight[i].flip(-1) if flip[i] else straight[i]
        torch.testing.assert_close(found[i], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(9, 7), (48, 40)])
def test_a_box_of_whole_pixels_is_cropped_and_resized(size: tuple[int, int], interpolation: Interpolation) -> None:
    boxes = [(0, 0, 40, 32), (5, 3, 20, 18), (31, 24, 9, 8), (2, 0, 38, 5)]
    found = cut(whole(pictures(), box=torch.tensor(boxes).float()), Preprocess.imagenet(*size, interpolation))
    for i, (top, left, height, width) in enumerate(boxes):
        crop = pictures()[i, top : top + height, left : left + width].permute(2, 0, 1)[None].float()
        expected = F.interpolate(crop, size, mode=interpolation, antialias=True, align_corners=False)[0]
        torch.testing.assert_close(found[i], expected.clamp(0, 255), rtol=0, atol=5e-3)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(9, 7), (12, 20), (48, 40), (160, 128)])
def test_what_is_outside_of_the_picture_is_grey(size: tuple[int, int], interpolation: Interpolation) -> None:
    """Held against a picture that is padded first and then resized by torch."""
    boxes = [(-10, -20, 80, 96), (0, -3, 44, 35), (-120, 0, 160, 128), (-7, -1, 47, 33)]
    flip = torch.tensor([False, True, True, False])
    zoomed = whole(pictures(), box=torch.tensor(boxes).float(), flip=flip, zoomed=torch.arange(N), zoom=4.0)
    found = cut(zoomed, Preprocess.imagenet(*size, interpolation))
    part = cut(zoomed, Preprocess.imagenet(*size, interpolation, crop=(0.25, 0.5, 0.5, 0.25)))
    for i, (top, left, height, width) in enumerate(boxes):
        canvas = torch.full((1, 3, height, width), 114.0)
        canvas[:, :, -top : HEIGHT - top, -left : WIDTH - left] = pictures()[i].permute(2, 0, 1)
        canvas = canvas.flip(-1) if flip[i] else canvas
        expected = F.interpolate(canvas, size, mode=interpolation, antialias=True, align_corners=False)[0]
        torch.testing.assert_close(found[i], expected.clamp(0, 255), rtol=0, atol=2e-2)
        if height % 4 == 0 and width % 4 == 0:
            canvas = canvas[:, :, height // 4 : 3 * height // 4, width // 2 : 3 * width // 4]
            expected = F.interpolate(canvas, size, mode=interpolation, antialias=True, align_corners=False)[0]
            torch.testing.assert_close(part[i], expected.clamp(0, 255), rtol=0, atol=2e-2)


def test_views_beside_those_zoomed_out_are_cut_to_the_bit_as_without_them() -> None:
    box = torch.tensor([[3.3, 2.1, 30.2, 24.4], [-8.0, -5.0, 60.0, 48.0], [6.0, 6.0, 28.0, 25.0], [0, 0, 40.0, 32.0]])
    usual = whole(pictures(), flip=torch.tensor([True, False, True, False]), color=torch.full((N, 3), 1.2))
    usual = replace(usual, box=torch.where(box[:, :1] < 0, usual.box, box))
    mixed = replace(usual, box=box, zoomed=torch.tensor([1]), zoom=2.0)
    preprocess = Preprocess.imagenet(12, 10)
    found, plain = cut(mixed, preprocess), cut(usual, preprocess)
    assert torch.equal(found[[0, 2, 3]], plain[[0, 2, 3]]) and not torch.equal(found[1], plain[1])
    alone = ViewBatch(
        *(getattr(mixed, name)[1:2] for name in ("index", "pictures", "box", "flip", "color")), mixed.targets
    )
    torch.testing.assert_close(
        cut(replace(alone, zoomed=torch.tensor([0]), zoom=2.0), preprocess)[0], found[1], rtol=0, atol=1e-4
    )
    torch.testing.assert_close(
        found, recolor(cut(replace(mixed, color=torch.ones(N, 3)), preprocess), mixed.color), rtol=0, atol=1e-3
    )
    nothing = replace(usual, zoomed=torch.zeros(0, dtype=torch.int64), zoom=4.0)
    assert torch.equal(cut(nothing, preprocess), plain)
    assert mixed.to("meta").zoom == 2.0


def test_a_box_between_pixels_moves_a_ramp_by_as_much() -> None:
    ramp = torch.arange(WIDTH).mul(4).to(torch.uint8).view(1, 1, WIDTH, 1).repeat(N, HEIGHT, 1, 3)
    box = torch.tensor([[0.0, 4 + shift, HEIGHT, 20.0] for shift in (0.0, 0.25, 0.5, 0.75)])
    found = cut(whole(ramp, box=box), Preprocess.imagenet(HEIGHT, 20))
    for i, shift in enumerate((0.0, 0.25, 0.5, 0.75)):
        # At the edges the box ends and there is nothing further out to interpolate with.
        expected = torch.tensor([4 * (4 + shift + x) for x in range(1, 19)])
        torch.testing.assert_close(found[i, 0, 0, 1:-1], expected, rtol=0, atol=1e-3)


def test_mixing_is_linear_in_two_finished_views() -> None:
    one = whole(pictures(0), color=torch.full((N, 3), 1.5))
    two = whole(
        pictures(1),
        flip=torch.ones(N, dtype=torch.bool),
        box=torch.tensor([[2.0, 1.0, 30.0, 25.0]]).repeat(N, 1),
        color=torch.full((N, 3), 0.6),
    )
    weight = torch.tensor([0.0, 0.1, 0.35, 0.5])
    preprocess = Preprocess.imagenet(10, 10)
    first, second = cut(one, preprocess), cut(two, preprocess)
    share = weight.view(N, 1, 1, 1)
    mixed = cut(replace(one, weight=weight, partner=two), preprocess)
    torch.testing.assert_close(mixed, (1 - share) * first + share * second, rtol=0, atol=1e-3)


def test_a_patch_shows_the_partners_finished_view_and_nothing_else_does() -> None:
    one = whole(pictures(0), color=torch.full((N, 3), 1.5))
    two = whole(pictures(1), flip=torch.ones(N, dtype=torch.bool))
    preprocess = Preprocess.imagenet(20, 16, "bicubic")
    first, second = cut(one, preprocess), cut(two, preprocess)
    # In pixels of the network: none, a box, a whole row, all.
    boxes = [(0, 0, 0, 0), (3, 5, 8, 6), (7, 0, 1, 16), (0, 0, 20, 16)]
    patch = torch.tensor(boxes) / torch.tensor([20, 16, 20, 16])
    found = cut(replace(one, weight=patch[:, 2] * patch[:, 3], partner=two, patch=patch), preprocess)
    for i, (top, left, height, width) in enumerate(boxes):
        expected = first[i].clone()
        expected[:, top : top + height, left : left + width] = second[i, :, top : top + height, left : left + width]
        torch.testing.assert_close(found[i], expected, rtol=0, atol=1e-2)


@pytest.mark.parametrize("size", [(40, 32), (9, 7), (224, 224)])
def test_a_patch_covers_its_share_of_every_network(size: tuple[int, int]) -> None:
    patch = torch.tensor([[0.131, 0.577, 0.25, 0.3], [0.5, 0.0, 0.01, 0.02], [0.2, 0.1, 0.75, 0.9], [0, 0, 1, 1.0]])
    found = coverage(patch, Preprocess.imagenet(*size))
    assert found.shape == (N, 1, *size) and found.min() >= 0 and found.max() <= 1
    torch.testing.assert_close(found.mean(dim=(1, 2, 3)), patch[:, 2] * patch[:, 3], rtol=0, atol=1e-5)


def test_a_network_that_sees_a_part_of_the_view_sees_that_part_of_the_patch() -> None:
    patch = torch.tensor([[0.25, 0.5, 0.5, 0.25]])
    whole_view = coverage(patch, Preprocess.imagenet(40, 32))
    part = coverage(patch, Preprocess.imagenet(20, 8, crop=(0.25, 0.5, 0.5, 0.25)))
    assert torch.equal(part, torch.ones(1, 1, 20, 8))
    wider = coverage(patch, Preprocess.imagenet(30, 16, crop=(0.0, 0.5, 0.75, 0.5)))
    torch.testing.assert_close(wider, whole_view[:, :, :30, 16:], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "color", [(1.0, 1.0, 1.0), (1.3, 1, 1), (1, 0.6, 1), (1, 1, 1.8), (0.8, 1.2, 0.0), (1.9, 1.9, 1.9)]
)
def test_colour_is_brightness_then_contrast_then_saturation(color: tuple[float, float, float]) -> None:
    brightness, contrast, saturation = color
    levels = [[12.0, 200.0, 90.0], [255.0, 0.0, 30.0], [128.0, 128.0, 128.0]]
    pixels = torch.tensor(levels).T.reshape(1, 3, 1, 3)
    found = recolor(pixels, torch.tensor([color]))
    for x, pixel in enumerate(levels):
        brighter = [brightness * level for level in pixel]
        contrasted = [127.5 + contrast * (level - 127.5) for level in brighter]
        luma = 0.299 * contrasted[0] + 0.587 * contrasted[1] + 0.114 * contrasted[2]
        for c in range(3):
            expected = min(255.0, max(0.0, luma + saturation * (contrasted[c] - luma)))
            assert float(found[0, c, 0, x]) == pytest.approx(expected, abs=1e-2)


def test_colour_is_each_pictures_own() -> None:
    color = torch.rand(N, 3, generator=torch.Generator().manual_seed(0)) + 0.5
    found = cut(whole(pictures(), color=color), Preprocess.imagenet(8, 8))
    plain = cut(whole(pictures()), Preprocess.imagenet(8, 8))
    for i in range(N):
        torch.testing.assert_close(found[i : i + 1], recolor(plain[i : i + 1], color[i : i + 1]), rtol=0, atol=1e-3)


def test_views_are_cut_alike_however_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    box = torch.tensor([[3.3, 2.1, 30.2, 24.4], [0.0, 5.0, 33.0, 26.5], [6.0, 6.0, 28.0, 25.0], [1.5, 0.5, 36.0, 31.0]])
    batch = whole(pictures(), box=box, flip=torch.tensor([True, False, True, False]), color=torch.full((N, 3), 1.2))
    together = cut(batch, Preprocess.imagenet(12, 10))
    monkeypatch.setattr(resampling, "_CACHED", 3 * 3 * HEIGHT * WIDTH)  # three at a time, and one
    assert torch.equal(cut(batch, Preprocess.imagenet(12, 10)), together)


def test_teacher_and_student_see_the_same_view_at_their_own_size() -> None:
    images = pictures(smooth=8)
    box = torch.tensor([[3.3, 2.1, 30.2, 24.4], [0.0, 5.0, 33.0, 26.5], [6.0, 6.0, 28.0, 25.0], [1.5, 0.5, 36.0, 31.0]])
    batch = whole(images, box=box, flip=torch.tensor([True, False, True, False]), color=torch.full((N, 3), 1.2))
    small = Preprocess.imagenet(12, 12)
    teacher, student = cut(batch, Preprocess.imagenet(48, 48, "bicubic")), cut(batch, small)
    reduced = F.interpolate(teacher, (12, 12), mode="bilinear", antialias=True)
    same = (reduced - student).abs().mean()
    moved = (reduced - cut(replace(batch, box=box + torch.tensor([2.0, 0.0, 0.0, 0.0])), small)).abs().mean()
    mirrored = (reduced - cut(replace(batch, flip=~batch.flip), small)).abs().mean()
    assert same < 3 < 20 < min(moved, mirrored)
