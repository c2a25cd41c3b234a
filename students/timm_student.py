"""timm's MobileNets, v1 to v4, as students: by the names they have there."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import timm
from torch import Tensor, nn

from distill.files.weights import hub_cfg, hub_network
from distill.preprocess.preprocess import Interpolation, Preprocess
from students.body import TimmBody
from students.head import Boxed, Head, HeadedBody, Linear
from students.naming import is_timm, wrong_name
from students.student import Student, check_resolution


class TimmFamily(Student):
    """What is built by timm's builder of MobileNets; with one linear layer for a head it is timm's network itself."""

    @abstractmethod
    def network(self, outputs: int) -> nn.Module:
        """The whole network at random, with a classifier of so many outputs."""

    def body(self) -> TimmBody:
        return TimmBody(self.network(1))

    def build(self, head: Head | Boxed) -> nn.Module:
        return self.network(head.outputs) if isinstance(head, Linear) else super().build(head)

    def renamed(self, tensors: Mapping[str, Tensor], network: nn.Module) -> Mapping[str, Tensor]:
        """A whole network's tensors as those of the body of one with another head, which is left at random."""
        if not isinstance(network, HeadedBody) or any(name.startswith("body.") for name in tensors):
            return tensors
        kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("classifier.")}
        return {f"body.network.{name}": tensor for name, tensor in kept.items()}


@dataclass(frozen=True)
class TimmStudent(TimmFamily):
    """A MobileNet of timm's.

    Args:
        name: in timm, for example `mobilenetv3_small_100`.
        resolution: pixels of a side of the picture it sees.
        weights: what it starts from: `timm` for the pretrained weights of the hub, or a safetensors or torch file.
    """

    name: str
    resolution: int = 224
    weights: str | Path | None = None

    def __post_init__(self) -> None:
        check_resolution(self.resolution)
        if not is_timm(self.name):
            raise wrong_name(self.name)

    def network(self, outputs: int) -> nn.Module:
        return timm.create_model(self.name, pretrained=False, num_classes=outputs)

    def pretrained(self, head: Head | Boxed) -> tuple[nn.Module, tuple[str, ...]]:
        if isinstance(head, Linear):
            return hub_network(self.name, head.outputs, allow_new_head=True, arguments={})
        assert not isinstance(head, Boxed)  # `students.student.check_head`
        network, _ = hub_network(self.name, 0, allow_new_head=True, arguments={})
        headed = HeadedBody(TimmBody(network), head)
        return headed, tuple(f"head.{name}" for name in headed.head.state_dict())

    @classmethod
    def from_full_name(cls, name: str) -> Self | None:
        if is_timm(name):
            return cls(name)
        head, _, tail = name.rpartition("_")
        return cls(head, int(tail)) if is_timm(head) and tail.isdecimal() else None

    @property
    def preprocess(self) -> Preprocess:
        """With the mean, deviation and kernel that its weights were trained with."""
        cfg = hub_cfg(self.name)
        mean, std = cast(tuple[float, float, float], cfg.mean), cast(tuple[float, float, float], cfg.std)
        return Preprocess(self.resolution, self.resolution, cast(Interpolation, cfg.interpolation), mean, std)
