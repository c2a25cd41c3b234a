"""Channels made level before int8: the same function, in units that eight bits can tell apart.

int8 gives all channels of a layer's output one scale, so a channel 64 times narrower than its neighbour keeps two of
its eight bits. Between two layers such a difference is only a matter of units: with s > 0 for each channel, W1 / s and
W2 s compute the same function (Nagel et al. 2019, arXiv 1906.04721, section 4.1). Weights here have one scale for each
output channel, so what W1 / s does to them costs nothing. What is left is the range of what the first layer gives, X,
against that of the weights that read it (as in Xiao et al. 2023, arXiv 2211.10438, equation 4):

    before a depthwise layer   s = range(X), for that layer's weights have scales of their own too
    before any other           s = sqrt(range(X) / range(W2))

This is exact where the activation between both layers is positively homogeneous, f(s x) = s f(x): ReLU and LeakyReLU
are; ReLU6 and hard swish are not, and there the weights are left as they are, and how far apart the channels lie is
said instead.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.utils.hooks import RemovableHandle

from distill.export.int8.folding import MeanPool, module_of
from distill.preprocess.preprocess import Preprocess

log = logging.getLogger(__name__)

HOMOGENEOUS = (nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Dropout, MeanPool)
"""What may stand between two layers: f(s x) = s f(x) channel by channel, for s > 0."""
FAR_APART = 64.0
"""Ratio of a layer's widest channel to its narrowest from which int8 is likely to lose the narrow ones."""

_SMALLEST = 1e-3  # of the widest channel: one that hardly ever fires is not blown up to the others' size
_BATCH = 16


@dataclass(frozen=True)
class _Layer:
    """A convolution, and the layer that alone reads what it gives; None where there is none or it cannot be scaled.

    Attributes:
        positive: whether a ReLU follows at once, so that nothing negative is ever rounded.
    """

    name: str
    conv: nn.Conv2d
    reader: nn.Conv2d | nn.Linear | None
    positive: bool


def equalize(folded: fx.GraphModule, preprocess: Preprocess, pictures: np.ndarray) -> list[str]:
    """Rescale the channels between neighbouring layers in place.

    Args:
        pictures: uint8 (N, h, w, 3), to measure activations on.

    Returns:
        names of the convolutions that were left as they are because of what follows them. Where their channels lie far
        apart, that is logged as a warning.
    """
    layers = [_layer(folded, node) for node in folded.graph.nodes if isinstance(module_of(folded, node), nn.Conv2d)]
    left = []
    for layer, ranges in zip(layers, _ranges(folded, layers, preprocess, pictures), strict=True):
        if layer.reader is not None:
            _level(layer.conv, layer.reader, ranges)
            continue
        left.append(layer.name)
        alive = ranges[ranges > _SMALLEST * ranges.max()]
        if len(alive) and (ratio := float(alive.max() / alive.min())) > FAR_APART:
            log.warning(
                "int8: the channels of %s reach up to %.0f times as far as each other, and what follows them is not "
                "positively homogeneous (ReLU is, ReLU6 is not): they cannot be made level. Expect a loss of score.",
                layer.name,
                ratio,
            )
    return left


def _layer(folded: fx.GraphModule, node: fx.Node) -> _Layer:
    conv = module_of(folded, node)
    assert isinstance(conv, nn.Conv2d)
    first = next(_chain(node), None)
    positive = first is not None and isinstance(module_of(folded, first), nn.ReLU)
    for user in _chain(node):
        module = module_of(folded, user)
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and _is_plain(module)):
            return _Layer(str(node.target), conv, module, positive)
        if not isinstance(module, HOMOGENEOUS):
            break
    return _Layer(str(node.target), conv, None, positive)


def _is_plain(conv: nn.Conv2d) -> bool:
    """Each output reads all channels, or its own alone."""
    return conv.groups == 1 or conv.groups == conv.in_channels == conv.out_channels


def _chain(node: fx.Node) -> Iterator[fx.Node]:
    """What reads a node, and what reads that, as long as it is one node alone."""
    while len(node.users) == 1:
        (node,) = node.users
        yield node


def _ranges(folded: fx.GraphModule, layers: list[_Layer], preprocess: Preprocess, pictures: np.ndarray) -> list[Tensor]:
    """(C,) of each layer: the largest absolute value that each channel gives, over all pictures."""
    ranges = [torch.zeros(layer.conv.out_channels) for layer in layers]

    def watch(place: int, layer: _Layer) -> RemovableHandle:
        def keep(module: nn.Module, given: object, values: Tensor) -> None:
            channels = values.transpose(0, 1).flatten(1)
            largest = channels.amax(dim=1) if layer.positive else channels.abs().amax(dim=1)
            ranges[place] = torch.maximum(ranges[place], largest)

        return layer.conv.register_forward_hook(keep)

    hooks = [watch(place, layer) for place, layer in enumerate(layers)]
    with torch.inference_mode():
        for start in range(0, len(pictures), _BATCH):
            folded(preprocess(torch.from_numpy(pictures[start : start + _BATCH])))
    for hook in hooks:
        hook.remove()
    return ranges


def _level(first: nn.Conv2d, second: nn.Conv2d | nn.Linear, given: Tensor) -> None:
    """Args:
    given: (C,), the range of each channel that the first layer gives.
    """
    depthwise = isinstance(second, nn.Conv2d) and second.groups > 1
    weights = second.weight.abs().flatten(2).amax(dim=2) if isinstance(second, nn.Conv2d) else second.weight.abs()
    weights = weights.flatten() if depthwise else weights.amax(dim=0)
    if not float(given.max()) or not float(weights.max()):
        return
    given, weights = (sizes.clamp(min=_SMALLEST * float(sizes.max())) for sizes in (given, weights))
    scale = given if depthwise else (given / weights).sqrt()
    with torch.no_grad():
        first.weight /= scale.view(-1, 1, 1, 1)
        if first.bias is not None:
            first.bias /= scale
        if depthwise:
            second.weight *= scale.view(-1, 1, 1, 1)
        else:
            second.weight *= scale.view(1, -1, *[1] * (second.weight.dim() - 2))
