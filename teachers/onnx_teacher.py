"""A black box as a teacher: an ONNX file run by onnxruntime, known only by its input and its outputs.

Shapes: N batch, C classes or attributes, h w the teacher's own size.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeVar, cast

import numpy as np
import onnx
import torch
from onnx.external_data_helper import ExternalDataInfo, uses_external_data
from torch import Tensor

from distill.answers.kind import Kind
from distill.answers.logits import Gives, to_logits
from distill.cost import count_onnx
from distill.errors import DistillError, OutputsError
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import read_metadata
from distill.predictors.onnx_session import OnnxSession
from distill.preprocess.preprocess import WHOLE, Crop, Interpolation, Preprocess
from teachers.class_map import ClassMap, load_classifier
from teachers.teacher import Shapes, Size, Teacher, TeacherConfig, counted, fingerprint_of, read_classes

Layout = Literal["nchw", "nhwc"]
Scale = Literal["0..1", "0..255"]
Triple = tuple[float, float, float]
Value = TypeVar("Value")

_UNIT = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_RAW = ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))


class OnnxTeacher(Teacher):
    """An ONNX graph. It has no parameters: it is frozen by nature.

    Args:
        gives: `logits`, `probabilities` of each class by itself (sigmoid), or `softmax` probabilities; None for
            embeddings.
    """

    def __init__(
        self,
        session: OnnxSession,
        preprocess: Preprocess,
        layout: Layout,
        gives: Gives | None,
        outputs: int | Shapes,
        classes: tuple[str, ...] | None,
    ) -> None:
        super().__init__(session.path.name, preprocess, outputs, classes)
        self.session, self.layout, self._gives = session, layout, gives
        self.eval()

    @property
    def gives(self) -> Gives | None:
        return self._gives

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `logits` or `embedding`, float32 (N, C), on the pictures'
        device.

        Raises:
            DistillError: the graph cannot run, answers NaN, or answers something else than it was said to.
        """
        raw = self.session.dtype == np.uint8
        batch = pictures.round().clamp(0, 255) if raw else self.preprocess.normalize(pictures)
        batch = batch.permute(0, 2, 3, 1) if self.layout == "nhwc" else batch
        answers = self.session(batch.cpu().numpy().astype(self.session.dtype))
        logits = answers if self._gives is None else to_logits(answers, self._gives, self.name)
        return {next(iter(self.shapes)): torch.from_numpy(logits).to(pictures.device)}

    def size(self) -> Size:
        return counted(self.name, lambda: count_onnx(self.session.path))

    def fingerprint(self) -> str:
        """sha256 over the file, those its weights lie in, the output read from it and the preprocessing."""
        graph = onnx.load(self.session.path, load_external_data=False).graph
        beside = {ExternalDataInfo(one).location for one in graph.initializer if uses_external_data(one)}
        content = ""
        for name in (self.session.path.name, *sorted(beside)):
            with (self.session.path.parent / name).open("rb") as file:
                content += hashlib.file_digest(file, "sha256").hexdigest()
        facts = (self.session.output, self.layout, self._gives, asdict(self.preprocess), self.classes)
        return fingerprint_of(content, *facts)


@dataclass(frozen=True)
class Onnx(TeacherConfig):
    """An ONNX file. One that was exported here says all the rest itself; elsewhere, give what its graph does not say.

    Args:
        file: the .onnx file.
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
        classes: names of its outputs in order: a list, or a file with one a line or a JSON list. Those of the data's
            classes are selected by them, whatever the order.
        class_map: of more outputs than the data's classes, which are which, by WordNet id: imagenet (1000),
            imagenet_background (1001, the first none of them), or a file with the id of each output a line, in order.
        mirror: of a teacher of classes: answer with the mean of the logits of a picture and of its mirror image.
    """

    file: Path
    name: Literal["onnx"] = "onnx"
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
    classes: tuple[str, ...] | Path | None = None
    class_map: ClassMap | None = None
    mirror: bool = False
    ready_made: ClassVar[bool] = True

    def teacher(self, kind: Kind) -> Teacher:
        return self._embedder() if kind.class_names is None else load_classifier(self, kind.class_names)

    def load(self, outputs: int) -> OnnxTeacher:
        """The teacher with all its outputs; `teachers.class_map.load_classifier` selects those of the data.

        Raises:
            DistillError: the file cannot be loaded, a key is needed or contradicts it, or it has other outputs.
        """
        session = OnnxSession(self.file, self.output)
        metadata = read_metadata(session)
        answers: Gives | None = None
        if metadata:
            if metadata.answers.class_names is None:
                raise DistillError(
                    f"{self.file}: answers {metadata.answers.words}, and this recipe needs {outputs} classes. Give a "
                    f"teacher of these, or take a recipe for {metadata.answers.words}."
                )
            answers = cast(Gives, metadata.answers.name)
        gives: Gives | None = self._agree("gives", self.gives, answers)
        teacher = self._teacher(session, metadata, gives, self._classes(metadata))
        if teacher.outputs != outputs:
            raise OutputsError(
                f"{self.file}: has {teacher.outputs} outputs, expected {outputs}, one for each class. Give a teacher "
                "of these classes."
            )
        return teacher

    def _embedder(self) -> OnnxTeacher:
        """A teacher of embeddings (N, D): the file's output as it is, of unit length from a file exported here.

        Raises:
            DistillError: the file cannot be loaded, a key is needed or contradicts it, or it answers probabilities.
        """
        session = OnnxSession(self.file, self.output)
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
        session: OnnxSession,
        metadata: OnnxMetadata | None,
        gives: Gives | None,
        classes: tuple[str, ...] | None,
        embeds: bool = False,
    ) -> OnnxTeacher:
        """The graph with its input contract: what file, metadata and recipe say together."""
        kernel: Interpolation | None = metadata.interpolation if metadata else None
        interpolation: Interpolation | None = self._agree("interpolation", self.interpolation, kernel)
        crop: Crop = self._agree("crop", self.crop, metadata.crop if metadata else None) or WHOLE
        layout: Layout | None = self._agree("layout", self.layout, _layout(session.shape))
        size = session.shape[1:3] if layout == "nhwc" else session.shape[2:]
        height = self._agree("height", self.height, size[0] if layout else None)
        width = self._agree("width", self.width, size[1] if layout else None)
        normalization = self._normalization(session)
        needed = {
            "layout": layout,
            "height": height,
            "width": width,
            "interpolation": interpolation,
            "gives": gives or embeds or None,
            "scale (or mean and std)": normalization,
        }
        missing = [f"teacher.{key}" for key, value in needed.items() if value is None]
        if not (layout and height and width and interpolation and normalization) or missing:
            raise DistillError(
                f"{self.file}: neither its graph nor its metadata tells {', '.join(missing)}. Give them."
            )
        preprocess = Preprocess(height, width, interpolation, *normalization, crop)
        blank = (1, 3, height, width) if layout == "nchw" else (1, height, width, 3)
        outputs = session(np.zeros(blank, session.dtype)).shape[1]
        shapes = {"embedding": (outputs,)} if embeds else {"logits": (outputs,)}
        return OnnxTeacher(session, preprocess, layout, gives, shapes, classes)

    def _classes(self, metadata: OnnxMetadata | None) -> tuple[str, ...] | None:
        return self._agree("classes", read_classes(self.classes), metadata.answers.class_names if metadata else None)

    def _agree(self, key: str, given: Value | None, found: Value | None) -> Value | None:
        """What the recipe or the file says; where both speak they must say the same."""
        if given is not None and found is not None and given != found:
            raise DistillError(f"teacher.{key}: {given!r}, but {self.file} has {found!r}. Leave the key out.")
        return found if given is None else given

    def _normalization(self, session: OnnxSession) -> tuple[Triple, Triple] | None:
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


def _layout(shape: tuple[int | None, ...]) -> Layout | None:
    first, last = shape[1] == 3, shape[3] == 3
    if first == last:
        return None
    return "nchw" if first else "nhwc"
