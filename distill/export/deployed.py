"""What an exported file computes: from uint8 pictures to answers, with the preprocessing inside."""

import copy

from torch import Tensor, nn

from distill.answers.kind import Kind, named
from distill.preprocess.preprocess import Preprocess


class Deployed(nn.Module):
    """uint8 (N, h, w, 3) at the network's resolution to the answers of a kind, in their order: (N, ...) each.

    Args:
        network: of normalised float (N, 3, h, w) to the raw tensors of `kind`; a copy of it is used, in eval mode.
    """

    def __init__(self, network: nn.Module, preprocess: Preprocess, kind: Kind) -> None:
        super().__init__()
        self.network, self.preprocess, self.kind = copy.deepcopy(network).cpu(), preprocess, kind
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor | tuple[Tensor, ...]:
        pixels = pictures.permute(0, 3, 1, 2).float()
        raw = named(self.network(self.preprocess.normalize(pixels)), self.kind.raw[0])
        answers = self.kind.activate(raw)
        ordered = tuple(answers[name] for name in self.kind.tensors)
        return ordered[0] if len(ordered) == 1 else ordered
