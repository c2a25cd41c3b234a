"""An exported ONNX file as a predictor: the preprocessing but the resize is inside the graph."""

from pathlib import Path

import numpy as np

from distill.errors import DistillError
from distill.predictors.file_predictor import FilePredictor
from distill.predictors.graph_session import GraphSession
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_session import OnnxSession


class OnnxPredictor(FilePredictor):
    """Runs an exported student, of full precision or int8, in onnxruntime.

    Args:
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: not an ONNX file, or one that does not say what it wants.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._session = OnnxSession(path, threads=threads)
        metadata = read_metadata(self._session)
        if metadata is None:
            raise DistillError(
                f"{path}: its metadata does not say what it takes and gives, so it was not exported here. A file from "
                "elsewhere can be a teacher: --teacher onnx --teacher.file."
            )
        super().__init__(path, metadata)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        return self._session.every(batch)


def read_metadata(session: GraphSession) -> OnnxMetadata | None:
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
