"""How an answer is kept: all of its numbers, or the largest logits and the mass of the rest.

Shapes: N views, C numbers of an answer's one tensor, k classes kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from distill.answers.kind import Tensors
from distill.errors import DistillError
from distill.objectives.top import TEMPERATURES, TopAnswers

_LARGEST = float(np.finfo(np.float16).max)


Decoded = Tensor | TopAnswers | dict[str, Tensor]


class Codec(Protocol):
    """From a teacher's tensors to the rows of a file."""

    @property
    def dtype(self) -> np.dtype: ...

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of one row: bytes a view are its size times those of `dtype`."""
        ...

    def encode(self, answers: Tensors) -> np.ndarray:
        """float32 tensors (N, ...) to (N, *row) of `dtype`.

        Raises:
            DistillError: a number does not fit.
        """
        ...

    def decode(self, rows: np.ndarray) -> Decoded:
        """Rows (N, *row) to what an objective takes, in the precision they were kept in; one tensor has no name."""
        ...


def _narrowed(tensor: Tensor, dtype: np.dtype) -> np.ndarray:
    """In the precision of a file.

    Raises:
        DistillError: a number is beyond it.
    """
    if dtype == np.float16 and tensor.numel() and float(tensor.abs().max()) > _LARGEST:
        raise DistillError(
            f"the teacher answers {float(tensor.abs().max()):.0f}, and float16 ends at {_LARGEST:.0f}. Store "
            "float32: --dtype float32."
        )
    return tensor.cpu().numpy().astype(dtype)


@dataclass(frozen=True)
class FullCodec:
    """All C numbers of answers of one tensor: where every output counts."""

    outputs: int
    dtype: np.dtype

    @property
    def row(self) -> tuple[int, ...]:
        return (self.outputs,)

    def encode(self, answers: Tensors) -> np.ndarray:
        (tensor,) = answers.values()
        return _narrowed(tensor, self.dtype)

    def decode(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(rows)


@dataclass(frozen=True)
class NamedCodec:
    """Answers of several tensors: a record a view, one field a tensor.

    Args:
        shapes: of each tensor for one picture, in the order of the fields.
        number: the type of every number.
    """

    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    number: np.dtype

    @property
    def dtype(self) -> np.dtype:
        return np.dtype([(name, self.number, shape) for name, shape in self.shapes])

    @property
    def row(self) -> tuple[int, ...]:
        return ()

    def encode(self, answers: Tensors) -> np.ndarray:
        rows = np.empty(len(next(iter(answers.values()))), self.dtype)
        for name, _ in self.shapes:
            rows[name] = _narrowed(answers[name], self.number)
        return rows

    def decode(self, rows: np.ndarray) -> dict[str, Tensor]:
        return {name: torch.from_numpy(np.ascontiguousarray(rows[name])) for name, _ in self.shapes}


@dataclass(frozen=True)
class TopCodec:
    """The k largest logits of classes that exclude each other, less the largest: 4 k + 6 bytes, 46 for k = 10.

    A constant taken from all logits does not change their softmax, and float16 is finest near zero. With m_T the stored
    mass of the other classes, the probability of kept class i at temperature T is (1 - m_T) times its softmax among the
    kept ones, so that the distribution sums to one whatever rounding did.
    """

    outputs: int
    top: int

    def __post_init__(self) -> None:
        if not 1 <= self.top < self.outputs:
            raise DistillError(
                f"top is {self.top}, expected 1 to {self.outputs - 1}: the teacher has {self.outputs} classes. Leave "
                "it out to keep all of them."
            )
        if self.outputs > 65_536:
            raise DistillError(f"top: {self.outputs} classes, and at most 65,536 can be numbered in two bytes.")

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(
            [("logits", "<f2", (self.top,)), ("classes", "<u2", (self.top,)), ("log_rest", "<f2", (len(TEMPERATURES),))]
        )

    @property
    def row(self) -> tuple[int, ...]:
        return ()

    def encode(self, answers: Tensors) -> np.ndarray:
        (logits,) = answers.values()
        wide = logits.double().cpu()
        values, index = wide.topk(self.top, dim=1)
        kept = torch.zeros_like(wide, dtype=torch.bool).scatter_(1, index, True)
        rows = np.empty(len(wide), self.dtype)
        # Below what float16 holds, a class of those kept has no probability either way.
        rows["logits"] = (values - values[:, :1]).clamp(min=-_LARGEST).numpy()
        rows["classes"] = index.numpy()
        for i, temperature in enumerate(TEMPERATURES):
            scaled = wide / temperature
            rest = scaled.masked_fill(kept, -torch.inf).logsumexp(1) - scaled.logsumexp(1)
            rows["log_rest"][:, i] = rest.clamp(min=-_LARGEST).numpy()
        return rows

    def decode(self, rows: np.ndarray) -> TopAnswers:
        columns = (np.ascontiguousarray(rows[name]) for name in ("logits", "classes", "log_rest"))
        return TopAnswers(*map(torch.from_numpy, columns))


def codec_of(outputs: int | Mapping[str, tuple[int, ...]], dtype: str, top: int | None) -> Codec:
    """The codec of a manifest's facts.

    Args:
        outputs: the numbers of answers of one tensor, or the shapes of several.

    Raises:
        DistillError: of several tensors the largest outputs alone were asked for.
    """
    if not isinstance(outputs, int):
        if top is not None:
            raise DistillError(
                f"top is {top}: of logits alone, and the teacher gives {', '.join(outputs)}. Leave it out."
            )
        return NamedCodec(tuple((name, tuple(shape)) for name, shape in outputs.items()), np.dtype(dtype))
    return FullCodec(outputs, np.dtype(dtype)) if top is None else TopCodec(outputs, top)
