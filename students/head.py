"""The part of a student that answers: from the features of a body to logits, an embedding, or several named tensors.

Shapes: N batch, H W pixels, F channels of features, h w their places, C outputs.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn

from distill.answers.boxes import Boxed
from distill.errors import DistillError
from students.body import Body

__all__ = ["Boxed", "Head", "HeadedBody", "Linear"]


class Head(Protocol):
    """What a task puts on the body of a student."""

    @property
    def takes(self) -> Literal["pooled", "maps"]:
        """Features (N, F) of the whole picture, or maps of them (N, F, h, w)."""
        ...

    def build(self, channels: int) -> nn.Module:
        """The layers, at random: from features of so many channels to a tensor, or to tensors by name."""
        ...


@dataclass(frozen=True)
class Linear:
    """One linear layer on pooled features, to logits or to an embedding (N, C).

    Attributes:
        outputs: C.
    """

    outputs: int

    def __post_init__(self) -> None:
        if self.outputs < 1:
            raise DistillError(f"student: its head has {self.outputs} outputs, expected at least 1.")

    @property
    def takes(self) -> Literal["pooled", "maps"]:
        return "pooled"

    def build(self, channels: int) -> nn.Module:
        return nn.Linear(channels, self.outputs)


class HeadedBody(nn.Module):
    """A body with a head, its layers drawn after the body's from torch's global generator."""

    def __init__(self, body: Body, head: Head) -> None:
        super().__init__()
        self.body, self.takes = body, head.takes
        self.head = head.build(body.map_channels if head.takes == "maps" else body.channels)

    def forward(self, pixels: Tensor) -> Tensor | dict[str, Tensor]:
        """Normalised float (N, 3, H, W) to what the head answers."""
        maps = self.body(pixels)
        return self.head(maps if self.takes == "maps" else self.body.pool(maps))

    def get_classifier(self) -> nn.Module:
        """The head: as of timm's networks, it may be left at random where weights do not fit it."""
        return self.head
