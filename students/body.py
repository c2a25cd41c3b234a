"""The part of a student that sees: from pixels to features, whatever is made of them.

Shapes: N batch, H W pixels, F channels of features, h w their places.
"""

from abc import ABC, abstractmethod
from typing import Any, cast

from torch import Tensor, nn


class Body(nn.Module, ABC):
    """From normalised float (N, 3, H, W) to maps of features.

    Attributes:
        map_channels: F of the maps.
        channels: F of the pooled features; a network may have layers after the pooling.
    """

    map_channels: int
    channels: int

    @abstractmethod
    def forward(self, pixels: Tensor) -> Tensor:
        """Maps (N, F, h, w)."""

    def pool(self, maps: Tensor) -> Tensor:
        """Maps to features (N, F) of the whole picture."""
        return maps.mean(dim=(2, 3))


class TimmBody(Body):
    """A network of timm's MobileNets, up to its classifier, which is taken off.

    Args:
        network: built by timm, or by its builder.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = cast(Any, network)
        self.network.reset_classifier(0)
        self.map_channels, self.channels = self.network.num_features, self.network.head_hidden_size

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network.forward_features(pixels)

    def pool(self, maps: Tensor) -> Tensor:
        return self.network.forward_head(maps, pre_logits=True)
