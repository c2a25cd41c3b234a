"""An exported ExecuTorch program, .pte, as a predictor."""

import io
import json
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from distill.errors import DistillError
from distill.predictors.file_predictor import FilePredictor, foreign, needs, unreadable
from distill.predictors.onnx_metadata import OnnxMetadata

METADATA_METHOD = "distill_metadata"
"""A method of the program without inputs; gives the metadata as JSON in UTF-8, uint8 (L,)."""


class ExecutorchPredictor(FilePredictor):
    """Runs an exported student in ExecuTorch, one picture at a time.

    ExecuTorch's threads belong to the process. A predictor of another number than those at hand puts others in their
    place, and since a program loaded before would run on those that are gone, each loads its own anew.

    Args:
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: ExecuTorch is not installed, or the file is not one that was exported here.
    """

    _pools: ClassVar[int] = 0  # that were put in place of ExecuTorch's own, one after the other

    def __init__(self, path: Path, threads: int | None = None) -> None:
        try:
            from executorch.extension.pybindings import portable_lib as runtime
        except ImportError as error:
            raise needs("executorch", error) from error
        if not path.is_file():
            raise DistillError(f"{path}: no such file.")
        self.threads = threads or torch.get_num_threads()
        self._runtime: Any = runtime
        self._program: Any = None
        self._pool = 0
        try:
            program = runtime._load_for_executorch(str(path))
            names = program.method_names()
        except RuntimeError as error:
            raise unreadable(path, "ExecuTorch", error) from error
        if METADATA_METHOD not in names:
            raise foreign(path)
        (content,) = program.run_method(METADATA_METHOD, ())
        metadata = OnnxMetadata.from_props(json.loads(bytes(content.numpy()).decode()))
        if metadata is None:
            raise foreign(path)
        super().__init__(path, metadata)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        pictures = torch.from_numpy(np.ascontiguousarray(batch))
        try:
            self._load()
            rows = [[output.numpy() for output in self._program.forward((one.unsqueeze(0),))] for one in pictures]
        except RuntimeError as error:
            raise DistillError(f"{self.path}: cannot run on pictures of shape {batch.shape[1:]} ({error}).") from error
        return [np.concatenate(column).astype(np.float32) for column in zip(*rows, strict=True)]

    def _load(self) -> None:
        """Have a program that runs on the threads at hand, and as many of them as were asked for."""
        with redirect_stderr(io.StringIO()):  # it logs there each time, unasked
            if self._runtime._threadpool_get_thread_count() != self.threads:
                self._runtime._unsafe_reset_threadpool(self.threads)
                ExecutorchPredictor._pools += 1
        if self._program is None or self._pool != self._pools:
            self._program, self._pool = self._runtime._load_for_executorch(str(self.path)), self._pools
