"""A torch network as a teacher.

Shapes: N batch, C classes or attributes, or embedding dimensions; h w the teacher's own size.
"""

import torch
from torch import Tensor, nn

from distill.answers.kind import named
from distill.cost import count
from distill.files.weights import weights_checksum
from distill.preprocess.preprocess import Preprocess
from teachers.networks.glimpse import Glimpse
from teachers.teacher import Shapes, Size, Teacher, counted, fingerprint_of


class TorchTeacher(Teacher):
    """Any network from normalised float (N, 3, h, w) to logits (N, C) or other tensors, frozen.

    One tensor needs no name; a network of several gives them by the names of `outputs`.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        outputs: int | Shapes,
        classes: tuple[str, ...] | None,
        name: str,
    ) -> None:
        super().__init__(name, preprocess, outputs, classes)
        # The layout depthwise convolutions are fastest in: 1.7 times the pictures a second on a CPU.
        self.network = network.requires_grad_(False).to(memory_format=torch.channels_last)
        self.eval()

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to float32 tensors (N, ...) by name."""
        normalized = self.preprocess.normalize(pictures).contiguous(memory_format=torch.channels_last)
        outputs = named(self.network(normalized), next(iter(self.shapes)))
        return {name: tensor.float() for name, tensor in outputs.items()}

    def size(self) -> Size:
        return counted(self.name, lambda: count(self.network, self.preprocess.height, self.preprocess.width))

    def fingerprint(self) -> str:
        """sha256 over name, weights and preprocessing, that of networks inside which cut the picture themselves too."""
        glimpses = [part.preprocess.facts() for part in self.network.modules() if isinstance(part, Glimpse)]
        facts = (weights_checksum(self.network), self.name, self.preprocess.facts(), self.classes)
        return fingerprint_of(*facts, *([glimpses] if glimpses else []))
