"""Which student, and the student itself."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast, get_args

import timm
from torch import nn

from distill.errors import DistillError
from distill.files.weights import hub_cfg, hub_network, load_weights, read_weights
from distill.preprocess.preprocess import Interpolation, Preprocess
from students.mobilenet_v1 import Activation, Variant, check, mobilenet_v1
from students.naming import MOBILENET_V1, full_name, is_timm, parse_name
from students.published import TRAINED_WITH, is_published, rename

log = logging.getLogger(__name__)

SMALLEST_RESOLUTION = 32  # pixels; below, the last maps of these networks are empty or a single point


@dataclass(frozen=True)
class StudentConfig:
    """What a recipe says of the student.

    Args:
        name: `mobilenet_v1`, or a MobileNet of timm's by its name there, for example `mobilenetv3_small_100`.
        width: the width multiplier alpha of mobilenet_v1, above 0 and at most 1.
        resolution: pixels of a side of the picture it sees.
        variant: of mobilenet_v1: separable, full (convolutions), or shallow.
        activation: of mobilenet_v1; the paper's is relu.
        weights: what it starts from: `timm` for the pretrained weights of the hub, or a safetensors or torch file.
    """

    name: str = MOBILENET_V1
    width: float = 1.0
    resolution: int = 224
    variant: Variant = "separable"
    activation: Activation = "relu"
    weights: str | Path | None = None

    def __post_init__(self) -> None:
        check(self.width, self.resolution, self.variant, self.activation)
        if self.name == MOBILENET_V1:
            return
        if not is_timm(self.name):
            fields = parse_name(self.name)
            raise DistillError(
                f"student.name: {self.name!r} is a full name; give its parts: "
                f"{', '.join(f'{key}: {value}' for key, value in fields.items())}."
            )
        defaults = {"width": 1.0, "variant": get_args(Variant)[0], "activation": get_args(Activation)[0]}
        for key, default in defaults.items():
            if getattr(self, key) != default:
                raise DistillError(
                    f"student.{key}: {getattr(self, key)!r}, but {self.name} fixes its own; only {MOBILENET_V1} has "
                    "this key. Leave it out, or name another student."
                )

    @classmethod
    def from_name(cls, name: str) -> Self:
        """The student of a full name such as `mobilenet_v1_0.25_128`.

        Raises:
            DistillError: no student has that name.
        """
        return cls(**parse_name(name))

    @property
    def full_name(self) -> str:
        """The name with its parts, such as `mobilenet_v1_0.5_96_shallow`; `from_name` reads it."""
        return full_name(self.name, self.width, self.resolution, self.variant, self.activation)

    @property
    def preprocess(self) -> Preprocess:
        """What the student eats: ImageNet's mean and deviation, or those its timm weights were trained with."""
        if self.name == MOBILENET_V1:
            return Preprocess(self.resolution, self.resolution)
        cfg = hub_cfg(self.name)
        mean, std = cast(tuple[float, float, float], cfg.mean), cast(tuple[float, float, float], cfg.std)
        return Preprocess(self.resolution, self.resolution, cast(Interpolation, cfg.interpolation), mean, std)


def build_student(config: StudentConfig, outputs: int) -> nn.Module:
    """The student's network at random, whatever `config.weights` says: normalised float (N, 3, H, W) to (N, outputs).

    Drawn from torch's global generator: seed it first.
    """
    if config.name == MOBILENET_V1:
        return mobilenet_v1(config.width, config.resolution, outputs, config.variant, config.activation)
    return timm.create_model(config.name, pretrained=False, num_classes=outputs)


def create_student(config: StudentConfig, outputs: int) -> nn.Module:
    """The student's network, from `config.weights` where they are given.

    A classifier of another shape is left at random, and logged as a warning; nothing else may be left out.

    Raises:
        DistillError: the weights are those of another network, cannot be read, or cannot be fetched.
    """
    if config.weights is None:
        return build_student(config, outputs)
    if str(config.weights) == "timm":
        return _from_hub(config, outputs)
    path = Path(os.path.expanduser(config.weights))  # a recipe expands paths, and this may be a name
    tensors = read_weights(path)
    network = build_student(config, outputs)
    if is_published(tensors) and config.name == MOBILENET_V1:
        tensors = rename(tensors, network)
        if config.activation != TRAINED_WITH:
            log.warning(
                "%s: trained with %s; with %s it has to be trained again.", path, TRAINED_WITH, config.activation
            )
    _say_left(config, path, load_weights(network, tensors, path, allow_new_head=True), outputs)
    return network


def _from_hub(config: StudentConfig, outputs: int) -> nn.Module:
    if config.name == MOBILENET_V1:
        raise DistillError(
            "student.weights: timm has no weights of the paper's mobilenet_v1. Give a file, leave the key out, or take "
            "timm's mobilenetv1_100."
        )
    network, left = hub_network(config.name, outputs, allow_new_head=True, arguments={})
    _say_left(config, "timm", left, outputs)
    return network


def _say_left(config: StudentConfig, source: Path | str, left: tuple[str, ...], outputs: int) -> None:
    if left:
        log.warning(
            "%s: its classifier does not fit the %d outputs of %s; left at random: %s.",
            source,
            outputs,
            config.full_name,
            ", ".join(left),
        )
