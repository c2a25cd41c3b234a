"""The detectors of table 13, without weights: what is computed for one picture, up to the predictions.

Where the paper is silent, they are those of TensorFlow's detection models, by the same authors: an SSD has 1x1
predictors; a Faster-RCNN looks for objects on the map of stride 16 with 3x3x512 and 12 anchors a cell, cuts out 300
crops of 7x7, and predicts a class and, for each but the background, a box.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from students.mobilenet_v1 import mobilenet_v1

_CROPS, _CROP = 300, 7
_ANCHORS = 12
_BOX = 4


class _Ssd(nn.Module):
    """Maps of stages one after the other, and a predictor on each."""

    def __init__(self, stages: Sequence[nn.Module], channels: Sequence[int], anchors: Sequence[int], classes: int):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.predictors = nn.ModuleList(
            nn.Conv2d(width, boxes * (_BOX + classes), 1) for width, boxes in zip(channels, anchors, strict=True)
        )

    def forward(self, pixels: Tensor) -> list[Tensor]:
        predictions = []
        for stage, predictor in zip(self.stages, self.predictors, strict=True):
            pixels = stage(pixels)
            predictions.append(predictor(pixels))
        return predictions


class _FasterRcnn(nn.Module):
    """A body, the proposals on its map of 512 channels, and a head (300, 512, 7, 7) to (300, features)."""

    def __init__(self, body: nn.Module, head: nn.Module, features: int, classes: int):
        super().__init__()
        self.body, self.head = body, head
        self.proposals = nn.Conv2d(512, 512, 3, padding=1)
        self.proposed = nn.Conv2d(512, _ANCHORS * (2 + _BOX), 1)
        self.predictor = nn.Linear(features, classes + _BOX * (classes - 1))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        maps = self.body(pixels)
        crops = maps.new_empty(_CROPS, maps.shape[1], _CROP, _CROP)  # cutting them out multiplies no weights
        return [self.proposed(self.proposals(maps)), self.predictor(self.head(crops))]


def ssd_mobilenet(outputs: int) -> nn.Module:
    """Maps of layers 11 and 13 and four extra ones."""
    early, late = _mobilenet()
    extras, width = [], 1024
    for channels in (512, 256, 256, 128):
        squeezed = _convolution(width, channels // 2, 1, 1)
        extras.append(nn.Sequential(squeezed, _convolution(channels // 2, channels, 3, 2)))
        width = channels
    return _Ssd([early, late, *extras], [512, 1024, 512, 256, 256, 128], [3, 6, 6, 6, 6, 6], outputs)


def ssd_vgg(outputs: int) -> nn.Module:
    """torchvision's, with 3x3 predictors, as published."""
    from torchvision.models.detection import ssd300_vgg16

    class Predictions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            detector = ssd300_vgg16(weights=None, weights_backbone=None, num_classes=outputs)
            self.body, self.head = detector.backbone, detector.head

        def forward(self, pixels: Tensor) -> dict[str, Tensor]:
            found: dict[str, Tensor] = self.head(list(self.body(pixels).values()))
            return found

    return Predictions()


def faster_rcnn_mobilenet(outputs: int) -> nn.Module:
    """The last two separable layers see the crops, at stride 1."""
    early, late = _mobilenet()
    for module in late.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
    return _FasterRcnn(early, nn.Sequential(late, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 1024, outputs)


def faster_rcnn_vgg(outputs: int) -> nn.Module:
    """The two wide layers see the crops."""
    from torchvision import models

    vgg = models.vgg16(weights=None)
    return _FasterRcnn(vgg.features[:-1], nn.Sequential(nn.Flatten(), vgg.classifier[:-1]), 4096, outputs)


def _mobilenet() -> tuple[nn.Sequential, nn.Sequential]:
    """Up to layer 11, of stride 16 and 512 channels, and layers 12 and 13."""
    body: Any = mobilenet_v1()
    layers = [body.conv_stem, body.bn1, *body.blocks]
    return nn.Sequential(*layers[:-1]), nn.Sequential(layers[-1])


def _convolution(channels: int, out: int, kernel: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU())
