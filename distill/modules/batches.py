"""What a module accepts as a batch, brought to one form: pixels at a network's size, and labels.

Shapes: N batch, C classes or attributes, H W pixels of the pictures, h w a network's pixels.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.data.views.targets import RaggedTensor
from distill.errors import DistillError
from distill.objectives.top import TopAnswers
from distill.preprocess.preprocess import Crop, Preprocess

_ACCEPTED = "a ViewBatch, images, or (images, labels); images are uint8 (N, H, W, 3) or float (N, 3, H, W) from 0 to 1"


class Pixels:
    """The pixels of one batch at the sizes asked for; teacher and student of one size share them."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch if isinstance(batch, ViewBatch) else _images(batch)
        self._cut: dict[tuple[int, int, str, Crop], Tensor] = {}

    @property
    def answers(self) -> dict[str, Tensor | TopAnswers] | None:
        """What a stored teacher answered to the batch; None where there is none."""
        return self._batch.answers if isinstance(self._batch, ViewBatch) else None

    def at(self, preprocess: Preprocess) -> Tensor:
        """float32 (N, 3, h, w) on 0..255."""
        key = (preprocess.height, preprocess.width, preprocess.interpolation, preprocess.crop)
        if key not in self._cut:
            batch = self._batch
            self._cut[key] = cut(batch, preprocess) if isinstance(batch, ViewBatch) else preprocess.scale(batch)
        return self._cut[key]


def targets_of(batch: Any, preprocess: Preprocess) -> dict[str, Tensor | RaggedTensor]:
    """What is known of a batch by column, as a network of this contract sees it: labels of a mixture are mixed, places
    are shares of what it sees. `labels` is left out where the batch has none."""
    columns = dict(batch.targets.in_crop(preprocess.crop)) if isinstance(batch, ViewBatch) else {}
    labels = labels_of(batch)
    if labels is None:
        columns.pop("labels", None)
        return columns
    return columns | {"labels": labels}


def labels_of(batch: Any) -> Tensor | None:
    """Labels (N, C), those of a mixture mixed, or of a loader of one's own class numbers (N,); unknown ones negative.
    None where the batch has none."""
    if not isinstance(batch, ViewBatch):
        return batch[1] if isinstance(batch, Sequence) and len(batch) > 1 else None
    if batch.labels.shape[1] == 0:
        return None
    labels = batch.labels.float()
    if batch.partner is None or batch.weight is None:
        return labels
    other = batch.partner.labels.float()
    mixed = torch.lerp(labels, other, batch.weight.view(-1, 1))
    return torch.where((labels < 0) | (other < 0), -1.0, mixed)


def _images(batch: Any) -> Tensor:
    images = batch[0] if isinstance(batch, Sequence) and len(batch) else batch
    if isinstance(images, Tensor) and images.ndim == 4:
        if images.dtype == torch.uint8 and images.shape[3] == 3:
            return images
        if images.is_floating_point() and images.shape[1] == 3:
            return images.permute(0, 2, 3, 1) * 255
    found = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
    raise DistillError(f"a batch of {found} was loaded; expected {_ACCEPTED}.")
