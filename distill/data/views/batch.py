"""What the loader hands to a module: whole uint8 pictures and the numbers of their views.

Shapes: N batch, C classes or attributes, H W pixels of the prepared pictures.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor

from distill.data.views.targets import BatchTargets
from distill.objectives.top import TopAnswers


@dataclass
class ViewBatch:
    """N views not yet cut.

    Attributes:
        index: int64 (N,), position in the training set.
        pictures: uint8 (N, H, W, 3).
        box: float32 (N, 4), top, left, height, width of the crop in pixels; what is outside of the picture is grey.
        flip: bool (N,). color: float32 (N, 3), factors of brightness, contrast, saturation.
        targets: what is known of the pictures, by column; places are shares of the view.
        weight: float32 (N,), the share of `partner` in the mixture, or None where nothing is mixed.
        partner: the views mixed in, whose own weight and partner are None.
        patch: float32 (N, 4), the part of the view that `partner` covers, of area `weight`: top, left, height, width as
            shares of the view; None where it shines through everywhere.
        answers: what a stored teacher answered to these views by name, (N, ...) or the largest logits; None where it
            is to be asked.
        zoomed: int64 (M,), the rows of views whose box is larger than the picture; None where there can be none.
        zoom: how many times the sides of the picture theirs are at most.
    """

    index: Tensor
    pictures: Tensor
    box: Tensor
    flip: Tensor
    color: Tensor
    targets: BatchTargets
    weight: Tensor | None = None
    partner: Self | None = None
    patch: Tensor | None = None
    answers: dict[str, Tensor | TopAnswers] | None = None
    zoomed: Tensor | None = None
    zoom: float = 1.0

    def __len__(self) -> int:
        return len(self.index)

    @property
    def labels(self) -> Tensor:
        """int8 (N, C), 1 present, 0 absent, -1 unknown; C = 0 without labels."""
        return self.targets.fixed("labels")

    def _map(self, function: str, *args: object, **kwargs: object) -> Self:
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float):
                moved[field.name] = value
            elif isinstance(value, dict):
                moved[field.name] = {key: getattr(one, function)(*args, **kwargs) for key, one in value.items()}
            else:
                moved[field.name] = None if value is None else getattr(value, function)(*args, **kwargs)
        return type(self)(**moved)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The same batch on another device; Lightning calls this."""
        return self._map("to", device, non_blocking=non_blocking)

    def pin_memory(self) -> Self:
        """The same batch in page-locked memory; torch's DataLoader calls this."""
        return self._map("pin_memory")


@dataclass
class PictureBatch:
    """Whole pictures to evaluate.

    Attributes:
        pictures: uint8 (N, H, W, 3).
        truths: what their outputs are scored against, by column: all that is known of them, and what a task adds, such
            as a teacher's answers (N, D). Places are shares of the picture.
    """

    pictures: Tensor
    truths: BatchTargets
