"""From a `ViewBatch` to pixels, on the device, in one pass for a whole batch (law 2).

Crop, mirror image and resize are one product with two small matrices per picture, so a view is resampled once, straight
from the prepared pixels to a network's own resolution; cutting integer boxes first would resample twice or quantise
the box. Teacher and student cut the same view each at its own size.

Shapes: N batch, H W prepared pixels, h w a network's pixels.
"""

import torch
from torch import Tensor

from distill.data.batch import ViewBatch
from distill.preprocess import Preprocess, resample

_LUMA = (0.299, 0.587, 0.114)
_MID_GREY = 127.5


def cut(batch: ViewBatch, preprocess: Preprocess) -> Tensor:
    """Cut, colour and mix the views at one network's size; of each view it sees its `crop`.

    Returns:
        float32 (N, 3, h, w) on 0..255, not normalised.
    """
    _, height, width, _ = batch.pictures.shape
    rows, columns = preprocess.matrices(batch.box, batch.flip, height, width)
    pixels = recolor(resample(batch.pictures, rows, columns), batch.color)
    if batch.partner is not None and batch.weight is not None:
        pixels = torch.lerp(pixels, cut(batch.partner, preprocess), batch.weight.view(-1, 1, 1, 1))
    return pixels


def recolor(pixels: Tensor, color: Tensor) -> Tensor:
    """Scale brightness about black, contrast about mid-grey, saturation about each pixel's luma; clamp to 0..255.

    Args:
        pixels: float (N, 3, h, w) on 0..255.
        color: (N, 3), factors of brightness, contrast, saturation.
    """
    brightness, contrast, saturation = (column.view(-1, 1, 1, 1) for column in color.unbind(1))
    # Gain is folded into one factor: a pass over the pixels costs as much as the resampling.
    luma = sum(weight * pixels[:, i : i + 1] for i, weight in enumerate(_LUMA))
    gain = brightness * contrast
    return (pixels * (gain * saturation) + luma * (gain * (1 - saturation)) + _MID_GREY * (1 - contrast)).clamp(0, 255)
