"""A torch network as a predictor."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill.preprocess.preprocess import Fit, Preprocess

Activation = Literal["sigmoid", "softmax", "unit"]
"""From a network's outputs to what is scored: probabilities, or an embedding of unit length."""


class TorchPredictor:
    """Runs a network in eval mode, on the device it is on, and puts each of its modules back into its mode.

    Args:
        network: float (N, 3, h, w) to logits or embeddings (N, C).
        normalize: True for a student, which eats normalised pixels; False for a teacher, which eats 0..255.
        activation: of its outputs.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        activation: Activation,
        *,
        normalize: bool,
        name: str,
        classes: tuple[str, ...] | None = None,
        thresholds: tuple[float, ...] | None = None,
        picture: tuple[int, int] | None = None,
        fit: Fit = "crop",
    ) -> None:
        self.network, self.normalize, self.activation = network, normalize, activation
        self.name, self.preprocess = name, preprocess
        self.classes, self.thresholds, self.picture, self.fit = classes, thresholds, picture, fit

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, 3) to float32 probabilities or unit embeddings (N, C)."""
        tensor = next(itertools.chain(self.network.parameters(), self.network.buffers()), torch.empty(0))
        with torch.inference_mode(), _evaluating(self.network):
            pixels = self.preprocess.resize(torch.from_numpy(pictures).to(tensor.device)).permute(0, 3, 1, 2).float()
            logits = self.network(self.preprocess.normalize(pixels) if self.normalize else pixels).float()
            return activate(logits, self.activation).cpu().numpy()


def activate(outputs: Tensor, activation: Activation) -> Tensor:
    """float (N, C) to probabilities, or to unit length; the zero vector stays."""
    if activation == "unit":
        return F.normalize(outputs, dim=1)
    return outputs.sigmoid() if activation == "sigmoid" else outputs.softmax(dim=1)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
