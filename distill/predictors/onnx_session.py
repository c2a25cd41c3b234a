"""An ONNX graph in onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill.errors import DistillError, echo, shortened
from distill.files.text import as_text
from distill.predictors.graph_session import GraphInput, GraphSession
from distill.predictors.onnx_refusal import refusal, weight_files

_DTYPES: dict[str, np.dtype[Any]] = {
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
}
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
_SILENT = 4  # of onnxruntime's log: its errors carry the same text, and a warning a batch says nothing new


class OnnxSession(GraphSession):
    """An ONNX file, ready to run with torch's number of threads, on CUDA where onnxruntime has it.

    Args:
        output: the name of the output that a call reads; None where there is only one.
        threads: None for as many as torch has.

    Raises:
        DistillError: no ONNX file, more than one input, an element type no picture has, or an output not named.
    """

    def __init__(self, path: Path, output: str | None = None, threads: int | None = None) -> None:
        import onnxruntime as ort

        if not path.is_file():
            raise DistillError(f"{path}: no such ONNX file.")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        # Threads that spin while they wait take the cores torch is training on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _SILENT
        available = ort.get_available_providers()
        providers = [name for name in _PROVIDERS if name in available]
        try:
            self._session = ort.InferenceSession(path, options, providers=providers)
        except Exception as error:  # onnxruntime's errors share no base class
            raise refusal(path, error) from error
        try:
            self._input = _input(path, self._session.get_inputs())
            outputs = tuple(value.name for value in self._session.get_outputs())
        except UnicodeDecodeError as error:
            raise DistillError(
                f"{path}: the name of an input or output is not UTF-8 ({echo(error.object)}). Rename it in the graph."
            ) from error
        properties = _properties(path, self._session)
        super().__init__(path, self._input, outputs, properties, output)

    @property
    def files(self) -> tuple[Path, ...]:
        """The graph's, and those that its weights lie in."""
        return (self.path, *weight_files(self.path))

    def infer(self, batch: np.ndarray, names: list[str]) -> list[np.ndarray]:
        try:
            return self._session.run(names, {self._input.name: np.ascontiguousarray(batch)})
        except Exception as error:  # onnxruntime's errors share no base class
            raise DistillError(
                f"{self.path}: cannot run on an input of shape {batch.shape} ({shortened(error)})."
            ) from error


def _properties(path: Path, session: Any) -> dict[str, str]:
    """What the file says of itself; whatever a vendor wrote there in another encoding spoils nothing."""
    try:
        return dict(session.get_modelmeta().custom_metadata_map)
    except UnicodeDecodeError:
        import onnx

        entries = onnx.load(path, load_external_data=False).metadata_props
        return {as_text(entry.key): as_text(entry.value) for entry in entries}


def _input(path: Path, inputs: list[Any]) -> GraphInput:
    """The input of a graph that takes one batch of pictures and nothing else."""
    taken = shortened(", ".join(f"{value.name} {value.type} {value.shape}" for value in inputs))
    if len(inputs) == 1 and not inputs[0].shape:
        raise DistillError(
            f"{path}: its input {shortened(inputs[0].name)!r} says nothing of its shape, not even how many axes it "
            "has; expected 4. Export it again with the shape of a batch of pictures, such as (N, 3, 224, 224)."
        )
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _DTYPES:
        raise DistillError(f"{path}: takes {taken}; expected one batch of pictures, uint8 or float, with 4 axes.")
    shape = tuple(size if isinstance(size, int) else None for size in inputs[0].shape)
    return GraphInput(inputs[0].name, shape, _DTYPES[inputs[0].type])
