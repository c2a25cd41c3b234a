"""A graph that is inspected: an ONNX, LiteRT or OpenVINO file, of which nobody knows more than it says."""

import io
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, redirect_stderr
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, cast, get_args

import numpy as np
import torch

from distill.answers.embeddings import Embedding
from distill.answers.kind import Kind
from distill.answers.logits import Gives
from distill.errors import DistillError
from distill.inspection.facts import Facts
from distill.inspection.hypotheses import AS_IT_IS, GIVEN, NORMALIZATIONS, RAW, Hypothesis, Normalization, Size
from distill.inspection.outputs import meaning
from distill.inspection.subject import Keys, Subject
from distill.predictors.graph_session import GraphSession
from distill.preprocess.preprocess import Channels, Preprocess
from teachers.black_box import BlackBox, Layout, channels_of
from teachers.graph_teacher import SESSIONS, Graph
from teachers.teacher import TeacherConfig

SIDES = (224, 112, 128, 160, 192, 256, 299, 320, 384)
"""Pixels of a side that are tried of a graph that takes any, the most frequent first."""


class GraphSubject(Subject):
    """A graph in its runtime.

    Attributes:
        sides: pixels of a side that are tried where it takes any.

    Raises:
        DistillError: it cannot be opened, takes no pictures, or answers none of the sizes that are tried.
    """

    sides: ClassVar[tuple[int, ...]] = SIDES

    def __init__(self, config: TeacherConfig, facts: Facts) -> None:
        super().__init__(config, facts)
        self._session = self._open()
        layout = self._graph.layout or self._graph.layout_of(self._session.shape)
        self._layouts: tuple[Layout, ...] = (layout,) if layout else get_args(Layout)
        answered = {layout for layout, _ in self._answered}
        if layout is None and len(answered) == 1:
            self.config = replace(self.config, layout=answered.pop())
        self._numbers: dict[str | None, int] = {}
        self._told = False

    @property
    def _graph(self) -> Graph:
        """What the recipe says of how it is asked."""
        return cast(Graph, self.config)

    def _open(self) -> GraphSession:
        return SESSIONS[self._graph.name](self._graph.file, self._graph.output)

    @property
    def outputs(self) -> tuple[str | None, ...]:
        names = self._session.outputs
        return (self.config.output,) if self.config.output or len(names) == 1 else names

    def numbers(self, output: str | None) -> int | None:
        if output not in self._numbers:
            self._numbers[output] = self._raw(self._first_keys(output, self.normalizations[0])).outputs
        return self._numbers[output]

    def _first_keys(self, output: str | None, normalization: Normalization) -> Keys:
        """Of the likeliest way to be asked in these numbers."""
        first = Hypothesis(output, self.channels[0], normalization, AS_IT_IS, "crop", self.kernels[0], self.sizes[0])
        return first.teacher_keys(self.known)

    @property
    def channels(self) -> tuple[Channels | None, ...]:
        if self._grey:
            return (None,)
        return (self.config.channels,) if self.config.channels else get_args(Channels)

    @property
    def normalizations(self) -> tuple[Normalization, ...]:
        if self.config.mean or self.config.scale:
            return (GIVEN,)
        if self._session.dtype == np.uint8:
            return (RAW,)
        # A grey graph has one mean and one deviation.
        return tuple(one for one in NORMALIZATIONS if not self._grey or one.same)

    @cached_property
    def sizes(self) -> tuple[Size | None, ...]:
        found = dict.fromkeys(size for layout, size in self._answered if self.config.layout in (None, layout))
        if not found:
            raise DistillError(
                f"{self.facts.file}: leaves its size open, and answers no picture of {', '.join(map(str, self.sides))} "
                "pixels a side. Give teacher.height and teacher.width."
            )
        return tuple(found)

    @property
    def size(self) -> Size | None:
        if not self.has_layout:
            return None
        rows, columns = self._sides(self._answered[0][0])
        return Size(rows, columns) if rows and columns else None

    @property
    def has_layout(self) -> bool:
        return len({layout for layout, _ in self._answered}) == 1

    def contract(self, keys: Keys, kind: Kind) -> Preprocess:
        return self._raw(keys).preprocess

    def meaning(self, ways: Sequence[Keys], pictures: np.ndarray) -> Gives | None:
        if self.config.gives is not None:
            return self.config.gives
        answers: list[np.ndarray] = []
        for keys in ways:
            try:
                teacher = self._raw(keys)
                pixels = teacher.preprocess.resize(torch.from_numpy(pictures)).permute(0, 3, 1, 2).float()
                answers += [tensor.numpy() for tensor in teacher(pixels).values()]
            except DistillError:  # float16 may end at infinity in one of them
                if keys is ways[-1] and not answers:
                    raise
        return meaning(np.concatenate(answers))

    @property
    def _grey(self) -> bool:
        return all(channels_of(self._session, layout) == 1 for layout in self._layouts)

    @cached_property
    def _answered(self) -> list[tuple[Layout, Size | None]]:
        """Layouts and sizes that it answers, of those that it leaves open; without a question where it leaves none."""
        return list(self._asked_for_sizes())

    def _asked_for_sizes(self) -> Iterator[tuple[Layout, Size | None]]:
        for layout in self._layouts:
            rows, columns = self._sides(layout)
            if rows and columns and len(self._layouts) == 1:
                yield layout, None
                continue
            for size in dict.fromkeys(Size(rows or side, columns or side) for side in self.sides):
                if self._answers(layout, size):
                    yield layout, size

    def _sides(self, layout: Layout) -> tuple[int | None, int | None]:
        """Height and width as the recipe or the file says them."""
        height, width = self._session.shape[1:3] if layout == "nhwc" else self._session.shape[2:]
        return self.config.height or height, self.config.width or width

    def _answers(self, layout: Layout, size: Size) -> bool:
        channels = channels_of(self._session, layout) or 3
        shape = (1, *size, channels) if layout == "nhwc" else (1, channels, *size)
        try:
            self._session.every(np.zeros(shape, self._session.dtype))
        except DistillError:
            return False
        return True

    def _raw(self, keys: Keys) -> BlackBox:
        """The file as it answers, whatever the numbers mean.

        Raises:
            DistillError: the file cannot be asked so, or a key is needed.
        """
        unmeant = {"gives": None, "classes": None, "class_map": None, "mirror": False}
        config = replace(self.config, **{**keys, **unmeant})
        with redirect_stderr(io.StringIO()) if self._told else nullcontext():  # how it is asked is said once
            self._told = True
            return cast(BlackBox, config.teacher(Embedding()))
