"""One ONNX graph in onnxruntime: a picture goes in, one row of numbers comes out.

Shared by `OnnxPredictor` and the ONNX teacher.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill.errors import DistillError, shortened
from distill.predictors.onnx_refusal import refusal

_DTYPES: dict[str, np.dtype[Any]] = {
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
}
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
_SILENT = 4  # of onnxruntime's log: its errors carry the same text, and a warning a batch says nothing new
_SAME = 0.05  # of the largest number: int8 with ranges of the batch at hand rounds a picture otherwise beside another


class OnnxSession:
    """An ONNX file, ready to run with torch's number of threads, on CUDA where onnxruntime has it.

    `shape` is the input's, None where an axis is dynamic; `dtype` its element type; `properties` the file's metadata.

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
        inputs, outputs = self._session.get_inputs(), [value.name for value in self._session.get_outputs()]
        _check_inputs(path, inputs)
        if output is not None and output not in outputs:
            raise DistillError(f"{path}: has no output {output!r}. It has: {shortened(', '.join(outputs))}.")
        self.path = path
        self.outputs: tuple[str, ...] = tuple(outputs)
        self._chosen = output
        self.dtype = _DTYPES[inputs[0].type]
        self.shape = tuple(size if isinstance(size, int) else None for size in inputs[0].shape)
        self.properties: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._input = inputs[0].name
        self._batch = self.shape[0]

    @property
    def output(self) -> str:
        """The name of the output that a call reads.

        Raises:
            DistillError: there are several, and none was named.
        """
        if self._chosen is None and len(self.outputs) > 1:
            raise DistillError(
                f"{self.path}: has several outputs; name one as `output`: {shortened(', '.join(self.outputs))}."
            )
        return self._chosen or self.outputs[0]

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """(N, ...) as the graph wants its input to float32 (N, C), the output chosen; its axes of 1 are left out.

        Raises:
            DistillError: onnxruntime refuses the batch, or the output is not a row of finite numbers a picture.
        """
        answers = self._rows(batch)
        bad = int((~np.isfinite(answers)).any(axis=1).sum())
        if bad:
            raise DistillError(
                f"{self.path}: NaN or infinity in {self.output!r} for {bad} of {len(batch)} pictures. Check the size, "
                "scale, mean and std it is given, or the file itself."
            )
        return answers

    def settle(self, pair: np.ndarray) -> tuple[int, str | None]:
        """Ask about two pictures, together and one by one; where the answers differ, ask one by one from now on.

        A graph may say that it takes any batch and hold a shape for one picture inside, or calculate with the pictures
        of a batch together.

        Args:
            pair: (2, ...) as the graph wants its input, two different pictures.

        Returns:
            C, and why pictures are asked one by one: None where they need not be, or where the graph says so itself.

        Raises:
            DistillError: it cannot answer one picture either.
        """
        alone = np.concatenate([self._rows(pair[:1]), self._rows(pair[1:])])
        outputs = alone.shape[1]
        if self._batch is not None:
            return outputs, None
        reason = "it takes any number of pictures, and cannot answer two"
        try:
            together = self._rows(pair)
            if _same(together, alone):
                return outputs, None
            reason = "its answer to a picture depends on the others of a batch"
        except DistillError:
            pass
        self._batch = 1
        return outputs, reason

    def every(self, batch: np.ndarray) -> list[np.ndarray]:
        """(N, ...) as the graph wants its input to all outputs in their order, float32 (N, ...).

        Raises:
            DistillError: onnxruntime refuses the batch, or an output has no row for each picture.
        """
        return self._batches(batch, list(self.outputs))

    def _rows(self, batch: np.ndarray) -> np.ndarray:
        """The output chosen, (N, C), finite or not: of (N, C, 1, 1) or (N, 1, C) the axis that has a length."""
        (answers,) = self._batches(batch, [self.output])
        if sum(size != 1 for size in answers.shape[1:]) > 1:
            raise DistillError(
                f"{self.path}: output {self.output!r} has shape {answers.shape} for {len(batch)} pictures, expected "
                "(N, C)."
            )
        return answers.reshape(len(answers), -1)

    def _batches(self, batch: np.ndarray, names: list[str]) -> list[np.ndarray]:
        """A graph of a fixed batch size is run as often as needed, the last time with its last picture repeated."""
        size = self._batch or len(batch)
        runs = [self._run(batch[start : start + size], size, names) for start in range(0, len(batch), size)]
        return [np.concatenate(column) for column in zip(*runs, strict=True)]

    def _run(self, batch: np.ndarray, size: int, names: list[str]) -> list[np.ndarray]:
        count = len(batch)
        if count < size:
            batch = np.concatenate([batch, np.repeat(batch[-1:], size - count, axis=0)])
        try:
            outputs = self._session.run(names, {self._input: np.ascontiguousarray(batch)})
        except Exception as error:  # onnxruntime's errors share no base class
            raise DistillError(
                f"{self.path}: cannot run on an input of shape {batch.shape} ({shortened(error)})."
            ) from error
        for name, answers in zip(names, outputs, strict=True):
            if answers.ndim < 2 or len(answers) != size:
                raise DistillError(
                    f"{self.path}: output {name!r} has shape {answers.shape} for {size} pictures, expected (N, C)."
                )
        return [answers[:count].astype(np.float32) for answers in outputs]


def _same(together: np.ndarray, alone: np.ndarray) -> bool:
    """Whether pictures were answered the same beside one another, (N, C), as one by one."""
    if together.shape != alone.shape:
        return False
    largest = np.abs(alone[np.isfinite(alone)]).max(initial=0)
    return np.allclose(together, alone, rtol=0, atol=_SAME * largest, equal_nan=True)


def _check_inputs(path: Path, inputs: list[Any]) -> None:
    """Refuse a graph that does not take one batch of pictures and nothing else."""
    taken = shortened(", ".join(f"{value.name} {value.type} {value.shape}" for value in inputs))
    if len(inputs) == 1 and not inputs[0].shape:
        raise DistillError(
            f"{path}: its input {shortened(inputs[0].name)!r} says nothing of its shape, not even how many axes it "
            "has; expected 4. Export it again with the shape of a batch of pictures, such as (N, 3, 224, 224)."
        )
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _DTYPES:
        raise DistillError(f"{path}: takes {taken}; expected one batch of pictures, uint8 or float, with 4 axes.")
