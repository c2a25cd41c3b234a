"""A graph that nobody can retrain as a teacher: known only by its input and its outputs.

Shapes: N batch, C classes or attributes, h w the teacher's own size.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from distill.answers.logits import Announced, Gives
from distill.cost import count_onnx
from distill.files.atomic import checksum
from distill.predictors.graph_session import GraphSession
from distill.predictors.onnx_session import OnnxSession
from distill.preprocess.preprocess import Preprocess
from teachers.teacher import Shapes, Size, Teacher, counted, fingerprint_of

Layout = Literal["nchw", "nhwc"]

_GREY = (0.299, 0.587, 0.114)
"""Of red, green and blue in what a graph of one channel is shown: ITU-R BT.601."""


class BlackBox(Teacher):
    """A graph in its runtime: ONNX, LiteRT or OpenVINO. It has no parameters: it is frozen by nature.

    Args:
        gives: `logits`, `probabilities` of each class by itself (sigmoid), or `softmax` probabilities; None for
            embeddings.
        sure: take its answers for that even where they look like something else.
        assumed: what neither the file nor the recipe says of it, in words.
    """

    def __init__(
        self,
        session: GraphSession,
        preprocess: Preprocess,
        layout: Layout,
        gives: Gives | None,
        outputs: int | Shapes,
        classes: tuple[str, ...] | None,
        sure: bool = False,
        assumed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(session.path.name, preprocess, outputs, classes)
        self.session, self.layout, self._assumed = session, layout, assumed
        self._announced = None if gives is None else Announced(gives, self.name, sure)
        self.eval()

    @property
    def gives(self) -> Gives | None:
        return None if self._announced is None else self._announced.gives

    @property
    def contract(self) -> str:
        said = f"{super().contract}; {self.layout}; output {self.session.output!r}, {self.gives or 'an embedding'}"
        return f"{said}; assumed, for nothing says it: {', '.join(self._assumed)}" if self._assumed else said

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `logits` or `embedding`, float32 (N, C), on the pictures'
        device.

        Raises:
            DistillError: the graph cannot run, answers NaN, or answers something else than it was said to.
        """
        answers = self.session(graph_input(pictures, self.session, self.preprocess, self.layout))
        logits = answers if self._announced is None else self._announced.logits(answers)
        return {next(iter(self.shapes)): torch.from_numpy(logits).to(pictures.device)}

    def size(self) -> Size:
        if isinstance(self.session, OnnxSession):
            return counted(self.name, lambda: count_onnx(self.session.path))
        return super().size()

    def fingerprint(self) -> str:
        """sha256 over the file, those its weights lie in, the output read from it and the preprocessing."""
        content = "".join(map(checksum, self.session.files))
        facts = (self.session.output, self.layout, self.gives, self.preprocess.facts(), self.classes)
        return fingerprint_of(content, *facts)


def graph_input(pictures: Tensor, session: GraphSession, preprocess: Preprocess, layout: Layout) -> np.ndarray:
    """Float (N, 3, h, w), RGB on the 0..255 scale, as a graph wants its input: its order of axes and of channels, or
    grey, normalised or as uint8."""
    raw = session.dtype == np.uint8
    batch = preprocess.ordered(pictures) if raw else preprocess.normalize(pictures)
    if channels_of(session, layout) == 1:
        batch = (batch * batch.new_tensor(_GREY).view(1, 3, 1, 1)).sum(1, keepdim=True)
    batch = batch.round().clamp(0, 255) if raw else batch
    batch = batch.permute(0, 2, 3, 1) if layout == "nhwc" else batch
    return batch.cpu().numpy().astype(session.dtype)


def channels_of(session: GraphSession, layout: Layout) -> int | None:
    """How many channels a graph takes; None where it leaves that open."""
    return session.shape[1 if layout == "nchw" else 3]
