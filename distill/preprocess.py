"""From uint8 pictures to what a network eats: one resampler, one normalisation, used everywhere.

Training views, evaluation, prediction and the exported files all resample through `resampling_matrix`, so the kernel
named in a file's metadata is the kernel the student was trained with. A resize is two small matrix products, rows
then columns; crop and flip are only other matrices, which is why a whole batch of different crops is one pass.

Shapes: N batch, H W pixels in, h w pixels out. Pictures are uint8 (N, H, W, 3), RGB; networks eat float (N, 3, h, w).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from distill.errors import DistillError

Interpolation = Literal["bilinear", "bicubic"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocess:
    """The input contract of one network.

    `mean` and `std` are of values in 0..1 and channels in RGB order, as timm's `pretrained_cfg` has them.
    """

    height: int
    width: int
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise DistillError(f"preprocess: the size is {self.height} x {self.width}, expected positive pixels.")
        if self.interpolation not in get_args(Interpolation):
            raise DistillError(
                f"preprocess: interpolation is {self.interpolation!r}, expected one of {get_args(Interpolation)}."
            )
        if min(self.std) <= 0:
            raise DistillError(f"preprocess: std is {self.std}, expected positive values of the 0..1 scale.")

    def normalize(self, pixels: Tensor) -> Tensor:
        """Float (N, 3, h, w) on the 0..255 scale to zero mean and unit deviation."""
        mean = torch.tensor(self.mean, dtype=pixels.dtype, device=pixels.device).mul(255).view(1, 3, 1, 1)
        scale = torch.tensor(self.std, dtype=pixels.dtype, device=pixels.device).mul(255).reciprocal().view(1, 3, 1, 1)
        return (pixels - mean) * scale

    def resize(self, pictures: Tensor) -> Tensor:
        """uint8 (N, H, W, 3) of any size to uint8 (N, h, w, 3) of this network's."""
        return resize(pictures, self.height, self.width, self.interpolation)

    def __call__(self, pictures: Tensor) -> Tensor:
        """uint8 (N, H, W, 3) of any size to normalised float (N, 3, h, w): what an exported file does inside."""
        return self.normalize(self.resize(pictures).permute(0, 3, 1, 2).float())


def resampling_matrix(
    start: Tensor, length: Tensor, size_in: int, size_out: int, interpolation: Interpolation
) -> Tensor:
    """The antialiased resampling of the interval [start, start + length) of an axis, as a matrix.

    The kernel is widened by the reduction factor when it reduces, as PIL and torch's `antialias=True` do; taps
    outside the interval are left out and the rest renormalised, so a crop never sees pixels beyond its box.

    Args:
        start, length: (N,) pixels, each box inside [0, size_in).
        size_in, size_out: pixels of the axis before and after.

    Returns:
        float32 (N, size_out, size_in), rows summing to one.
    """
    start, length = start.float().view(-1, 1, 1), length.float().view(-1, 1, 1)
    scale = length / size_out
    widening = scale.clamp(min=1.0)
    out = torch.arange(size_out, device=start.device, dtype=torch.float32).view(1, -1, 1)
    taps = torch.arange(size_in, device=start.device, dtype=torch.float32).view(1, 1, -1) + 0.5
    distance = ((start + (out + 0.5) * scale - taps) / widening).abs()
    if interpolation == "bilinear":
        weights = (1 - distance).clamp(min=0)
    else:
        a = -0.5  # Keys' cubic as PIL and torch's antialiased bicubic have it
        near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
        far = ((distance - 5) * distance + 8) * distance * a - 4 * a
        weights = torch.where(distance < 1, near, torch.where(distance < 2, far, torch.zeros_like(distance)))
    weights = weights * ((taps > start) & (taps < start + length))
    return weights / weights.sum(dim=-1, keepdim=True)


def resample(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply one row matrix and one column matrix to each picture.

    Args:
        pictures: uint8 or float (N, H, W, 3).
        rows: float32 (N, h, H). columns: float32 (N, w, W); either may have N = 1 for all alike.

    Returns:
        float32 (N, 3, h, w) on the scale of the input, not rounded and not clamped.
    """
    planes = pictures.permute(0, 3, 1, 2).float()
    return rows.unsqueeze(1) @ planes @ columns.transpose(1, 2).unsqueeze(1)


def resize(pictures: Tensor, height: int, width: int, interpolation: Interpolation = "bilinear") -> Tensor:
    """uint8 (N, H, W, 3) to uint8 (N, height, width, 3), antialiased, rounded to nearest."""
    _, size_y, size_x, _ = pictures.shape
    if (size_y, size_x) == (height, width):
        return pictures
    zero = torch.zeros(1, device=pictures.device)
    rows = resampling_matrix(zero, zero + size_y, size_y, height, interpolation)
    columns = resampling_matrix(zero, zero + size_x, size_x, width, interpolation)
    pixels = resample(pictures, rows, columns).round_().clamp_(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous()


def fit(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest centred box of the wanted shape, resized: uint8 (H, W, 3) to uint8 (height, width, 3)."""
    size_y, size_x, _ = picture.shape
    box_y = min(size_y, max(1, round(size_x * height / width)))
    box_x = min(size_x, max(1, round(size_y * width / height)))
    top, left = (size_y - box_y) // 2, (size_x - box_x) // 2
    box = np.ascontiguousarray(picture[top : top + box_y, left : left + box_x])
    return resize(torch.from_numpy(box).unsqueeze(0), height, width)[0].numpy()
