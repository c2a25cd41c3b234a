"""An OpenVINO graph, .xml with its .bin beside it, on the CPU."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill.errors import DistillError, shortened
from distill.predictors.file_predictor import needs, unreadable
from distill.predictors.graph_session import GraphInput, GraphSession, picture_input
from distill.predictors.onnx_metadata import PREFIX


class OpenvinoSession(GraphSession):
    """An OpenVINO file, in float32 unless it is int8.

    Args:
        output: the name of the output that a call reads; None where there is only one.
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: OpenVINO is not installed, the file cannot be read, takes something else than pictures, or has no
            such output.
    """

    def __init__(self, path: Path, output: str | None = None, threads: int | None = None) -> None:
        try:
            import openvino
        except ImportError as error:
            raise needs("openvino", error) from error
        if not path.is_file():
            raise DistillError(f"{path}: no such .xml file.")
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
        entries = model.get_rt_info(["distill"]).value if model.has_rt_info(["distill"]) else {}
        super().__init__(
            path,
            picture_input(path, [_taken(one) for one in model.inputs]),
            tuple(_name(one, number) for number, one in enumerate(model.outputs)),
            {PREFIX + key: str(value) for key, value in entries.items()},
            output,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """The graph's, and that of its weights."""
        return (self.path, self.path.with_suffix(".bin"))

    def infer(self, batch: np.ndarray, names: list[str]) -> list[np.ndarray]:
        try:
            outputs = self._compiled(np.ascontiguousarray(batch))
        except RuntimeError as error:
            raise DistillError(
                f"{self.path}: cannot run on an input of shape {batch.shape} ({shortened(error)})."
            ) from error
        return [np.array(outputs[self.outputs.index(name)]) for name in names]


def _taken(port: Any) -> GraphInput:
    """An input as OpenVINO describes it; without axes where it does not say how many."""
    shape = port.get_partial_shape()
    sizes = () if shape.rank.is_dynamic else tuple(None if one.is_dynamic else one.get_length() for one in shape)
    return GraphInput(_name(port, 0), sizes, port.get_element_type().to_dtype())


def _name(port: Any, number: int) -> str:
    return next(iter(sorted(port.get_names())), str(number))


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
