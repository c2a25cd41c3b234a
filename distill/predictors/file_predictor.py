"""What the predictors of all exported files share: the contract in the file, and the resize outside of it."""

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch

from distill.errors import DistillError
from distill.predictors.onnx_metadata import ACTIVATIONS, OnnxMetadata
from distill.preprocess.preprocess import Fit, Preprocess


class FilePredictor(ABC):
    """Runs an exported student in the runtime of its file.

    Its `preprocess` gives crop, size and resize kernel of the file's input; the normalisation is the file's own and
    not applied.

    Args:
        path: of the file.
        metadata: what the file says of itself.
    """

    def __init__(self, path: Path, metadata: OnnxMetadata) -> None:
        self.path, self.name = path, path.name
        self.activation = ACTIVATIONS[metadata.gives]
        self.preprocess = Preprocess(metadata.height, metadata.width, metadata.interpolation, crop=metadata.crop)
        self.classes: tuple[str, ...] | None = metadata.classes
        self.thresholds = metadata.thresholds
        self.picture: tuple[int, int] | None = (metadata.picture_height, metadata.picture_width)
        self.fit: Fit = metadata.fit

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, 3) to float32 probabilities or unit embeddings (N, C)."""
        return self.run(self.preprocess.resize(torch.from_numpy(pictures)).numpy())

    @abstractmethod
    def run(self, batch: np.ndarray) -> np.ndarray:
        """uint8 (N, h, w, 3) of the file's own size to float32 answers (N, C).

        Raises:
            DistillError: the runtime refuses the batch.
        """


def needs(extra: str, error: ImportError) -> DistillError:
    """The error of a runtime that is not installed."""
    return DistillError(f"{error.name or error} is not installed: pip install '.[{extra}]' in Distill's folder.")


def foreign(path: Path) -> DistillError:
    """The error of a file without metadata."""
    return DistillError(
        f"{path}: its metadata does not say what it takes and gives, so it was not exported here. Export the student "
        "again with distill export."
    )


def unreadable(path: Path, runtime: str, error: Exception) -> DistillError:
    """The error of a file that its runtime cannot load."""
    text = " ".join(str(error).split())
    return DistillError(f"{path}: {runtime} cannot load it ({text[:300]}). Export the student again.")
