"""A torch network as a predictor."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from distill.answers.kind import Kind, named
from distill.predictors.predictor import Predictor, joined
from distill.preprocess.preprocess import Fit, Preprocess


class TorchPredictor(Predictor):
    """Runs a network in eval mode, on the device it is on, and puts each of its modules back into its mode.

    Args:
        network: float (N, 3, h, w) to the raw tensors of `kind`; one that is alone needs no name. One that says
            `at_once` is never shown more pictures than that at a time.
        kind: of its answers.
        normalize: True for a student, which eats normalised pixels; False for a teacher, which eats 0..255.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        kind: Kind,
        *,
        normalize: bool,
        name: str,
        picture: tuple[int, int] | None = None,
        fit: Fit = "crop",
    ) -> None:
        self.network, self.normalize, self.kind = network, normalize, kind
        self.name, self.preprocess, self.picture, self.fit = name, preprocess, picture, fit

    def __call__(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, H, W, 3) to float32 answers (N, ...) by name."""
        most = int(getattr(self.network, "at_once", len(pictures))) or 1
        return joined([self._answers(pictures[start : start + most]) for start in range(0, len(pictures) or 1, most)])

    def _answers(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        tensor = next(itertools.chain(self.network.parameters(), self.network.buffers()), torch.empty(0))
        with torch.inference_mode(), _evaluating(self.network):
            pixels = self.preprocess.resize(torch.from_numpy(pictures).to(tensor.device)).permute(0, 3, 1, 2).float()
            outputs = self.network(self.preprocess.normalize(pixels) if self.normalize else pixels)
            raw = {name: values.float() for name, values in named(outputs, self.kind.raw[0]).items()}
            return {name: answers.cpu().numpy() for name, answers in self.kind.activate(raw).items()}


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
