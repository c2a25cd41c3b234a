"""A LiteRT file, .tflite, as a predictor."""

from pathlib import Path

import numpy as np

from distill.predictors.file_predictor import FilePredictor, foreign
from distill.predictors.litert_session import LitertSession
from distill.predictors.onnx_metadata import OnnxMetadata


class LitertPredictor(FilePredictor):
    """Runs a student in LiteRT, one picture at a time.

    Args:
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: LiteRT is not installed, or the file or the metadata beside it cannot be read.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._session = LitertSession(path, threads=threads)
        metadata = OnnxMetadata.from_props(self._session.properties)
        if metadata is None:
            raise foreign(path)
        super().__init__(path, metadata)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        return self._session.every(batch)
