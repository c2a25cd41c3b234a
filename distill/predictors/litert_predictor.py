"""A LiteRT file, .tflite, as a predictor."""

import json
from pathlib import Path

import numpy as np
import torch

from distill.errors import DistillError
from distill.predictors.file_predictor import FilePredictor, foreign, needs, unreadable
from distill.predictors.onnx_metadata import OnnxMetadata

METADATA_SUFFIX = ".json"
"""Of the file beside student.tflite that holds its metadata: the converter leaves no room for it inside."""


class LitertPredictor(FilePredictor):
    """Runs a student in LiteRT, one picture at a time.

    Args:
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: LiteRT is not installed, or the file or the metadata beside it cannot be read.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise needs("litert", error) from error
        beside = path.with_name(path.name + METADATA_SUFFIX)
        if not beside.is_file():
            raise foreign(path)
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads or torch.get_num_threads())
            self._interpreter.allocate_tensors()
            metadata = OnnxMetadata.from_props(json.loads(beside.read_text(encoding="utf-8-sig")))
        except (RuntimeError, ValueError) as error:
            raise unreadable(path, "LiteRT", error) from error
        if metadata is None:
            raise foreign(path)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]
        super().__init__(path, metadata)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        return [np.concatenate(column) for column in zip(*map(self._answer, batch[:, None]), strict=True)]

    def _answer(self, picture: np.ndarray) -> list[np.ndarray]:
        try:
            self._interpreter.set_tensor(self._input, picture)
        except ValueError as error:
            raise DistillError(f"{self.path}: cannot run on an input of shape {picture.shape} ({error}).") from error
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_tensor(output), np.float32) for output in self._outputs]
