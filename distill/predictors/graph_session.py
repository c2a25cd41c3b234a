"""One graph in its runtime: pictures go in, and of each a row of numbers comes out.

Shared by the predictors of exported files and by black boxes that teach; a runtime is a subclass.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from distill.errors import DistillError, shortened

_SAME = 0.05  # of the largest number: int8 with ranges of the batch at hand rounds a picture otherwise beside another

_BATCHES = (2, 4, 8, 16, 32, 64, 128)  # that a graph may hold inside


class GraphInput(NamedTuple):
    """What a graph takes: the name of its input, its shape with None for an axis left open, and its element type."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


class GraphSession(ABC):
    """A graph that is ready to run.

    `shape` is the input's, None where an axis is dynamic; `dtype` its element type; `properties` the file's metadata;
    `outputs` the names of all its outputs.

    Args:
        path: of the file.
        takes: its input.
        outputs: the names of all its outputs.
        properties: what the file says of itself.
        output: the name of the output that a call reads; None where there is only one.

    Raises:
        DistillError: an output is named that the graph does not have, or it has none.
    """

    def __init__(
        self,
        path: Path,
        takes: GraphInput,
        outputs: tuple[str, ...],
        properties: dict[str, str],
        output: str | None = None,
    ) -> None:
        if output is not None and output not in outputs:
            raise DistillError(f"{path}: has no output {output!r}. It has: {shortened(', '.join(outputs))}.")
        if not outputs:
            raise DistillError(f"{path}: has no output; expected a graph that answers. Export it again.")
        self.path, self.outputs, self.properties, self._chosen = path, outputs, properties, output
        self.shape, self.dtype = takes.shape, takes.dtype
        self._batch = self.shape[0]

    @abstractmethod
    def infer(self, batch: np.ndarray, names: list[str]) -> list[np.ndarray]:
        """(N, ...) as the graph wants its input, N its batch size where that is fixed, to the outputs of these names.

        Raises:
            DistillError: the runtime refuses the batch.
        """

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that its answers depend on."""
        return (self.path,)

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
            DistillError: the runtime refuses the batch, or the output is not a row of finite numbers a picture.
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
            C, and how pictures are asked from now on and why: None where that is as the graph says itself.

        Raises:
            DistillError: it cannot answer one picture either.
        """
        try:
            alone = np.concatenate([self._rows(pair[:1]), self._rows(pair[1:])])
        except DistillError:
            if self._batch is not None or (found := self._settle_on(pair)) is None:
                raise
            return found
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
        return outputs, f"asked one picture at a time: {reason}"

    def _settle_on(self, pair: np.ndarray) -> tuple[int, str] | None:
        """Ask as many pictures at once as a graph holds a shape for inside; None where that is none of the usual."""
        for size in _BATCHES:
            batch = np.concatenate([pair] * (size // 2))
            try:
                answers = self._rows(batch)
            except DistillError:
                continue
            if len(answers) == size and _same(answers[:2], answers[-2:]):
                self._batch = size
                return answers.shape[1], f"asked {size} pictures at a time: it takes any number, and answers that alone"
        return None

    def every(self, batch: np.ndarray, names: list[str] | None = None) -> list[np.ndarray]:
        """(N, ...) as the graph wants its input to all outputs in their order, or to those named, float32 (N, ...).

        Raises:
            DistillError: the runtime refuses the batch, or an output has no row for each picture.
        """
        return self._batches(batch, list(self.outputs) if names is None else names)

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
        outputs = self.infer(batch, names)
        for name, answers in zip(names, outputs, strict=True):
            if not isinstance(answers, np.ndarray):  # a sequence or map, as converters of scikit-learn add (ZipMap)
                raise DistillError(
                    f"{self.path}: output {name!r} is a {type(answers).__name__} and no tensor, expected (N, C). Name "
                    "another output, or export it again without the last step (zipmap=False)."
                )
            if len(names) == 1 and answers.dtype in (np.int32, np.int64) and answers.size == size:
                raise DistillError(
                    f"{self.path}: output {name!r} is one whole number a picture, the number of a class perhaps, which "
                    "teaches nothing of the others; expected a score for each, (N, C). Name another output, or export "
                    "it again without its last ArgMax."
                )
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


def picture_input(path: Path, inputs: list[GraphInput]) -> GraphInput:
    """The input of a graph that takes one batch of pictures and nothing else.

    Raises:
        DistillError: it takes something else.
    """
    if len(inputs) == 1 and len(inputs[0].shape) == 4 and inputs[0].dtype in (np.uint8, np.float32, np.float16):
        return inputs[0]
    taken = shortened(", ".join(f"{value.name} {value.dtype} {list(value.shape)}" for value in inputs))
    raise DistillError(f"{path}: takes {taken}; expected one batch of pictures, uint8 or float, with 4 axes.")
