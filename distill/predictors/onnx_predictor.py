"""An exported ONNX file as a predictor: the preprocessing but the resize is inside the graph."""

from pathlib import Path

import numpy as np
import torch

from distill.errors import DistillError
from distill.predictors.onnx_metadata import ACTIVATIONS, OnnxMetadata
from distill.predictors.onnx_session import OnnxSession
from distill.preprocess import Preprocess


class OnnxPredictor:
    """Runs an exported student in onnxruntime.

    Its `preprocess` gives crop, size and resize kernel of the graph's input; the normalisation is the graph's own and
    not applied.

    Raises:
        DistillError: not an ONNX file, or one that does not say what it wants.
    """

    def __init__(self, path: Path) -> None:
        self._session = OnnxSession(path)
        metadata = read_metadata(self._session)
        if metadata is None:
            raise DistillError(
                f"{path}: its metadata does not say what it takes and gives, so it was not exported here. A file from "
                "elsewhere can be a teacher: --teacher onnx --teacher.file."
            )
        self.name = path.name
        self.activation = ACTIVATIONS[metadata.gives]
        self.preprocess = Preprocess(metadata.height, metadata.width, metadata.interpolation, crop=metadata.crop)
        self.classes: tuple[str, ...] | None = metadata.classes
        self.thresholds = metadata.thresholds
        self.picture: tuple[int, int] | None = (metadata.picture_height, metadata.picture_width)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, 3) to float32 probabilities or unit embeddings (N, C)."""
        return self._session(self.preprocess.resize(torch.from_numpy(pictures)).numpy())


def read_metadata(session: OnnxSession) -> OnnxMetadata | None:
    """What the file says of itself; None for a file from elsewhere.

    Raises:
        DistillError: the file's entries are broken or contradict its graph.
    """
    try:
        metadata = OnnxMetadata.from_props(session.properties)
    except DistillError as error:
        raise DistillError(f"{session.path}: {error}") from error
    if metadata and (session.dtype != np.uint8 or session.shape[1:] != (metadata.height, metadata.width, 3)):
        raise DistillError(
            f"{session.path}: takes {session.dtype} {session.shape}, but its metadata says uint8 "
            f"(N, {metadata.height}, {metadata.width}, 3). Export the student again."
        )
    return metadata
