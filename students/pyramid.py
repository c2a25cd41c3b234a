"""Several maps of features of one picture, from the finest to the coarsest: what boxes of any size are found on.

Shapes: N batch, H W pixels, F channels of features, h w their places.
"""

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor, nn

TAKEN = (3, 4)  # of timm's levels: of strides 16 and 32, in MobileNetV1 the maps of layers 11 and 13
FINEST_STRIDE = 16  # pixels from cell to cell of the first of them; each further map has twice the stride
EXTRA = (512, 256, 256, 128)  # channels of the maps beyond, at width 1
_EPSILON = 1e-3  # TensorFlow's; its decay of 0.9997 is for training that is a hundred times as long, so torch's is kept

Activation = Callable[[], nn.Module]
Conv = Callable[[int, int], nn.Module]


class Maps(nn.Module):
    """The last two maps of a network of timm's MobileNets, without what it has after them.

    Args:
        network: built by timm, or by its builder.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = cast(Any, network)
        self.network.prune_intermediate_layers(list(TAKEN), prune_norm=False, prune_head=True)
        self.channels = tuple(self.network.feature_info[level]["num_chs"] for level in TAKEN)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Normalised float (N, 3, H, W) to maps (N, F, h, w)."""
        maps: list[Tensor] = self.network.forward_intermediates(pixels, indices=list(TAKEN), intermediates_only=True)
        return maps


def normalised(conv: nn.Module, channels: int, activation: Activation) -> nn.Sequential:
    """A convolution to so many channels, normalised and activated."""
    return nn.Sequential(conv, nn.BatchNorm2d(channels, eps=_EPSILON), activation())


def conv_down(channels: int, outputs: int, activation: Activation) -> nn.Sequential:
    """A full 3 x 3 convolution of stride 2."""
    return normalised(nn.Conv2d(channels, outputs, 3, 2, 1, bias=False), outputs, activation)


def separable_down(channels: int, outputs: int, activation: Activation) -> nn.Sequential:
    """The same as a depthwise and a pointwise one."""
    return nn.Sequential(
        normalised(nn.Conv2d(channels, channels, 3, 2, 1, groups=channels, bias=False), channels, activation),
        normalised(nn.Conv2d(channels, outputs, 1, bias=False), outputs, activation),
    )


def extra_maps(
    channels: int, width: float, activation: Activation, down: Callable[[int, int, Activation], nn.Module]
) -> tuple[nn.ModuleList, tuple[int, ...]]:
    """The layers of four maps more, each of them half the side of the one before, and their channels.

    Args:
        channels: of the coarsest map of the body.
        width: the width multiplier.
        down: the convolution of stride 2 that follows on one of 1 x 1 to half the depth.
    """
    layers, outputs = nn.ModuleList(), tuple(max(1, round(number * width)) for number in EXTRA)
    for number in outputs:
        half = max(1, number // 2)
        layers.append(
            nn.Sequential(
                normalised(nn.Conv2d(channels, half, 1, bias=False), half, activation), down(half, number, activation)
            )
        )
        channels = number
    return layers, outputs


def sides(resolution: int, maps: int = len(TAKEN) + len(EXTRA)) -> tuple[int, ...]:
    """The sides of all maps in cells: strides of 2 round up, the finest map has seen four of them."""
    found, side = [], resolution
    for halved in range(1, 4 + maps):
        side = -(-side // 2)
        if 2**halved >= FINEST_STRIDE:
            found.append(side)
    return tuple(found)
