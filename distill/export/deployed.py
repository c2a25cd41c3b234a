"""What an exported file computes: from uint8 pictures to answers, with the preprocessing inside."""

import copy

from torch import Tensor, nn

from distill.predictors.torch_predictor import Activation, activate
from distill.preprocess.preprocess import Preprocess


class Deployed(nn.Module):
    """uint8 (N, h, w, 3) at the network's resolution to probabilities (N, C) or unit embeddings (N, D).

    Args:
        network: of normalised float (N, 3, h, w) to logits or embeddings; a copy of it is used, in eval mode.
    """

    def __init__(self, network: nn.Module, preprocess: Preprocess, activation: Activation) -> None:
        super().__init__()
        self.network, self.preprocess, self.activation = copy.deepcopy(network).cpu(), preprocess, activation
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        pixels = pictures.permute(0, 3, 1, 2).float()
        return activate(self.network(self.preprocess.normalize(pixels)), self.activation)
