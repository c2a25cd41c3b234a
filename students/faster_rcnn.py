"""Faster-RCNN (arXiv 1506.01497) on the paper's network, as table 13 of MobileNets (arXiv 1704.04861) has it.

Layers up to the eleventh see the whole picture. On their map, of stride 16, a small network proposes where to look; the
map is cut out there, and the last two layers see the crops, without a stride of their own. What is given of each
proposal is what an SSD gives of an anchor: its classes, and how far the box is from it.

Shapes: N batch, H W pixels, F channels of features, A anchors, K proposals, C classes.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from distill.errors import DistillError
from distill.objectives.boxes.geometry import corners
from students.anchors import map_anchors
from students.detector import COCO, PRIOR, DetectorFamily
from students.head import Boxed, Head
from students.mobilenet_v1 import MobilenetV1
from students.proposals import propose
from students.pyramid import sides

CELL = [(scale * ratio**0.5, scale / ratio**0.5) for scale in (0.1, 0.2, 0.4, 0.8) for ratio in (1.0, 2.0, 1 / 2)]
"""Width and height of the anchors of a cell, as shares of the picture's side: TensorFlow's 64 to 512 of 600 pixels."""
CROP = 7  # cells of a side
LEARNT_FROM = 12
"""Proposals of a picture that are looked at in training, the surest: those that are no objects are the negatives that
are hard. More of them cost more than they teach."""
_DEPTH = 512  # of the layer that proposes, at width 1
_ROOM = 2**27  # numbers of the largest map of crops: half a gigabyte, and two of them are there at a time
_SPREAD = 0.01  # of the numbers that layers without a normalisation begin with, as published

# No plain graph goes into these, which ask for numbers of what they are given.
torch.fx.wrap("roi_align")
torch.fx.wrap("propose")


class SplitBody(nn.Module):
    """A network of timm's builder: its layers up to stride 16, and the last stage, without a stride.

    Args:
        network: at random, or trained: no weight depends on a stride.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = cast(Any, network)
        self.network.reset_classifier(0)
        for layer in self.network.blocks[-1].modules():
            if isinstance(layer, nn.Conv2d):
                layer.stride = (1, 1)
        self.channels = tuple(self.network.feature_info[level]["num_chs"] for level in (-2, -1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalised float (N, 3, H, W) to the map (N, F, h, w)."""
        maps: Tensor = self.network.bn1(self.network.conv_stem(pixels))
        for stage in list(self.network.blocks)[:-1]:
            maps = stage(maps)
        return maps

    def look(self, crops: Tensor) -> Tensor:
        """Crops (M, F, 7, 7) of the map to features (M, F') of each."""
        features: Tensor = self.network.blocks[-1](crops)
        return features.mean(dim=(2, 3))


class FasterRcnn(nn.Module):
    """A body, the layers that propose, and those that say what was proposed.

    As published, each place has numbers for an object and for none, each proposal one for background, and a box for
    each class; what is given are differences from background, and the box of the surest class.

    Args:
        body: for the whole picture, and for crops.
        classes: C.
        proposals: K, at most.
        depth: channels of the layer that proposes.
        resolution: pixels of a side of the pictures.

    Attributes:
        at_once: how many pictures to show it at a time, at most: its crops of 128 would take 8 GB a layer at width 1.
    """

    anchors: Tensor

    def __init__(self, body: SplitBody, classes: int, proposals: int, depth: int, resolution: int) -> None:
        super().__init__()
        self.body, self.classes, self.proposals = body, classes, proposals
        early, late = body.channels
        self.at_once = max(1, _ROOM // (proposals * late * CROP**2))
        self.seek = nn.Sequential(nn.Conv2d(early, depth, 3, padding=1), nn.ReLU())
        self.sought = nn.Conv2d(depth, len(CELL) * 6, 1)
        self.said = nn.Linear(late, 1 + classes + 4 * classes)
        for layer in (self.seek[0], self.sought, self.said):
            assert isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None
            nn.init.normal_(layer.weight, std=_SPREAD)
            nn.init.zeros_(layer.bias)
        for bias, nothing in ((self.sought.bias, slice(5, None, 6)), (self.said.bias, slice(1))):
            assert bias is not None
            nn.init.constant_(bias[nothing], math.log((1 - PRIOR) / PRIOR))
        side = sides(resolution, 1)[0]
        self.register_buffer("anchors", map_anchors(side, CELL)[None], persistent=False)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """Normalised float (N, 3, H, W) to `locations` (N, K, 4), `logits` (N, K, C), and `anchors` (N, K, 4), which
        are its proposals; in training the same of what was proposed from, as `proposed_locations` and so on."""
        maps = self.body(pixels)
        sought = self.sought(self.seek(maps)).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 6))
        locations, logits = sought[..., :4], sought[..., 4:5] - sought[..., 5:]
        anchors = self.anchors.expand_as(locations)
        looked_at = min(self.proposals, LEARNT_FROM) if self.training else self.proposals
        proposals = propose(locations.detach(), logits.detach()[..., 0], anchors, looked_at)
        outputs = {**self._say(maps, proposals), "anchors": proposals}
        if self.training:
            outputs |= {"proposed_locations": locations, "proposed_logits": logits, "proposed_anchors": anchors}
        return outputs

    def _say(self, maps: Tensor, proposals: Tensor) -> dict[str, Tensor]:
        count, side = proposals.shape[1], maps.shape[-1]
        numbers = torch.ones_like(proposals[..., :1]).cumsum(0) - 1  # whose each is; a range's length no graph knows
        rows = torch.cat([numbers, corners(proposals) * side], dim=-1)
        crops = roi_align(maps, rows.flatten(0, 1), CROP, sampling_ratio=2, aligned=True)
        said = self.said(self.body.look(crops)).unflatten(0, (-1, count))
        logits = said[..., 1 : 1 + self.classes] - said[..., :1]
        boxes = said[..., 1 + self.classes :].unflatten(-1, (self.classes, 4))
        surest = logits.argmax(dim=-1)[..., None, None].expand(-1, -1, 1, 4)
        return {"locations": boxes.gather(2, surest).squeeze(2), "logits": logits}

    def get_classifier(self) -> tuple[nn.Module, ...]:
        """What may be left at random where weights are of a body alone, or of other classes."""
        return self.seek, self.sought, self.said


@dataclass(frozen=True)
class FasterRcnnMobilenetV1(DetectorFamily, MobilenetV1):
    """Faster-RCNN on the paper's network.

    Args:
        width: the width multiplier alpha of all layers, above 0 and at most 1.
        resolution: pixels of a side of the picture it sees.
        variant: of the body: separable, full (convolutions), or shallow.
        activation: the paper's is relu.
        weights: what it starts from: a safetensors or torch file, or a student's folder. Of a classifier's, such as the
            published ImageNet checkpoint, the body is taken.
        proposals: how many boxes of a picture are looked at, at most: what they cost is in proportion.
    """

    name: Literal["faster_rcnn_mobilenet_v1"] = "faster_rcnn_mobilenet_v1"  # type: ignore[assignment]
    resolution: int = 300
    proposals: int = 300
    counted_outputs: ClassVar[int] = COCO - 1  # its background has a number of its own
    formats: ClassVar[tuple[str, ...]] = ("onnx",)  # elsewhere nothing cuts crops out of a map of features

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.proposals < 1:
            raise DistillError(f"student.proposals: {self.proposals}, expected at least 1.")

    def build(self, head: Head | Boxed) -> FasterRcnn:
        assert isinstance(head, Boxed)  # `students.student.check_head`
        depth = max(1, round(_DEPTH * self.width))
        return FasterRcnn(SplitBody(self.network(1)), head.classes, self.proposals, depth, self.resolution)
