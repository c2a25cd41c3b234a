"""SSDLite (arXiv 1801.04381, section 6.2): SSD with separable convolutions beyond the body and in predictors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import timm
from torch import nn

from distill.files.weights import head_tensors, hub_network
from distill.preprocess.preprocess import Preprocess
from students.head import Boxed, Head
from students.naming import is_timm, wrong_name
from students.pyramid import Maps, extra_maps, normalised, separable_down
from students.ssd import Ssd, SsdFamily, pointwise, predictors
from students.student import check_resolution
from students.timm_student import TimmStudent

PREFIX = "ssdlite_"


def separable(channels: int, outputs: int) -> nn.Sequential:
    """A depthwise 3 x 3 convolution and a pointwise one that predicts."""
    depthwise = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False)
    return nn.Sequential(normalised(depthwise, channels, nn.ReLU6), pointwise(channels, outputs))


@dataclass(frozen=True)
class Ssdlite(SsdFamily):
    """SSDLite on a MobileNet of timm's.

    Args:
        name: `ssdlite_` and the body's name in timm, for example `ssdlite_mobilenetv3_small_100`.
        resolution: pixels of a side of the picture it sees.
        weights: what it starts from: `timm` for a body pretrained by timm, or a safetensors or torch file, or a
            student's folder; of a classifier's the body is taken.
    """

    name: str
    resolution: int = 300
    weights: str | Path | None = None

    def __post_init__(self) -> None:
        check_resolution(self.resolution)
        if not self.name.startswith(PREFIX) or not is_timm(self.timm_name):
            raise wrong_name(self.name)

    @property
    def timm_name(self) -> str:
        """Of the body."""
        return self.name.removeprefix(PREFIX)

    def network(self, outputs: int) -> nn.Module:
        return timm.create_model(self.timm_name, pretrained=False, num_classes=outputs)

    def detector(self, body: Maps, classes: int) -> Ssd:
        extras, channels = extra_maps(body.channels[-1], 1.0, nn.ReLU6, separable_down)
        return Ssd(body, extras, predictors((*body.channels, *channels), classes, separable), self.resolution)

    def pretrained(self, head: Head | Boxed) -> tuple[nn.Module, tuple[str, ...]]:
        assert isinstance(head, Boxed)
        network, _ = hub_network(self.timm_name, 0, allow_new_head=True, arguments={})
        detector = self.detector(Maps(network), head.classes)
        return detector, tuple(sorted(head_tensors(detector)))

    @classmethod
    def from_full_name(cls, name: str) -> Self | None:
        body = name.removeprefix(PREFIX)
        if body == name:
            return None
        if is_timm(body):
            return cls(name)
        start, _, tail = body.rpartition("_")
        return cls(PREFIX + start, int(tail)) if is_timm(start) and tail.isdecimal() else None

    @property
    def preprocess(self) -> Preprocess:
        """With the mean, deviation and kernel that the body's weights were trained with."""
        return TimmStudent(self.timm_name, self.resolution).preprocess
