"""A black box as a teacher: a file run by onnxruntime, LiteRT or OpenVINO, and what a recipe must say of it.

Shapes: N batch, C classes or attributes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from distill.answers.kind import Kind
from distill.answers.logits import Gives
from distill.errors import DistillError, OutputsError
from distill.predictors.graph_session import GraphSession
from distill.predictors.litert_session import LitertSession
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import read_metadata
from distill.predictors.onnx_session import OnnxSession
from distill.predictors.openvino_session import OpenvinoSession
from distill.preprocess.preprocess import WHOLE, Channels, Crop, Interpolation, Preprocess
from teachers.black_box import BlackBox, Layout, channels_of, graph_input
from teachers.class_map import ClassMap, load_classifier
from teachers.teacher import Teacher, TeacherConfig, console, read_classes

Scale = Literal["0..1", "0..255"]
Triple = tuple[float, float, float]
Value = TypeVar("Value")

SESSIONS: dict[str, Callable[[Path, str | None], GraphSession]] = {
    "onnx": OnnxSession,
    "litert": LitertSession,
    "openvino": OpenvinoSession,
}
"""What runs a file, by the name of its teacher."""
_UNIT = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_RAW = ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))


@dataclass(frozen=True)
class Graph(TeacherConfig):
    """An ONNX file, or one of LiteRT or OpenVINO. One that was exported here says all the rest itself; elsewhere, give
    what its graph does not say.

    Args:
        file: the .onnx file; of litert the .tflite, of openvino the .xml with its .bin beside it.
        output: the name of the output to learn from, where there are several.
        gives: logits, probabilities (of each class by itself), or softmax (probabilities that sum to one); left out
            for embeddings.
        height: pixels it sees.
        width: pixels it sees.
        interpolation: how pictures are brought to that size.
        layout: the order of its input's axes.
        scale: of a float input that is not normalised: white is 1 or 255.
        mean: of a normalised input: subtracted from values in 0..1.
        std: divided by after that.
        crop: top, left, height, width of the part of a picture it sees, as shares of it; None for the whole.
        channels: in which order it eats the three, rgb or bgr; mean and std stay in that of red, green, blue. Left out,
            rgb is assumed.
        classes: names of its outputs in order: a list, or a file with one a line or a JSON list. Those of the data's
            classes are selected by them, whatever the order.
        class_map: of more outputs than the data's classes, which are which, by WordNet id: imagenet (1000),
            imagenet_background (1001, the first none of them), or a file with the id of each output a line, in order.
        mirror: of a teacher of classes: answer with the mean of the logits of a picture and of its mirror image.
        sure: take its answers for what `gives` says even where they look like something else.
    """

    file: Path
    name: Literal["onnx", "litert", "openvino"] = "onnx"
    output: str | None = None
    gives: Gives | None = None
    height: int | None = None
    width: int | None = None
    interpolation: Interpolation | None = None
    layout: Layout | None = None
    scale: Scale | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    crop: tuple[float, float, float, float] | None = None
    channels: Channels | None = None
    classes: tuple[str, ...] | Path | None = None
    class_map: ClassMap | None = None
    mirror: bool = False
    sure: bool = False
    ready_made: ClassVar[bool] = True

    def teacher(self, kind: Kind) -> Teacher:
        return self._embedder() if kind.class_names is None else load_classifier(self, kind.class_names, kind)

    def own_classes(self) -> tuple[str, ...] | None:
        return self._classes(read_metadata(SESSIONS[self.name](self.file, self.output)))

    def load(self, outputs: int) -> BlackBox:
        """The teacher with all its outputs; `teachers.class_map.load_classifier` selects those of the data.

        Raises:
            DistillError: the file cannot be loaded, a key is needed or contradicts it, or it has other outputs.
        """
        session = SESSIONS[self.name](self.file, self.output)
        metadata = read_metadata(session)
        answers: Gives | None = None
        if metadata:
            if metadata.answers.class_names is None:
                raise DistillError(
                    f"{self.file}: answers {metadata.answers.words}, and this recipe needs {outputs} classes. Give a "
                    f"teacher of these, or take a recipe for {metadata.answers.words}."
                )
            answers = metadata.answers.gives
        gives: Gives | None = self._agree("gives", self.gives, answers)
        teacher = self._teacher(session, metadata, gives, self._classes(metadata))
        if teacher.outputs != outputs:
            raise OutputsError(
                f"{self.file}: has {teacher.outputs} outputs, expected {outputs}, one for each class. Give a teacher "
                "of these classes."
            )
        return teacher

    def _embedder(self) -> BlackBox:
        """A teacher of embeddings (N, D): the file's output as it is, of unit length from a file exported here.

        Raises:
            DistillError: the file cannot be loaded, a key is needed or contradicts it, or it answers probabilities.
        """
        session = SESSIONS[self.name](self.file, self.output)
        metadata = read_metadata(session)
        if self.gives:
            raise DistillError(f"teacher.gives is {self.gives}: an embedding is taken as it is. Leave the key out.")
        if metadata and (names := metadata.answers.class_names) is not None:
            raise DistillError(
                f"{self.file}: answers {metadata.answers.name} of {len(names)} classes, expected an embedding. "
                "Give a file whose output is one."
            )
        return self._teacher(session, metadata, None, None, embeds=True)

    def _teacher(
        self,
        session: GraphSession,
        metadata: OnnxMetadata | None,
        gives: Gives | None,
        classes: tuple[str, ...] | None,
        embeds: bool = False,
    ) -> BlackBox:
        """The graph with its input contract: what file, metadata and recipe say together."""
        preprocess, layout = self.contract(session, metadata, told=bool(gives or embeds))
        shown = _two_pictures(preprocess.height, preprocess.width)
        pair = graph_input(shown, session, preprocess, layout)
        outputs, reason = session.settle(pair)
        if reason:
            console.print(f"teacher {self.file.name}: {reason}.", soft_wrap=True)
        return BlackBox(
            session,
            preprocess,
            layout,
            gives,
            {"embedding": (outputs,)} if embeds else {"logits": (outputs,)},
            classes,
            sure=self.sure,
            assumed=() if metadata else self._assumed(gives, classes),
        )

    def contract(self, session: GraphSession, metadata: OnnxMetadata | None, told: bool) -> tuple[Preprocess, Layout]:
        """What the graph is shown.

        Args:
            told: whether it is known what it answers.

        Raises:
            DistillError: a key is needed or contradicts the file.
        """
        kernel: Interpolation | None = metadata.interpolation if metadata else None
        interpolation: Interpolation | None = self._agree("interpolation", self.interpolation, kernel)
        crop: Crop = self._agree("crop", self.crop, metadata.crop if metadata else None) or WHOLE
        channels: Channels = self._agree("channels", self.channels, "rgb" if metadata else None) or "rgb"
        layout: Layout | None = self._agree("layout", self.layout, self.layout_of(session.shape))
        size = session.shape[1:3] if layout == "nhwc" else session.shape[2:]
        height = self._agree("height", self.height, size[0] if layout else None)
        width = self._agree("width", self.width, size[1] if layout else None)
        normalization = self._normalization(session)
        needed = {
            "layout": layout,
            "height": height,
            "width": width,
            "interpolation": interpolation,
            "gives": told or None,
            "scale (or mean and std)": normalization,
        }
        missing = [f"teacher.{key}" for key, value in needed.items() if value is None]
        if not (layout and height and width and interpolation and normalization) or missing:
            raise DistillError(
                f"{self.file}: neither its graph nor its metadata tells {', '.join(missing)}. Give them. `distill "
                f"inspect {self.file} --recipe RECIPE` measures them."
            )
        if channels_of(session, layout) == 1:
            self._check_grey(normalization)
        return Preprocess(height, width, interpolation, *normalization, crop, channels), layout

    def layout_of(self, shape: tuple[int | None, ...]) -> Layout | None:
        """The order of axes that a graph's input tells by its channels, 3 or 1; None where it does not.

        Raises:
            DistillError: it has neither.
        """
        for channels in (3, 1):
            first, last = shape[1] == channels, shape[3] == channels
            if first or last:
                return None if first and last else "nchw" if first else "nhwc"
        if shape[1] is not None and shape[3] is not None:
            raise DistillError(
                f"{self.file}: takes pictures of shape {shape}, expected 3 channels or a grey one, as its second or "
                "its last axis. Give a file that takes such pictures."
            )
        return None

    def _check_grey(self, normalization: tuple[Triple, Triple]) -> None:
        """Refuse what only three channels have.

        Raises:
            DistillError: their order, or another mean or deviation for each.
        """
        if self.channels is not None:
            raise DistillError(
                f"teacher.channels is {self.channels}, but {self.file} takes one channel, grey. Leave it out."
            )
        if any(len(set(values)) > 1 for values in normalization):
            raise DistillError(
                f"teacher.mean, teacher.std: {self.file} takes one channel, grey. Give its value three times."
            )

    def _assumed(self, gives: Gives | None, classes: tuple[str, ...] | None) -> tuple[str, ...]:
        """What is taken for granted of a file from elsewhere, in words."""
        unsaid = {
            "channels rgb": self.channels is None,
            "crop none": self.crop is None,
            "classes in the data's order": bool(gives) and classes is None and self.class_map is None,
        }
        return tuple(words for words, holds in unsaid.items() if holds)

    def _classes(self, metadata: OnnxMetadata | None) -> tuple[str, ...] | None:
        return self._agree("classes", read_classes(self.classes), metadata.answers.class_names if metadata else None)

    def _agree(self, key: str, given: Value | None, found: Value | None) -> Value | None:
        """What the recipe or the file says; where both speak they must say the same."""
        if given is not None and found is not None and given != found:
            raise DistillError(f"teacher.{key}: {given!r}, but {self.file} has {found!r}. Leave the key out.")
        return found if given is None else given

    def _normalization(self, session: GraphSession) -> tuple[Triple, Triple] | None:
        """Mean and deviation of values in 0..1 that bring pixels to what the graph wants; None where nothing tells."""
        if session.dtype == np.uint8:
            if self.scale == "0..1" or self.mean or self.std:
                raise DistillError(
                    f"teacher.scale, teacher.mean, teacher.std: {self.file} takes uint8; leave them out."
                )
            return _RAW
        if (self.mean is None) != (self.std is None) or (self.mean and self.scale):
            raise DistillError("teacher.scale, teacher.mean, teacher.std: give either scale, or both mean and std.")
        if self.mean and self.std:
            return self.mean, self.std
        return {"0..1": _UNIT, "0..255": _RAW, None: None}[self.scale]


def _two_pictures(height: int, width: int) -> Tensor:
    """Float (2, 3, height, width) on 0..255: noise, for the one mostly red, for the other mostly blue."""
    noise = np.random.default_rng(0).uniform(0, 255, (2, 3, height, width))
    colours = np.array([[1.0, 0.5, 0.1], [0.1, 0.4, 0.9]])
    return torch.from_numpy((noise * colours[:, :, None, None]).astype(np.float32))
