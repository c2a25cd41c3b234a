"""A torch detector seen from inside: not its boxes, but what it makes them of.

Shapes: N batch, F channels of a map, h w the detector's own pixels.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from distill.preprocess.preprocess import Preprocess


class Inside(nn.Module):
    """Answers maps of features about any view, by stride (`distill.objectives.boxes.features`), and where it has a
    student's kind of anchors, its `locations`, `logits` and `anchors`.

    Args:
        name, preprocess: of the teacher.
        network: frozen; what has its weights, for its device.
        seen: that network's tensors (N, ...) by name, of normalised float (N, 3, h, w).
    """

    def __init__(
        self,
        name: str,
        preprocess: Preprocess,
        network: nn.Module,
        seen: Callable[[Tensor], Mapping[str, Tensor]],
    ) -> None:
        super().__init__()
        self.name, self.preprocess, self.network, self._seen = name, preprocess, network, seen
        self.eval()

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale, at the teacher's size, to tensors (N, ...) by name."""
        normalized = self.preprocess.normalize(pictures).contiguous(memory_format=torch.channels_last)
        return dict(self._seen(normalized))
