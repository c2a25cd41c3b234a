"""What evaluation and `distill predict` need of a network, whatever runs it."""

from typing import Protocol

import numpy as np

from distill.predictors.torch_predictor import Activation
from distill.preprocess.preprocess import Fit, Preprocess


class Predictor(Protocol):
    """uint8 pictures to probabilities, or to embeddings of unit length.

    `activation` says which of these. `classes` names the outputs and `thresholds` says from which probability each
    counts as present; both are None where the file does not say, and of embeddings; classes that exclude each other
    have no thresholds. `picture` is the (height, width) of the prepared pictures it was made for, None for any, and
    `fit` how pictures of another shape become such.
    """

    @property
    def name(self) -> str: ...

    @property
    def preprocess(self) -> Preprocess: ...

    @property
    def activation(self) -> Activation: ...

    @property
    def classes(self) -> tuple[str, ...] | None: ...

    @property
    def thresholds(self) -> tuple[float, ...] | None: ...

    @property
    def picture(self) -> tuple[int, int] | None: ...

    @property
    def fit(self) -> Fit: ...

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, 3) to float32 answers (N, C); the resize to the network's size is part of it."""
        ...
