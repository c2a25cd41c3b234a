"""From uint8 pictures to what a network eats: one resampler, one normalisation, used everywhere.

Training views, evaluation, prediction and the exported files all resample with the kernels of
`distill.preprocess.resampling`, so the kernel named in a file's metadata is the kernel the student was trained with.

Shapes: N batch, H W pixels in, h w pixels out. Pictures are uint8 (N, H, W, 3), RGB; networks eat float (N, 3, h, w).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple, NoReturn, Self, get_args

import numpy as np
import torch
from torch import Tensor

from distill.errors import DistillError
from distill.preprocess.resampling import (
    Interpolation,
    Interval,
    Taps,
    resample,
    resample_each,
    resampling_matrix,
    resampling_taps,
)
from distill.preprocess.units import check_units, listed

Crop = tuple[float, float, float, float]
"""Top, left, height, width of a box as shares of the picture."""

WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)

Channels = Literal["rgb", "bgr"]
"""The order of the three channels in which a network eats a picture; pictures themselves are always RGB."""

Fit = Literal["crop", "stretch", "pad", "pad_corner"]
"""How a picture of another shape becomes one of the wanted size: its largest centred box of that shape, resized; all of
it, squeezed; or all of it in its own shape on grey (`PADDING`), centred or in the upper left corner."""

PADDING = 114  # of all three channels; what detectors are mostly trained with

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_SMALLEST_CROP = 2  # pixels; in less, no pixel's centre need lie inside


class PixelBox(NamedTuple):
    """Whole pixels of a picture, as a box."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.left + self.width)


def _asked_for(key: str) -> Callable[[], NoReturn]:
    """In place of a default: networks differ in it, and a wrong one raises no error and only costs accuracy."""

    def refuse() -> NoReturn:
        raise DistillError(
            f"preprocess: {key} is missing. Give the one that the network was trained with, of values in 0..1; "
            "Preprocess.imagenet(height, width) has those of most."
        )

    return refuse


@dataclass(frozen=True)
class Preprocess:
    """The input contract of one network.

    `mean` and `std` are of values in 0..1 and channels in RGB order, as timm's `pretrained_cfg` has them; they
    have no default. `crop` is the part of a prepared picture, or of a view of one, that the network sees; only that is
    brought to `height` x `width`. `channels` is the order in which the network eats them once they are normalised: mean
    and deviation of red stay with red.
    """

    height: int
    width: int
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, float, float] = field(default_factory=_asked_for("mean"))
    std: tuple[float, float, float] = field(default_factory=_asked_for("std"))
    crop: Crop = WHOLE
    channels: Channels = "rgb"

    @classmethod
    def imagenet(cls, height: int, width: int, interpolation: Interpolation = "bilinear", crop: Crop = WHOLE) -> Self:
        """With ImageNet's mean and deviation, which most public networks were trained with."""
        return cls(height, width, interpolation, IMAGENET_MEAN, IMAGENET_STD, crop)

    @classmethod
    def resizing(cls, height: int, width: int, interpolation: Interpolation = "bilinear", crop: Crop = WHOLE) -> Self:
        """Of what is only resized: mean 0 and deviation 1/255 leave values on 0..255."""
        return cls(height, width, interpolation, (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255), crop)

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise DistillError(f"preprocess: the size is {self.height} x {self.width}, expected positive pixels.")
        if self.interpolation not in get_args(Interpolation):
            raise DistillError(
                f"preprocess: interpolation is {self.interpolation!r}, expected one of {get_args(Interpolation)}."
            )
        if min(self.std) <= 0:
            raise DistillError(f"preprocess: std is {self.std}, expected positive values of the 0..1 scale.")
        check_units(self.mean, self.std)
        if not is_crop(self.crop):
            raise DistillError(
                f"preprocess: crop is {self.crop}, expected top, left, height, width as shares of the picture: a box "
                "of positive size inside 0..1."
            )
        if self.channels not in get_args(Channels):
            raise DistillError(f"preprocess: channels is {self.channels!r}, expected one of {get_args(Channels)}.")

    def facts(self) -> dict[str, Any]:
        """The fields, for JSON, fingerprints and keys.

        `channels` stands there only where it is not `rgb`: what was known before there was a choice stays known.
        """
        facts = asdict(self)
        if self.channels == "rgb":
            del facts["channels"]
        return facts

    def __repr__(self) -> str:
        """Its `facts`: the description of a network that has one inside is part of a stage's key."""
        return f"Preprocess({', '.join(f'{key}={value!r}' for key, value in self.facts().items())})"

    @property
    def words(self) -> str:
        """The contract for a person."""
        part = "whole" if self.crop == WHOLE else f"crop {listed(self.crop)}"
        scale = f"mean {listed(self.mean)}, std {listed(self.std)}"
        return f"{self.height} x {self.width} pixels, {part}, {self.interpolation}, {self.channels}, {scale}"

    def ordered(self, pixels: Tensor) -> Tensor:
        """(N, 3, h, w) in RGB order to the same in the network's."""
        return pixels if self.channels == "rgb" else pixels.flip(1)

    def normalize(self, pixels: Tensor) -> Tensor:
        """Float (N, 3, h, w), RGB on the 0..255 scale, to zero mean and unit deviation in the network's order."""
        mean = torch.tensor(self.mean, dtype=pixels.dtype).mul(255).view(1, 3, 1, 1)
        scale = torch.tensor(self.std, dtype=pixels.dtype).mul(255).reciprocal().view(1, 3, 1, 1)
        return self.ordered((pixels - _sent(mean, pixels)) * _sent(scale, pixels))

    def intervals(self, box: Tensor, flip: Tensor) -> tuple[Interval, Interval]:
        """This network's share of each box, vertically and horizontally.

        Args:
            box: (N, 4), top, left, height, width in pixels of the pictures.
            flip: bool (N,); a mirrored view is cropped after it was mirrored.
        """
        top, left, height, width = box.unbind(1)
        crop_top, crop_left, crop_height, crop_width = self.crop
        share_left = torch.where(flip, 1 - crop_left - crop_width, crop_left)
        return (
            Interval(top + crop_top * height, crop_height * height),
            Interval(left + share_left * width, crop_width * width),
        )

    def scale(self, images: Tensor) -> Tensor:
        """uint8 or float (N, H, W, 3) of any size to float32 (N, 3, h, w) on the same scale, not rounded.

        Raises:
            DistillError: the crop leaves less than two pixels of an axis.
        """
        _, height, width, _ = images.shape
        if (height, width, self.crop) == (self.height, self.width, WHOLE):
            return images.permute(0, 3, 1, 2).float()
        if self.crop != WHOLE and min(self.crop[2] * height, self.crop[3] * width) < _SMALLEST_CROP:
            raise DistillError(f"preprocess: crop {self.crop} leaves less than two pixels of {height} x {width}.")
        box = _sent(torch.tensor([[0.0, 0.0, height, width]]), images)
        vertical, horizontal = self.intervals(box, torch.zeros(1, dtype=torch.bool, device=images.device))
        rows = resampling_matrix(vertical, height, self.height, self.interpolation)
        columns = resampling_matrix(horizontal, width, self.width, self.interpolation)
        return resample(images, rows, columns)

    def resize(self, pictures: Tensor) -> Tensor:
        """uint8 (N, H, W, 3) of any size to uint8 (N, h, w, 3), antialiased, rounded to nearest."""
        if (pictures.shape[1], pictures.shape[2], self.crop) == (self.height, self.width, WHOLE):
            return pictures
        return self.scale(pictures).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()

    def __call__(self, pictures: Tensor) -> Tensor:
        """uint8 (N, H, W, 3) of any size to normalised float (N, 3, h, w): what an exported file does inside."""
        return self.normalize(self.resize(pictures).permute(0, 3, 1, 2).float())


def _sent(values: Tensor, to: Tensor) -> Tensor:
    """A few numbers on the other tensor's device; given to `torch.tensor`, the device would finish its queue first."""
    return values.to(to.device, non_blocking=True)


def is_crop(crop: Crop) -> bool:
    """Whether the box has a size and lies inside the picture, to the rounding of shares that add up to one."""
    top, left, height, width = crop
    inside = max(top + height, left + width) <= 1 + 1e-6
    return min(top, left) >= 0 and min(height, width) > 0 and inside


def fit(picture: np.ndarray, height: int, width: int, how: Fit = "crop") -> np.ndarray:
    """A picture brought to one size: uint8 (H, W, 3) to uint8 (height, width, 3).

    A picture of that size comes back as it is.
    """
    size_y, size_x, _ = picture.shape
    if (size_y, size_x) == (height, width):
        return picture
    shown, filled = fitting(size_y, size_x, height, width, how)
    part = np.ascontiguousarray(picture[shown.rows, shown.columns])
    rows, columns = _whole(shown.height, filled.height), _whole(shown.width, filled.width)
    (pixels,) = resample_each(torch.from_numpy(part).unsqueeze(0), rows, columns)
    resized = pixels[0].round_().clamp_(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    if how in ("crop", "stretch"):
        return np.ascontiguousarray(resized)
    padded = np.full((height, width, 3), PADDING, np.uint8)
    padded[filled.rows, filled.columns] = resized
    return padded


def fitting(size_y: int, size_x: int, height: int, width: int, how: Fit) -> tuple[PixelBox, PixelBox]:
    """Of a picture of size_y x size_x pixels the part that is shown, and the part of height x width that it fills."""
    whole, filled = PixelBox(0, 0, size_y, size_x), PixelBox(0, 0, height, width)
    if how == "stretch":
        return whole, filled
    if how == "crop":
        return _centred(size_y, size_x, height, width), filled
    centred = _centred(height, width, size_y, size_x)
    return whole, centred if how == "pad" else centred._replace(top=0, left=0)


def into_source(
    size_y: int, size_x: int, height: int, width: int, how: Fit
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Back from a fitted picture: of a place in it, x and y as shares, what is multiplied to have pixels of the picture
    of size_y x size_x that it was made of, and what is added to that."""
    shown, filled = fitting(size_y, size_x, height, width, how)
    scale_x, scale_y = shown.width / filled.width, shown.height / filled.height
    scale = scale_x * width, scale_y * height
    return scale, (shown.left - filled.left * scale_x, shown.top - filled.top * scale_y)


def _centred(size_y: int, size_x: int, height: int, width: int) -> PixelBox:
    """The largest part of size_y x size_x pixels that has the shape of height x width, centred."""
    box_y = min(size_y, max(1, round(size_x * height / width)))
    box_x = min(size_x, max(1, round(size_y * width / height)))
    return PixelBox((size_y - box_y) // 2, (size_x - box_x) // 2, box_y, box_x)


@lru_cache
def _whole(before: int, after: int) -> Taps:
    """Of a whole axis; the pictures of a set are mostly of a few sizes."""
    return resampling_taps(Interval(torch.zeros(1), torch.tensor([before])), before, after, "bilinear")
