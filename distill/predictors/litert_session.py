"""A .tflite graph in LiteRT."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill.errors import DistillError, shortened
from distill.predictors.file_predictor import needs, unreadable
from distill.predictors.graph_session import GraphInput, GraphSession, picture_input

METADATA_SUFFIX = ".json"
"""Of the file beside a .tflite exported here that holds its metadata: the converter leaves no room for it inside."""


class LitertSession(GraphSession):
    """A LiteRT file, run one picture at a time.

    An int8 input takes float numbers here, and an int8 or uint8 output gives them, through the scale and zero point
    that the file has of each; a uint8 input takes pictures as they are.

    Args:
        output: the name of the output that a call reads; None where there is only one.
        threads: of the runtime; None for as many as torch has.

    Raises:
        DistillError: LiteRT is not installed, the file or what lies beside it cannot be read, it takes something else
            than pictures, or has no such output.
    """

    def __init__(self, path: Path, output: str | None = None, threads: int | None = None) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise needs("litert", error) from error
        if not path.is_file():
            raise DistillError(f"{path}: no such .tflite file.")
        beside = path.with_name(path.name + METADATA_SUFFIX)
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads or torch.get_num_threads())
            self._interpreter.allocate_tensors()
            properties = json.loads(beside.read_text(encoding="utf-8-sig")) if beside.is_file() else {}
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (RuntimeError, ValueError) as error:
            raise unreadable(path, "LiteRT", error) from error
        takes = picture_input(path, [_taken(one) for one in inputs])
        self._input = inputs[0]
        self._outputs = {one["name"]: one for one in outputs}
        self._shown = tuple(inputs[0]["shape"])
        super().__init__(path, takes, tuple(self._outputs), properties, output)
        self._batch = 1  # whatever the file says: what lies inside is mostly fixed for one

    def infer(self, batch: np.ndarray, names: list[str]) -> list[np.ndarray]:
        scale, zero = self._input["quantization"]
        if self._input["dtype"] == np.int8:
            batch = np.clip(np.round(batch / scale) + zero, -128, 127).astype(np.int8)
        try:
            if None in self.shape[1:] and batch.shape != self._shown:
                self._interpreter.resize_tensor_input(self._input["index"], batch.shape)
                self._interpreter.allocate_tensors()
                self._shown = batch.shape
            self._interpreter.set_tensor(self._input["index"], np.ascontiguousarray(batch))
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise DistillError(
                f"{self.path}: cannot run on an input of shape {batch.shape} ({shortened(error)})."
            ) from error
        outputs = [self._outputs[name] for name in names]
        return [_numbers(self._interpreter.get_tensor(one["index"]), one) for one in outputs]


def _taken(details: dict[str, Any]) -> GraphInput:
    """An input as LiteRT describes it; of an int8 one with a scale, the numbers that are meant."""
    sizes = details["shape_signature"] if len(details["shape_signature"]) else details["shape"]
    meant = np.float32 if details["dtype"] == np.int8 and details["quantization"][0] else details["dtype"]
    return GraphInput(details["name"], tuple(None if size < 0 else int(size) for size in sizes), np.dtype(meant))


def _numbers(values: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    """The numbers that an output's levels stand for."""
    scale, zero = details["quantization"]
    numbers = values.astype(np.float32)  # a copy: the interpreter writes the next answer over its own
    return (numbers - zero) * scale if scale else numbers
