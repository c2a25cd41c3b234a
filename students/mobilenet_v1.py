"""MobileNet v1 (arXiv 1704.04861, table 1) through timm's EfficientNet builder.

In timm's notation `dsa_r6_k3_s2_c512` is six depthwise separable blocks to 512 channels, the first of stride 2; `cn` is
a full convolution in the block's place. The last depthwise layer has stride 1: the paper prints s2, but 7x7 goes in and
comes out.
"""

from functools import partial
from typing import Any, Literal, get_args

from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.efficientnet import EfficientNet
from torch import nn

from distill.errors import DistillError
from distill.preprocess.preprocess import IMAGENET_MEAN, IMAGENET_STD

Variant = Literal["separable", "full", "shallow"]
Activation = Literal["relu", "relu6", "leaky_relu", "hard_swish"]

_STEM_CHANNELS = 32
_BLOCKS: dict[Variant, tuple[str, int]] = {"separable": ("dsa", 6), "full": ("cn", 6), "shallow": ("dsa", 1)}
_ACTIVATIONS: dict[Activation, Any] = {
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
        act_layer=_ACTIVATIONS[activation],
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
    if resolution < 1:
        raise DistillError(f"student.resolution: {resolution}, expected pixels, for example 128.")
    if variant not in get_args(Variant):
        raise DistillError(f"student.variant: {variant!r}, expected one of {', '.join(get_args(Variant))}.")
    if activation not in get_args(Activation):
        raise DistillError(f"student.activation: {activation!r}, expected one of {', '.join(get_args(Activation))}.")
