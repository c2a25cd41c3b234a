"""An exported OpenVINO file, .xml with its .bin beside it, as a predictor."""

from pathlib import Path

import numpy as np

from distill.predictors.file_predictor import FilePredictor, foreign
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.openvino_session import OpenvinoSession


class OpenvinoPredictor(FilePredictor):
    """Runs an exported student in OpenVINO on the CPU, in float32 unless the file is int8.

    Args:
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: OpenVINO is not installed, or the file is not one that was exported here.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._session = OpenvinoSession(path, threads=threads)
        metadata = OnnxMetadata.from_props(self._session.properties)
        if metadata is None:
            raise foreign(path)
        super().__init__(path, metadata)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        return self._session.every(batch)
