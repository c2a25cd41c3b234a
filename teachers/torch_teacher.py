"""A torch network as a teacher.

Shapes: N batch, C classes or attributes, or embedding dimensions; h w the teacher's own size.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from distill.cost import count
from distill.errors import DistillError, few
from distill.files.weights import weights_checksum
from distill.preprocess.preprocess import Preprocess
from teachers.networks.glimpse import Glimpse
from teachers.teacher import Shapes, Size, Teacher, counted, fingerprint_of


class TorchTeacher(Teacher):
    """Any network from normalised float (N, 3, h, w) to logits (N, C) or other tensors, frozen.

    One tensor needs no name; a network of several gives them by the names of `outputs`.

    Args:
        network, preprocess, outputs, classes, name: as in `Teacher`.
        output: of a network that gives a tuple, a dictionary or an object of several, such as Hugging Face's: which of
            these the one tensor is, by its key, its attribute or its place.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        outputs: int | Shapes,
        classes: tuple[str, ...] | None,
        name: str,
        output: str | int | None = None,
    ) -> None:
        super().__init__(name, preprocess, outputs, classes)
        if output is not None and len(self.shapes) > 1:
            raise DistillError(f"teacher {name}: output chooses one tensor, and {few(self.shapes)} are wanted.")
        self.output = output
        # The layout depthwise convolutions are fastest in: 1.7 times the pictures a second on a CPU.
        self.network = network.requires_grad_(False).to(memory_format=torch.channels_last)
        self.eval()

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to float32 tensors (N, ...) by name.

        Raises:
            DistillError: the network gives something else.
        """
        normalized = self.preprocess.normalize(pictures).contiguous(memory_format=torch.channels_last)
        return {name: tensor.float() for name, tensor in self._chosen(self.network(normalized)).items()}

    def _chosen(self, answer: Any) -> dict[str, Tensor]:
        """The tensors of `shapes` in whatever the network gave."""
        parts = _parts(answer)
        tensors = [part for part in parts.values() if isinstance(part, Tensor)]
        chosen: dict[str, Tensor] = {}
        for name, shape in self.shapes.items():
            place = name if self.output is None else self.output
            lone = self.output is None and len(self.shapes) == 1 and len({id(tensor) for tensor in tensors}) == 1
            tensor = tensors[0] if lone else parts.get(place)
            if not isinstance(tensor, Tensor):
                shapes = {key: tuple(part.shape) for key, part in parts.items() if isinstance(part, Tensor)}
                by_name = {key: size for key, size in shapes.items() if isinstance(key, str)}
                there = ", ".join(f"{key!r} {size}" for key, size in (by_name or shapes).items())
                raise DistillError(
                    f"teacher {self.name}: gives no tensor {place!r}, but {there or type(answer).__name__}. Say which "
                    "one with output, by its name or place."
                )
            if tensor.shape[1:] != tuple(shape):
                raise DistillError(
                    f"teacher {self.name}: gives {tuple(tensor.shape)}, and outputs says {shape} for a picture. "
                    "Correct outputs, or say with output which tensor is meant."
                )
            chosen[name] = tensor
        return chosen

    def size(self) -> Size:
        return counted(self.name, lambda: count(self.network, self.preprocess.height, self.preprocess.width))

    def fingerprint(self) -> str:
        """sha256 over name, weights and preprocessing, that of networks inside which cut the picture themselves too."""
        glimpses = [part.preprocess.facts() for part in self.network.modules() if isinstance(part, Glimpse)]
        facts = (weights_checksum(self.network), self.name, self.preprocess.facts(), self.classes)
        chosen = [] if self.output is None else [{"output": self.output}]
        return fingerprint_of(*facts, *([glimpses] if glimpses else []), *chosen)


def _parts(answer: Any) -> dict[str | int, Any]:
    """What a network gave by key, attribute and place."""
    if isinstance(answer, Mapping):
        return {**dict(enumerate(answer.values())), **answer}
    parts = dict(enumerate(answer if isinstance(answer, tuple | list) else (answer,)))
    # The fields of a named tuple, the attributes of an object.
    names = getattr(answer, "_fields", ()) or getattr(answer, "__dict__", ())
    return {**parts, **{name: getattr(answer, name) for name in names}}
