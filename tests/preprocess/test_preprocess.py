"""One resampler, held against torch's own antialiased one."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from distill.errors import DistillError
from distill.preprocess.preprocess import IMAGENET_MEAN, IMAGENET_STD, Fit, Preprocess, fit
from distill.preprocess.resampling import Interpolation

SIZES = [((20, 16), (9, 7)), ((9, 7), (20, 16)), ((20, 16), (10, 8)), ((13, 30), (30, 13)), ((5, 5), (1, 1))]


def pictures(height: int, width: int, count: int = 3) -> Tensor:
    noise = torch.randint(0, 256, (count, height, width, 3), generator=torch.Generator().manual_seed(0))
    return noise.to(torch.uint8)


def reference(images: Tensor, size: tuple[int, int], interpolation: Interpolation) -> Tensor:
    """uint8 (N, H, W, 3) to float (N, 3, h, w) by torch."""
    planes = images.permute(0, 3, 1, 2).float()
    return F.interpolate(planes, size, mode=interpolation, antialias=True, align_corners=False)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("before", "after"), SIZES)
def test_a_resize_is_torchs(before: tuple[int, int], after: tuple[int, int], interpolation: Interpolation) -> None:
    found = Preprocess.imagenet(*after, interpolation).resize(pictures(*before))
    expected = reference(pictures(*before), after, interpolation).clamp(0, 255)
    assert found.dtype == torch.uint8 and found.shape == (3, *after, 3)
    # A level is half rounding; the rest is float32 arithmetic in another order.
    assert (found.permute(0, 3, 1, 2).float() - expected).abs().max() <= 0.5 + 1e-3


def test_a_picture_of_the_right_size_is_untouched() -> None:
    right = pictures(9, 7)
    for interpolation in ("bilinear", "bicubic"):
        assert torch.equal(Preprocess.imagenet(9, 7, interpolation).resize(right), right)


def test_each_picture_is_resized_as_if_alone() -> None:
    preprocess = Preprocess.imagenet(7, 9, "bicubic")
    together = preprocess.resize(pictures(20, 16))
    assert all(
        torch.equal(preprocess.resize(one[None])[0], two) for one, two in zip(pictures(20, 16), together, strict=True)
    )


def test_normalisation_is_on_the_scale_of_0_to_1() -> None:
    preprocess = Preprocess(2, 2, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
    picture = torch.tensor([0, 51, 102, 255], dtype=torch.uint8).view(1, 2, 2, 1).expand(1, 2, 2, 3)
    found = preprocess(picture)
    assert found.shape == (1, 3, 2, 2)
    for c, (mean, std) in enumerate(zip(preprocess.mean, preprocess.std, strict=True)):
        for i, level in enumerate((0, 51, 102, 255)):
            assert float(found[0, c, i // 2, i % 2]) == pytest.approx((level / 255 - mean) / std, abs=1e-5)


def test_what_a_file_does_inside_is_resize_then_normalise() -> None:
    preprocess = Preprocess.imagenet(8, 8, "bicubic")
    rounded = preprocess.resize(pictures(20, 16)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preprocess.mean, preprocess.std))
    torch.testing.assert_close(preprocess(pictures(20, 16)), (rounded - mean) / std, rtol=1e-4, atol=1e-5)


def test_a_crop_is_cut_out_and_then_resized() -> None:
    whole = Preprocess.imagenet(6, 5, "bicubic")
    cropped = replace(whole, crop=(4 / 20, 2 / 16, 12 / 20, 8 / 16))
    expected = whole.resize(pictures(20, 16)[:, 4:16, 2:10])
    assert (cropped.resize(pictures(20, 16)).int() - expected.int()).abs().max() <= 1


@pytest.mark.parametrize("axis", [0, 1])
def test_a_crop_holds_two_pixels_of_each_axis(axis: int) -> None:
    """Of 8 pixels a quarter is two, of 7 it is less."""
    crop = (0.0, 0.0, 0.25, 1.0) if axis == 0 else (0.0, 0.0, 1.0, 0.25)
    sizes = {length: (length, 20) if axis == 0 else (20, length) for length in (7, 8)}
    preprocess = Preprocess.imagenet(4, 4, crop=crop)
    with pytest.raises(DistillError, match=rf"leaves less than two pixels of {sizes[7][0]} x {sizes[7][1]}"):
        preprocess.scale(pictures(*sizes[7]))  # 1.75
    assert preprocess.scale(pictures(*sizes[8])).shape == (3, 3, 4, 4)
    assert Preprocess.imagenet(4, 4).scale(pictures(1, 1)).shape == (3, 3, 4, 4)  # the whole of a pixel has its centre


def test_fit_leaves_a_picture_of_the_right_size_untouched() -> None:
    picture = pictures(20, 16)[0].numpy()
    for how in get_args(Fit):
        assert fit(picture, 20, 16, how) is picture


@pytest.mark.parametrize(("shape", "rows", "columns"), [((30, 16), (5, 25), (0, 16)), ((20, 33), (0, 20), (8, 24))])
def test_fit_keeps_the_middle(shape: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]) -> None:
    picture = pictures(*shape)[0]
    middle = picture[slice(*rows), slice(*columns)]
    assert np.array_equal(fit(picture.numpy(), 20, 16), middle.numpy())
    expected = reference(middle[None], (10, 8), "bilinear")[0].permute(1, 2, 0)
    assert np.abs(fit(picture.numpy(), 10, 8) - expected.numpy()).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("size", [(20, 16), (10, 8), (31, 64)])
@pytest.mark.parametrize("shape", [(30, 16), (20, 33), (7, 7)])
def test_a_stretched_picture_is_all_of_it(shape: tuple[int, int], size: tuple[int, int]) -> None:
    picture = pictures(*shape)[0]
    expected = reference(picture[None], size, "bilinear")[0].permute(1, 2, 0)
    assert np.abs(fit(picture.numpy(), *size, "stretch") - expected.numpy()).max() <= 0.5 + 1e-3


@pytest.mark.parametrize(
    ("shape", "size", "filled"),
    [
        ((30, 16), (30, 30), (0, 7, 30, 16)),
        ((16, 30), (30, 30), (7, 0, 16, 30)),
        ((20, 33), (10, 8), (2, 0, 5, 8)),
        ((100, 3), (10, 10), (0, 4, 10, 1)),  # a third of a pixel is shown as one
        ((5, 7), (20, 40), (0, 6, 20, 28)),
    ],
)
def test_a_padded_picture_lies_whole_on_grey(
    shape: tuple[int, int], size: tuple[int, int], filled: tuple[int, int, int, int]
) -> None:
    picture = pictures(*shape)[0]
    found = fit(picture.numpy(), *size, "pad")
    top, left, height, width = filled
    inside = found[top : top + height, left : left + width]
    expected = reference(picture[None], (height, width), "bilinear")[0].permute(1, 2, 0)
    assert np.abs(inside - expected.numpy()).max() <= 0.5 + 1e-3
    outside = np.ones(size, bool)
    outside[top : top + height, left : left + width] = False
    assert (found[outside] == 114).all()
    cornered = fit(picture.numpy(), *size, "pad_corner")
    assert np.array_equal(cornered[:height, :width], inside)
    assert (cornered[height:] == 114).all() and (cornered[:, width:] == 114).all()


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"height": 0}, "0 x 8"),
        ({"width": -1}, "8 x -1"),
        ({"interpolation": "nearest"}, "'nearest', expected one of .*bilinear"),
        ({"std": (0.2, 0.0, 0.2)}, "std is"),
        ({"crop": (0.5, 0.0, 0.6, 1.0)}, "crop is"),
        ({"crop": (0.0, 0.0, 0.0, 1.0)}, "crop is"),
        ({"channels": "gbr"}, "channels is 'gbr', expected one of .*bgr"),
    ],
)
def test_an_impossible_contract_is_refused(keys: dict[str, Any], found: str) -> None:
    with pytest.raises(DistillError, match=found):
        Preprocess(**{"height": 8, "width": 8, "mean": IMAGENET_MEAN, "std": IMAGENET_STD, **keys})


@pytest.mark.parametrize(
    ("given", "missing"), [({}, "mean"), ({"mean": IMAGENET_MEAN}, "std"), ({"std": IMAGENET_STD}, "mean")]
)
def test_mean_and_deviation_have_no_default(given: dict[str, Any], missing: str) -> None:
    with pytest.raises(DistillError, match=f"preprocess: {missing} is missing"):
        Preprocess(8, 8, **given)


def test_imagenets_are_timms_and_what_is_only_resized_keeps_its_values() -> None:
    from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

    named = Preprocess.imagenet(8, 6, "bicubic", (0.1, 0.0, 0.9, 1.0))
    assert named == Preprocess(8, 6, "bicubic", IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, (0.1, 0.0, 0.9, 1.0))
    values = torch.arange(256.0).repeat(3).view(1, 3, 16, 16)
    torch.testing.assert_close(Preprocess.resizing(16, 16).normalize(values), values, rtol=1e-6, atol=0)


def test_bgr_is_rgb_turned_around_once_it_is_normalised() -> None:
    rgb = Preprocess(8, 8, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
    bgr = replace(rgb, channels="bgr")
    assert torch.equal(bgr(pictures(20, 16)), rgb(pictures(20, 16))[:, [2, 1, 0]])
    assert torch.equal(bgr.resize(pictures(20, 16)), rgb.resize(pictures(20, 16)))  # pictures themselves stay RGB


def test_what_was_known_of_rgb_stays_known() -> None:
    rgb = Preprocess(8, 6, "bicubic", (0.5,) * 3, (0.25,) * 3)
    before = {
        "height": 8,
        "width": 6,
        "interpolation": "bicubic",
        "mean": (0.5,) * 3,
        "std": (0.25,) * 3,
        "crop": (0.0, 0.0, 1.0, 1.0),
    }
    assert rgb.facts() == before
    assert repr(rgb) == f"Preprocess({', '.join(f'{key}={value!r}' for key, value in before.items())})"
    assert replace(rgb, channels="bgr").facts() == before | {"channels": "bgr"}
