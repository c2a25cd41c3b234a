"""From a `ViewBatch` to pixels, on the device, in one pass for a whole batch.

Crop, mirror image and resize are one choice of taps per picture, so a view is resampled once, straight from the
prepared pixels to a network's own resolution; cutting integer boxes first would resample twice or quantise the box.
Teacher and student cut the same view each at its own size.

Shapes: N batch, H W prepared pixels, h w a network's pixels.
"""

import torch
from torch import Tensor

from distill.data.views.batch import ViewBatch
from distill.preprocess.preprocess import PADDING, Preprocess
from distill.preprocess.resampling import Taps, padded_taps, resample_each, resampling_taps

_LUMA = (0.299, 0.587, 0.114)
_MID_GREY = 127.5


def cut(batch: ViewBatch, preprocess: Preprocess) -> Tensor:
    """Cut, colour and mix the views at one network's size; of each view it sees its `crop`.

    Returns:
        float32 (N, 3, h, w) on 0..255, not normalised.
    """
    pixels = crop(batch, preprocess, batch.color)
    if batch.partner is not None and batch.weight is not None:
        share = batch.weight.view(-1, 1, 1, 1) if batch.patch is None else coverage(batch.patch, preprocess)
        pixels = pixels.lerp_(cut(batch.partner, preprocess), share)
    return pixels


def coverage(patch: Tensor, preprocess: Preprocess) -> Tensor:
    """How much of each pixel a patch of the view covers, as one network sees the view.

    An edge between two pixels covers a part of one, so networks of all sizes see the patch at one place.

    Args:
        patch: (N, 4), top, left, height, width as shares of the view.

    Returns:
        float (N, 1, h, w), from 0 to 1.
    """
    top, left, height, width = patch.unbind(1)
    crop_top, crop_left, crop_height, crop_width = preprocess.crop
    rows = _covered((top - crop_top) / crop_height, height / crop_height, preprocess.height)
    columns = _covered((left - crop_left) / crop_width, width / crop_width, preprocess.width)
    return (rows.unsqueeze(2) * columns.unsqueeze(1)).unsqueeze(1)


def _covered(start: Tensor, length: Tensor, pixels: int) -> Tensor:
    """Of an axis, (N, pixels): the part of each pixel between start and start + length (N,), shares of the axis."""
    edge = torch.arange(pixels, device=start.device)
    first, last = (start * pixels).unsqueeze(1), ((start + length) * pixels).unsqueeze(1)
    return (torch.minimum(last, edge + 1) - torch.maximum(first, edge)).clamp(0, 1)


def crop(batch: ViewBatch, preprocess: Preprocess, color: Tensor | None = None) -> Tensor:
    """The views at one network's size without what is mixed in, and without colours unless they are given.

    Args:
        color: (N, 3), as `recolor` takes them.
    """
    _, height, width, _ = batch.pictures.shape
    vertical, horizontal = preprocess.intervals(_inside(batch), batch.flip)
    rows = resampling_taps(vertical, height, preprocess.height, preprocess.interpolation)
    columns = _mirrored(resampling_taps(horizontal, width, preprocess.width, preprocess.interpolation), batch.flip)
    # In the memory order the resampler leaves: whoever needs another turns the pixels around once, not twice.
    out = rows.weight.new_empty((len(batch), preprocess.width, 3, preprocess.height)).permute(0, 2, 3, 1)
    start = 0
    for pixels in resample_each(batch.pictures, rows, columns):
        end = start + len(pixels)
        out[start:end] = pixels if color is None else recolor(pixels, color[start:end])
        start = end
    if batch.zoomed is not None and len(batch.zoomed):
        pixels = _on_grey(batch, batch.zoomed, preprocess)
        out[batch.zoomed] = pixels if color is None else recolor(pixels, color[batch.zoomed])
    return out


def _inside(batch: ViewBatch) -> Tensor:
    """The boxes (N, 4); those larger than the picture as large as it, for they are cut by themselves: they take several
    times the taps."""
    if batch.zoomed is None:
        return batch.box
    _, height, width, _ = batch.pictures.shape
    top, left, box_height, box_width = batch.box.unbind(1)
    parts = (top.clamp(min=0), left.clamp(min=0), box_height.clamp(max=height), box_width.clamp(max=width))
    return torch.stack(parts, dim=1)


def _on_grey(batch: ViewBatch, rows: Tensor, preprocess: Preprocess) -> Tensor:
    """Some views, int64 (M,), with grey where they reach over the picture: float32 (M, 3, h, w).

    As of a picture that was padded first, without making one: where the kernel reaches over an edge, grey has the share
    that the picture's pixels leave.
    """
    _, height, width, _ = batch.pictures.shape
    flip = batch.flip[rows]
    vertical, horizontal = preprocess.intervals(batch.box[rows], flip)
    down = padded_taps(vertical, height, preprocess.height, preprocess.interpolation, batch.zoom)
    across = padded_taps(horizontal, width, preprocess.width, preprocess.interpolation, batch.zoom)
    across = _mirrored(across, flip)
    shown = down.weight.sum(dim=2).unsqueeze(2) * across.weight.sum(dim=2).unsqueeze(1)
    pixels = torch.cat(list(resample_each(batch.pictures[rows], down, across)))
    return pixels + (PADDING * (1 - shown)).unsqueeze(1)


def _mirrored(columns: Taps, flip: Tensor) -> Taps:
    """The taps of an axis, those of mirrored views, bool (N,), in the other order."""
    mirrored = flip.view(-1, 1, 1)
    return Taps(*(torch.where(mirrored, values.flip(1), values) for values in columns))


def recolor(pixels: Tensor, color: Tensor) -> Tensor:
    """Scale brightness about black, contrast about mid-grey, saturation about each pixel's luma; clamp to 0..255.

    Args:
        pixels: float (N, 3, h, w) on 0..255.
        color: (N, 3), factors of brightness, contrast, saturation.
    """
    brightness, contrast, saturation = (column.view(-1, 1, 1, 1) for column in color.unbind(1))
    # All three are one gain, one share of grey and one offset: each pass over the pixels that is saved counts.
    gain = brightness * contrast
    share = gain * (1 - saturation)
    grey = pixels[:, :1] * (_LUMA[0] * share) + _MID_GREY * (1 - contrast)
    for channel in (1, 2):
        grey.addcmul_(pixels[:, channel : channel + 1], _LUMA[channel] * share)
    return torch.addcmul(grey, pixels, gain * saturation).clamp_(0, 255)
