"""One resampler for everything: antialiased bilinear and bicubic kernels, over boxes between whole pixels too.

A kernel's weights come in two forms. As a matrix they resize whole pictures, all alike: two products an exported file
can hold. As a few taps an output pixel they cut views, each from a box of its own: of a row of the matrix all but two
to four entries are zero, and a product with it would take thirty times the work.

Shapes: N batch, H W pixels in, h w pixels out, K taps. Pictures are uint8 (N, H, W, 3), RGB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Interpolation = Literal["bilinear", "bicubic"]

_CACHED = 2**18  # floats of a block's largest table, 1 MB: what a core's own cache holds
_SUPPORT = {"bilinear": 1, "bicubic": 2}  # half the width of a kernel, in pixels of the coarser grid


class Interval(NamedTuple):
    """A stretch of an axis for each picture: start and length, both (N,), in pixels."""

    start: Tensor
    length: Tensor


class Taps(NamedTuple):
    """For each output pixel of an axis the input pixels it is made of.

    Attributes:
        pixel: int64 (N, out, K), each inside the axis.
        weight: float32 (N, out, K), zero where a tap is not used; they sum to one over K.
    """

    pixel: Tensor
    weight: Tensor


def resampling_matrix(interval: Interval, size_in: int, size_out: int, interpolation: Interpolation) -> Tensor:
    """The antialiased resampling of an interval of an axis, as a matrix.

    The kernel is widened by the reduction factor when it reduces, as PIL and torch's `antialias=True` do; taps
    outside the interval are left out and the rest renormalised, so a crop never sees pixels beyond its box.

    Args:
        interval: each inside [0, size_in).
        size_in, size_out: pixels of the axis before and after.

    Returns:
        float32 (N, size_out, size_in), rows summing to one.
    """
    every = torch.arange(size_in, device=interval.start.device, dtype=torch.float32).view(1, 1, -1)
    return _weights(interval, every, _centres(interval, size_out), size_out, interpolation)


def resampling_taps(interval: Interval, size_in: int, size_out: int, interpolation: Interpolation) -> Taps:
    """The entries of `resampling_matrix` that are not zero, K to a row.

    K follows from the sizes alone, as if the interval were the whole axis, so no value is read back from a device.
    """
    pixels, weight = _taps(interval, size_in / size_out, size_out, interpolation)
    return Taps(pixels.clamp_(0, size_in - 1).long(), weight)


def padded_taps(interval: Interval, size_in: int, size_out: int, interpolation: Interpolation, zoom: float) -> Taps:
    """The same of intervals that reach over the ends of the axis, to where there is padding.

    Args:
        zoom: how many times the axis the longest of them is at most.

    Returns:
        taps whose weights sum to the share that the axis has in an output pixel; the rest is padding's.
    """
    pixels, weight = _taps(interval, zoom * size_in / size_out, size_out, interpolation)
    weight = weight * ((pixels >= 0) & (pixels < size_in))
    return Taps(pixels.clamp_(0, size_in - 1).long(), weight)


def _taps(interval: Interval, reduction: float, size_out: int, interpolation: Interpolation) -> tuple[Tensor, Tensor]:
    """Of each output pixel the input pixels, which may be outside of the axis, and their weights: (N, size_out, K).

    Args:
        reduction: the largest there can be, from which K follows.
    """
    support = _SUPPORT[interpolation]
    count = math.ceil(2 * support * max(1.0, reduction))
    centres = _centres(interval, size_out)
    reach = support * (interval.length.float().view(-1, 1, 1) / size_out).clamp(min=1.0)
    first = torch.floor(centres - reach + 0.5)
    pixels = first + torch.arange(count, device=first.device, dtype=torch.float32)
    return pixels, _weights(interval, pixels, centres, size_out, interpolation)


def _centres(interval: Interval, size_out: int) -> Tensor:
    """Where the centres of the output pixels lie on the input axis: (N, size_out, 1)."""
    start, length = (values.float().view(-1, 1, 1) for values in interval)
    out = torch.arange(size_out, device=start.device, dtype=torch.float32).view(1, -1, 1)
    return start + (out + 0.5) * (length / size_out)


def _weights(
    interval: Interval, pixels: Tensor, centres: Tensor, size_out: int, interpolation: Interpolation
) -> Tensor:
    """What input pixels (N, size_out, any number), counted from 0, weigh in each output pixel."""
    start, length = (values.float().view(-1, 1, 1) for values in interval)
    pixels = pixels + 0.5
    distance = ((centres - pixels) / (length / size_out).clamp(min=1.0)).abs()
    if interpolation == "bilinear":
        weights = (1 - distance).clamp(min=0)
    else:
        a = -0.5  # Keys' cubic as PIL and torch's antialiased bicubic have it
        near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
        far = ((distance - 5) * distance + 8) * distance * a - 4 * a
        weights = torch.where(distance < 1, near, torch.where(distance < 2, far, torch.zeros_like(distance)))
    weights = weights * ((pixels > start) & (pixels < start + length))
    return weights / weights.sum(dim=-1, keepdim=True)


def resample(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Resize pictures all alike.

    Args:
        pictures: uint8 or float (N, H, W, 3).
        rows: float32 (1, h, H). columns: float32 (1, w, W).

    Returns:
        float32 (N, 3, h, w) on the scale of the input, not rounded and not clamped.
    """
    planes = pictures.permute(0, 3, 1, 2).float()
    # Not in bf16, whatever a training step runs in: its 8 bits would be a grey level or more.
    with torch.autocast(pictures.device.type, enabled=False):
        return rows.unsqueeze(1) @ planes @ columns.transpose(1, 2).unsqueeze(1)


def resample_each(pictures: Tensor, rows: Taps, columns: Taps) -> Iterator[Tensor]:
    """Resize a box of each picture; which one, its taps say.

    Args:
        pictures: uint8 (N, H, W, 3).
        rows: (N, h, K). columns: (N, w, K).

    Yields:
        float32 (n, 3, h, w) for the first n pictures, the next n and so on, in any memory order, on 0..255, not rounded
        and not clamped. On a CPU n is small: outside a core's cache, turning planes around takes four times as long.
    """
    count, height, width, _ = pictures.shape
    out_height, out_width = rows.pixel.shape[1], columns.pixel.shape[1]
    block = count
    if pictures.device.type == "cpu":
        block = min(count, max(1, _CACHED // (3 * max(height, out_height) * max(width, out_width))))
    # Both sums run over the first axis of a table whose rows are contiguous, so the picture is turned around between
    # them, and once more by whoever copies what comes out.
    place = torch.arange(count, device=pictures.device).view(-1, 1, 1) % block
    vertical, horizontal = rows.pixel + place * height, columns.pixel + place * width
    for start in range(0, count, block):
        part = slice(start, start + block)
        lines = pictures[part].float().reshape(-1, width * 3)
        low = _sum(lines, vertical[part], rows.weight[part]).view(-1, out_height, width, 3)
        turned = low.permute(0, 2, 3, 1).contiguous().view(-1, 3 * out_height)
        narrow = _sum(turned, horizontal[part], columns.weight[part]).view(-1, out_width, 3, out_height)
        yield narrow.permute(0, 2, 3, 1)


def _sum(table: Tensor, pixel: Tensor, weight: Tensor) -> Tensor:
    """Weighted sums of a table's rows, one for each entry of ``pixel`` but for its last axis, K."""
    taps = pixel.shape[-1]
    return F.embedding_bag(pixel.view(-1, taps), table, mode="sum", per_sample_weights=weight.view(-1, taps))
