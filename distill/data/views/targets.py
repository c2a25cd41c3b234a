"""The targets of a batch, and how those that have a place move with what is shown of the picture.

Shapes: N batch, R rows of a ragged column.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from distill.data.targets import Column, Place, Ragged, Values, take
from distill.preprocess.preprocess import WHOLE, Crop


@dataclass(frozen=True, eq=False)
class RaggedTensor:
    """Rows of N pictures, end to end.

    Attributes:
        rows: (R, ...).
        offsets: int64 (N + 1,); picture i has rows offsets[i] to offsets[i + 1].
    """

    rows: Tensor
    offsets: Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, picture: int) -> Tensor:
        """The rows of one picture."""
        return self.rows[self.offsets[picture] : self.offsets[picture + 1]]

    @property
    def pictures(self) -> Tensor:
        """int64 (R,), whose row each is."""
        number = torch.arange(len(self), device=self.offsets.device)
        return number.repeat_interleave(self.offsets.diff(), output_size=len(self.rows))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The same on another device."""
        return type(self)(*(part.to(device, non_blocking=non_blocking) for part in (self.rows, self.offsets)))

    def pin_memory(self) -> Self:
        """The same in page-locked memory."""
        return type(self)(self.rows.pin_memory(), self.offsets.pin_memory())


@dataclass(frozen=True, eq=False)
class BatchTargets(Mapping[str, Tensor | RaggedTensor]):
    """What is known of a batch's pictures, by column.

    Attributes:
        columns: the values of each (N, ...), or ragged.
        places: of the columns whose numbers lie in what is shown, what these are: shares of it, not clipped.
    """

    columns: Mapping[str, Tensor | RaggedTensor]
    places: Mapping[str, Place] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: tuple[Column, ...], values: Mapping[str, Values], index: np.ndarray) -> Self:
        """Those of some pictures, int64 (N,), which are shown whole."""
        places = {column.name: column.place for column in columns if column.place is not None}
        return cls({column.name: _tensor(take(values[column.name], index)) for column in columns}, places)

    def __getitem__(self, name: str) -> Tensor | RaggedTensor:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def fixed(self, name: str) -> Tensor:
        """A column that is not ragged: (N, ...)."""
        values = self.columns[name]
        assert isinstance(values, Tensor)
        return values

    def ragged(self, name: str) -> RaggedTensor:
        """A ragged column."""
        values = self.columns[name]
        assert isinstance(values, RaggedTensor)
        return values

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The same on another device."""
        moved = {name: column.to(device, non_blocking=non_blocking) for name, column in self.columns.items()}
        return type(self)(moved, self.places)

    def pin_memory(self) -> Self:
        """The same in page-locked memory."""
        return type(self)({name: column.pin_memory() for name, column in self.columns.items()}, self.places)

    def numpy(self) -> dict[str, Values]:
        """The same as arrays; of tensors on the CPU."""
        return {
            name: Ragged(values.rows.numpy(), values.offsets.numpy())
            if isinstance(values, RaggedTensor)
            else values.numpy()
            for name, values in self.columns.items()
        }

    def in_view(self, box: Tensor, flip: Tensor, size: tuple[int, int]) -> Self:
        """Of whole pictures, as views show them.

        Args:
            box: (N, 4), top, left, height, width of the views in pixels of the pictures.
            flip: bool (N,); a view is mirrored after it is cut out.
            size: height and width of the pictures in pixels.
        """
        if not self.places:
            return self
        shares = box / torch.tensor([*size, *size], dtype=box.dtype, device=box.device)
        return self._moved(lambda values, place, row: through(values, place, shares[row], flip[row]))

    def in_crop(self, crop: Crop) -> Self:
        """As a network sees them that is shown this part of each picture or view."""
        if crop == WHOLE:
            return self

        def moved(values: Tensor, place: Place, row: Tensor) -> Tensor:
            box = torch.tensor([crop], dtype=values.dtype).to(values.device, non_blocking=True).expand(len(values), 4)
            return through(values, place, box, torch.zeros(len(values), dtype=torch.bool, device=values.device))

        return self._moved(moved)

    def _moved(self, move: Callable[[Tensor, Place, Tensor], Tensor]) -> Self:
        """Columns with a place under ``move``, which takes values, their place, and whose each of them is."""
        columns: dict[str, Any] = dict(self.columns)
        for name, place in self.places.items():
            column = self.columns[name]
            if isinstance(column, RaggedTensor):
                columns[name] = RaggedTensor(move(column.rows, place, column.pictures), column.offsets)
            else:
                columns[name] = move(column, place, torch.arange(len(column), device=column.device))
        return type(self)(columns, self.places)


def through(values: Tensor, place: Place, box: Tensor, flip: Tensor) -> Tensor:
    """Where places of a picture lie in a part of it.

    Args:
        values: (R, ..., 2 or 4), shares of the picture.
        box: (R, 4), top, left, height, width of the part as shares of the picture.
        flip: bool (R,), whether the part is mirrored.

    Returns:
        shares of the part, of the same shape, not clipped; x1 <= x2 of a mirrored box too.
    """
    top, left, height, width = (side.view(-1, *[1] * (values.ndim - 1)) for side in box.unbind(1))
    mirrored = flip.view(-1, *[1] * (values.ndim - 1))
    x, y = (values[..., 0::2] - left) / width, (values[..., 1::2] - top) / height
    x = torch.where(mirrored, 1 - (x.flip(-1) if place == "boxes" else x), x)
    return torch.stack([x, y], dim=-1).flatten(-2)


def _tensor(values: Values) -> Tensor | RaggedTensor:
    if isinstance(values, Ragged):
        return RaggedTensor(torch.from_numpy(values.rows), torch.from_numpy(values.offsets))
    return torch.from_numpy(values)
