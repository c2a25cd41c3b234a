"""SSD (arXiv 1512.02325) on a MobileNet, as TensorFlow's `ssd_mobilenet_v1_coco` has it.

The places and classes of a map's anchors are predicted from each of its cells. What is given of an anchor is how far
the box is from it (`distill.objectives.boxes.coder`) and a logit a class, without one for background.

Shapes: N batch, H W pixels, A anchors, C classes.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from distill.objectives.boxes.features import map_name
from students.anchors import grid_anchors, shapes_of_cells
from students.head import Boxed, Head
from students.mobilenet_v1 import ACTIVATIONS, MobilenetV1
from students.pyramid import FINEST_STRIDE, Maps, conv_down, extra_maps, sides
from students.timm_student import TimmFamily

COCO = 91  # classes of TensorFlow's, the background among them; what Table 13 of the paper is counted with
_PRIOR = 0.01  # of every class before training: else the many anchors without a box are all that the first steps see
_SPREAD = 0.03  # of the numbers that predictors begin with, as in TensorFlow


class Ssd(nn.Module):
    """A body, maps beyond it, and predictors on all of them.

    Args:
        body: the finest two maps.
        extras: layers from each map to the next.
        predictors: of each map a pair, of places and of classes: 4 and C numbers for each anchor of a cell.
        resolution: pixels of a side of the pictures.
    """

    anchors: Tensor

    def __init__(self, body: Maps, extras: nn.ModuleList, predictors: Sequence[nn.Module], resolution: int) -> None:
        super().__init__()
        self.body, self.extras, self.predictors = body, extras, nn.ModuleList(predictors)
        self.register_buffer("anchors", grid_anchors(sides(resolution))[None], persistent=False)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """Normalised float (N, 3, H, W) to `locations` (N, A, 4), `logits` (N, A, C), and `anchors` (N, A, 4)."""
        return self._predicted(self._maps(pixels))

    def seen(self, pixels: Tensor) -> dict[str, Tensor]:
        """The same, and beside it the maps (N, F, h, w) that it is predicted from, by their strides."""
        maps = self._maps(pixels)
        return self._predicted(maps) | {map_name(FINEST_STRIDE * 2**number): seen for number, seen in enumerate(maps)}

    def _maps(self, pixels: Tensor) -> list[Tensor]:
        maps = self.body(pixels)
        for layer in self.extras:
            maps.append(layer(maps[-1]))
        return maps  # type: ignore[no-any-return]

    def _predicted(self, maps: list[Tensor]) -> dict[str, Tensor]:
        pairs = [predictor(seen) for predictor, seen in zip(self.predictors, maps, strict=True)]
        locations, logits = (torch.cat(parts, dim=1) for parts in zip(*pairs, strict=True))
        return {"locations": locations, "logits": logits, "anchors": self.anchors.expand_as(locations)}

    def get_classifier(self) -> tuple[nn.Module, nn.Module]:
        """What may be left at random where weights are of a body alone, or of other classes."""
        return self.extras, self.predictors


class Predictor(nn.Module):
    """What is said of the anchors of a map's cells.

    Args:
        channels: of the map.
        anchors: of a cell.
        classes: C.
        layer: from so many channels to so many outputs a cell.
    """

    def __init__(self, channels: int, anchors: int, classes: int, layer: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        self.outputs = classes
        self.places, self.classes = layer(channels, anchors * 4), layer(channels, anchors * classes)
        last = next(module for module in reversed(list(self.classes.modules())) if isinstance(module, nn.Conv2d))
        assert last.bias is not None
        nn.init.constant_(last.bias, math.log(_PRIOR / (1 - _PRIOR)))

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """(N, F, h, w) to (N, h w anchors, 4) and (N, h w anchors, C)."""
        places, classes = (layer(maps).permute(0, 2, 3, 1) for layer in (self.places, self.classes))
        return places.reshape(maps.shape[0], -1, 4), classes.reshape(maps.shape[0], -1, self.outputs)


def pointwise(channels: int, outputs: int) -> nn.Conv2d:
    """A 1 x 1 convolution that predicts."""
    layer = nn.Conv2d(channels, outputs, 1)
    nn.init.trunc_normal_(layer.weight, std=_SPREAD)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # there is one
    return layer


def predictors(channels: tuple[int, ...], classes: int, layer: Callable[[int, int], nn.Module]) -> list[Predictor]:
    """Those of maps of so many channels each, from the finest on."""
    cells = shapes_of_cells(len(channels))
    return [Predictor(inputs, len(cell), classes, layer) for inputs, cell in zip(channels, cells, strict=True)]


class SsdFamily(TimmFamily):
    """Students that find boxes: what their bases build is the body alone."""

    heads: ClassVar[tuple[str, ...]] = ("pyramid",)
    counted_outputs: ClassVar[int] = COCO

    @abstractmethod
    def detector(self, body: Maps, classes: int) -> Ssd:
        """The network around a body."""

    def head_for(self, outputs: int) -> Boxed:
        return Boxed(outputs)

    def build(self, head: Head | Boxed) -> Ssd:
        assert isinstance(head, Boxed)  # `students.student.check_head`
        return self.detector(Maps(self.network(1)), head.classes)

    def renamed(self, tensors: Mapping[str, Tensor], network: nn.Module) -> Mapping[str, Tensor]:
        """Those of a detector as they are; of another student, or of a classifier, those of its body."""
        if any(name.startswith("predictors.") for name in tensors):
            return tensors
        body = network.get_submodule("body.network").state_dict().keys()
        own = {name.removeprefix("body.network."): value for name, value in super().renamed(tensors, network).items()}
        return {f"body.network.{name}": value for name, value in own.items() if name in body}


@dataclass(frozen=True)
class SsdMobilenetV1(SsdFamily, MobilenetV1):
    """SSD on the paper's network, with predictors of 1 x 1.

    Args:
        width: the width multiplier alpha of all layers, above 0 and at most 1.
        resolution: pixels of a side of the picture it sees.
        variant: of the body: separable, full (convolutions), or shallow.
        activation: the paper's is relu.
        weights: what it starts from: a safetensors or torch file, or a student's folder. Of a classifier's, such as the
            published ImageNet checkpoint, the body is taken.
    """

    name: Literal["ssd_mobilenet_v1"] = "ssd_mobilenet_v1"  # type: ignore[assignment]
    resolution: int = 300

    def detector(self, body: Maps, classes: int) -> Ssd:
        activation = ACTIVATIONS[self.activation]
        extras, channels = extra_maps(body.channels[-1], self.width, activation, conv_down)
        return Ssd(body, extras, predictors((*body.channels, *channels), classes, pointwise), self.resolution)
