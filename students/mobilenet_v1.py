"""MobileNet v1 (arXiv 1704.04861, table 1) through timm's EfficientNet builder.

In timm's notation `dsa_r6_k3_s2_c512` is six depthwise separable blocks to 512 channels, the first of stride 2; `cn` is
a full convolution in the block's place. The last depthwise layer has stride 1: the paper prints s2, but 7x7 goes in and
comes out.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NoReturn, Self, get_args

from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn

from distill.errors import DistillError
from distill.preprocess.preprocess import IMAGENET_MEAN, IMAGENET_STD
from students.head import Boxed, Head
from students.published import TRAINED_WITH, is_published, rename
from students.student import check_resolution
from students.timm_student import TimmFamily

log = logging.getLogger(__name__)

Variant = Literal["separable", "full", "shallow"]
Activation = Literal["relu", "relu6", "leaky_relu", "hard_swish"]

_STEM_CHANNELS = 32
_BLOCKS: dict[Variant, tuple[str, int]] = {"separable": ("dsa", 6), "full": ("cn", 6), "shallow": ("dsa", 1)}
ACTIVATIONS: dict[Activation, Any] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": partial(nn.LeakyReLU, negative_slope=0.1),  # the slope of the published x0.25 weights
    "hard_swish": nn.Hardswish,
}


def mobilenet_v1(
    width: float = 1.0,
    resolution: int = 224,
    outputs: int = 1000,
    variant: Variant = "separable",
    activation: Activation = "relu",
) -> nn.Module:
    """A MobileNet v1: normalised float (N, 3, H, W) to logits (N, outputs).

    The weights are drawn from torch's global generator, as in every torch module: seed it first.

    Args:
        width: the width multiplier alpha in (0, 1]; channels are rounded to the nearest integer.
        resolution: the pixels of a side it is meant for. The layers do not depend on it; it is kept in
            `pretrained_cfg`, where timm's networks keep theirs.
        variant: `separable` as in table 1, `full` convolutions in place of the separable ones (table 4), or `shallow`,
            without the five separable layers at 14x14x512 (table 5).

    Raises:
        DistillError: an argument is outside its range.
    """
    check(width, resolution, variant, activation)
    if outputs < 1:
        raise DistillError(f"mobilenet_v1: outputs is {outputs}, expected at least 1.")
    block, repeats = _BLOCKS[variant]
    stages = [(1, 1, 64), (2, 2, 128), (2, 2, 256), (repeats, 2, 512), (2, 2, 1024)]
    network = EfficientNet(
        block_args=decode_arch_def([[f"{block}_r{r}_k3_s{s}_c{channels}"] for r, s, channels in stages]),
        num_features=0,
        stem_size=_STEM_CHANNELS,
        # Plain rounding, as in the paper; timm's own, to multiples of 8, agrees at 1, 0.75, 0.5 and 0.25.
        round_chs_fn=partial(round_channels, multiplier=width, divisor=1, round_limit=0.0),
        act_layer=ACTIVATIONS[activation],
        num_classes=outputs,
    )
    cfg: Any = {
        "architecture": "mobilenet_v1",
        "input_size": (3, resolution, resolution),
        "interpolation": "bilinear",
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "num_classes": outputs,
        "first_conv": "conv_stem",
        "classifier": "classifier",
    }
    network.pretrained_cfg = cfg
    return network


def check(width: float, resolution: int, variant: str, activation: str) -> None:
    """Refuse what is not a MobileNet v1.

    Raises:
        DistillError: an argument is outside its range.
    """
    if not 0 < width <= 1:
        raise DistillError(f"student.width: {width}, expected a width multiplier above 0 and at most 1.")
    check_resolution(resolution)
    if variant not in get_args(Variant):
        raise DistillError(f"student.variant: {variant!r}, expected one of {', '.join(get_args(Variant))}.")
    if activation not in get_args(Activation):
        raise DistillError(f"student.activation: {activation!r}, expected one of {', '.join(get_args(Activation))}.")


@dataclass(frozen=True)
class MobilenetV1(TimmFamily):
    """The paper's network.

    Args:
        width: the width multiplier alpha, above 0 and at most 1.
        resolution: pixels of a side of the picture it sees.
        variant: separable, full (convolutions), or shallow.
        activation: the paper's is relu.
        weights: what it starts from: a safetensors or torch file, the published ImageNet checkpoint's too.
    """

    name: Literal["mobilenet_v1"] = "mobilenet_v1"
    width: float = 1.0
    resolution: int = 224
    variant: Variant = "separable"
    activation: Activation = "relu"
    weights: str | Path | None = None

    def __post_init__(self) -> None:
        check(self.width, self.resolution, self.variant, self.activation)

    def network(self, outputs: int) -> nn.Module:
        return mobilenet_v1(self.width, self.resolution, outputs, self.variant, self.activation)

    def pretrained(self, head: Head | Boxed) -> NoReturn:
        """Refuse: timm has no such weights.

        Raises:
            DistillError: always.
        """
        raise DistillError(
            "student.weights: timm has no weights of the paper's mobilenet_v1. Give a file, leave the key out, or take "
            "timm's mobilenetv1_100."
        )

    def renamed(self, tensors: Mapping[str, Tensor], network: nn.Module) -> Mapping[str, Tensor]:
        """The published checkpoint's tensors too."""
        if is_published(tensors):
            own = getattr(getattr(network, "body", None), "network", network)
            tensors = rename(tensors, own)
            if self.activation != TRAINED_WITH:
                log.warning(
                    "%s: trained with %s; with %s it has to be trained again.",
                    self.weights,
                    TRAINED_WITH,
                    self.activation,
                )
        return super().renamed(tensors, network)

    @property
    def full_name(self) -> str:
        parts = [self.name, repr(self.width), str(self.resolution)]
        parts += [self.variant] if self.variant != get_args(Variant)[0] else []
        parts += [self.activation] if self.activation != get_args(Activation)[0] else []
        return "_".join(parts)

    @classmethod
    def from_full_name(cls, name: str) -> Self | None:
        if name == cls.name:
            return cls()
        match = re.fullmatch(rf"{cls.name}_{_PARTS}", name)
        if match is None:
            return None
        parts: dict[str, Any] = {key: value for key, value in match.groupdict().items() if value is not None}
        try:
            return cls(**parts | {"width": float(parts["width"]), "resolution": int(parts["resolution"])})
        except ValueError:  # a width that is no number
            return None


_PARTS = (
    r"(?P<width>[^_]+)_(?P<resolution>\d+)"
    rf"(_(?P<variant>{'|'.join(get_args(Variant))}))?(_(?P<activation>{'|'.join(get_args(Activation))}))?"
)
