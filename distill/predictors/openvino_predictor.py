"""An exported OpenVINO file, .xml with its .bin beside it, as a predictor."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from distill.errors import DistillError
from distill.predictors.file_predictor import FilePredictor, foreign, needs, unreadable
from distill.predictors.onnx_metadata import PREFIX, OnnxMetadata


class OpenvinoPredictor(FilePredictor):
    """Runs an exported student in OpenVINO on the CPU, in float32 unless the file is int8.

    Args:
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: OpenVINO is not installed, or the file is not one that was exported here.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        try:
            import openvino
        except ImportError as error:
            raise needs("openvino", error) from error
        try:
            model = openvino.Core().read_model(path)
            # At its default the plugin calculates in bfloat16 where the processor can, and says so nowhere.
            settings = {
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
                "NUM_STREAMS": 1,
            }
            with _own_signal_stack():
                self._compiled = openvino.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise unreadable(path, "OpenVINO", error) from error
        if not model.has_rt_info(["distill"]):
            raise foreign(path)
        entries = model.get_rt_info(["distill"]).value
        texts = {PREFIX + key: str(value) for key, value in entries.items()}
        metadata = OnnxMetadata.from_props(texts)
        if metadata is None:
            raise foreign(path)
        super().__init__(path, metadata)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        try:
            outputs = self._compiled(np.ascontiguousarray(batch))
        except RuntimeError as error:
            raise DistillError(f"{self.path}: cannot run on an input of shape {batch.shape} ({error}).") from error
        return [np.array(outputs[number], np.float32) for number in range(len(self.kind.tensors))]


class _Stack(ctypes.Structure):
    """stack_t of Linux's signal.h."""

    _fields_ = (("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def _own_signal_stack() -> Iterator[None]:
    """Give this thread the signal stack back that it came with.

    OpenVINO sets one of its own as it compiles a model, and at the model's end the one it found there. Of two models,
    the first to be made may be the first to end: then the thread is left with the stack of the first, which is freed,
    and the next signal, such as a data worker's end, kills the process.
    """
    if sys.platform != "linux":
        yield
        return
    libc, before = ctypes.CDLL(None), _Stack()
    libc.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        libc.sigaltstack(ctypes.byref(before), None)
