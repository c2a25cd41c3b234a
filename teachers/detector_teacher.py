"""A detector that nobody can retrain as a teacher: known only by its boxes and its scores.

Shapes: N batch, K boxes, C classes of the data, h w the detector's own size.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from distill.answers.detections import IOU, Detections, classes_of, surest
from distill.answers.kind import Kind
from distill.cost import count_onnx
from distill.errors import DistillError, few
from distill.files.atomic import checksum
from distill.predictors.graph_session import GraphSession
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import read_metadata
from distill.predictors.onnx_session import OnnxSession
from distill.preprocess.preprocess import Channels, Interpolation, Preprocess
from teachers.black_box import Layout, graph_input
from teachers.box_classes import ClassNames, NameMap, class_names, columns_of
from teachers.box_outputs import BoxOutputs, Corners, Scores, Unit
from teachers.graph_teacher import Graph, Scale
from teachers.own_shape import InOwnShape, OwnFit
from teachers.teacher import Size, Teacher, TeacherConfig, counted, fingerprint_of


@dataclass(frozen=True)
class OnnxDetector(TeacherConfig):
    """An ONNX file that finds objects. One that was exported here says all the rest itself; elsewhere, give what its
    graph does not say.

    Args:
        file: the .onnx file.
        outputs: which of its outputs are read: one that has all, or boxes and scores, or of class_and_score boxes,
            scores and classes; left out where it has no others.
        boxes: the four numbers of a box: xyxy (two corners), xywh (upper left corner and size), cxcywh (centre and
            size).
        unit: of these: pixels of the picture it sees, or shares of it.
        scores: classes (one for each), objectness (one to be multiplied with that of each class after it), or
            class_and_score (of the best class; in one output the score comes first).
        strides: of boxes that are left on YOLOX's grids, the pixels of a cell of each; left out where they are decoded.
        nms: the IoU above which the weaker of two boxes of one class is left out; null where the file did that.
        height: pixels it sees.
        width: pixels it sees.
        interpolation: how pictures are brought to that size.
        layout: the order of its input's axes.
        scale: of a float input that is not normalised: white is 1 or 255.
        mean: of a normalised input: subtracted from values in 0..1.
        std: divided by after that.
        channels: in which order it eats the three, rgb or bgr; mean and std stay in that of red, green, blue. Left out,
            rgb is assumed.
        classes: names of its classes in order: coco (80), a list, or a file with one a line or a JSON list. Those of
            the data are selected by them.
        class_map: what the data calls them where it calls them otherwise: coco_to_voc, or a CSV file of teacher,data.
        fit: how it wants photographs where prepare.fit is stretch: in their own shape on grey, pad (centred) or
            pad_corner (in the upper left corner). Left out, it sees the prepared picture as it is.
    """

    file: Path
    name: Literal["onnx_detector"] = "onnx_detector"
    outputs: tuple[str, ...] | None = None
    boxes: Corners | None = None
    unit: Unit | None = None
    scores: Scores | None = None
    strides: tuple[int, ...] | None = None
    nms: float | None = IOU
    height: int | None = None
    width: int | None = None
    interpolation: Interpolation | None = None
    layout: Layout | None = None
    scale: Scale | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    channels: Channels | None = None
    classes: ClassNames | None = None
    class_map: NameMap | None = None
    fit: OwnFit | None = None
    ready_made: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.fit not in (None, *get_args(OwnFit)):
            raise DistillError(f"teacher.fit is {self.fit!r}, expected one of {', '.join(get_args(OwnFit))}, or null.")
        if self.nms is not None and not 0 < self.nms <= 1:
            raise DistillError(f"teacher.nms is {self.nms}, expected an IoU above 0 and at most 1, or null.")
        if self.outputs is not None and (not self.outputs or len(set(self.outputs)) < len(self.outputs)):
            raise DistillError(
                f"teacher.outputs is {list(self.outputs)}, expected names of outputs, each once: one that has all, or "
                "boxes and scores, or boxes, scores and classes."
            )

    def teacher(self, kind: Kind) -> Teacher:
        """The detector, with the data's classes among its own.

        Raises:
            DistillError: the file cannot be loaded, a key is needed or contradicts it, or it lacks a class.
        """
        classes = classes_of(kind, str(self.file))
        session = OnnxSession(self.file)
        metadata = read_metadata(session)
        preprocess, layout = self.graph.contract(session, metadata, told=True)
        own = metadata.answers.class_names if metadata else None
        names = own or (None if self.classes is None else class_names(self.classes))
        if names is None:
            raise DistillError(f"{self.file}: nothing tells the names of its classes. Give teacher.classes.")
        assumed = () if metadata or self.channels else ("channels rgb",)
        reading = Reading(
            self._outputs(session, metadata),
            self._form(metadata),
            len(names),
            columns_of(classes, names, self.class_map),
            self.nms,
        )
        detector = Detector(session, preprocess, layout, reading, classes, assumed)
        return detector if self.fit is None else InOwnShape(detector, self.fit)

    @property
    def graph(self) -> Graph:
        """What the graph is shown, as a recipe says it of any other."""
        return Graph(
            self.file,
            height=self.height,
            width=self.width,
            interpolation=self.interpolation,
            layout=self.layout,
            scale=self.scale,
            mean=self.mean,
            std=self.std,
            channels=self.channels,
        )

    def _outputs(self, session: GraphSession, metadata: OnnxMetadata | None) -> tuple[str, ...]:
        if metadata:
            return metadata.answers.tensors
        if self.outputs is None:
            if len(session.outputs) > 1:
                raise DistillError(
                    f"{self.file}: has several outputs: {few(session.outputs)}. Give teacher.outputs: one that "
                    "has all, or boxes and scores, or boxes, scores and classes, in this order."
                )
            return session.outputs
        if unknown := [name for name in self.outputs if name not in session.outputs]:
            raise DistillError(
                f"teacher.outputs: {self.file} has no output {few(unknown)}. It has {few(session.outputs)}."
            )
        return self.outputs

    def _form(self, metadata: OnnxMetadata | None) -> BoxOutputs:
        if metadata:
            if metadata.answers.tensors != Detections.tensors:
                raise DistillError(f"{self.file}: gives {metadata.answers.words}, expected boxes and scores.")
            return BoxOutputs("xyxy", "shares", "classes", None, str(self.file))
        needed = {"boxes": self.boxes, "unit": self.unit, "scores": self.scores}
        if missing := [f"teacher.{key}" for key, value in needed.items() if value is None]:
            raise DistillError(
                f"{self.file}: neither its graph nor its metadata tells {', '.join(missing)}. Give them."
            )
        assert self.boxes and self.unit and self.scores
        return BoxOutputs(self.boxes, self.unit, self.scores, self.strides, str(self.file))


@dataclass(frozen=True)
class Reading:
    """How the boxes of the data's classes are had from a graph.

    Attributes:
        outputs: the names of the outputs read.
        form: what they mean.
        known: classes of the detector.
        columns: which of these the data's are, (C,).
        nms: as the recipe has it.
    """

    outputs: tuple[str, ...]
    form: BoxOutputs
    known: int
    columns: tuple[int, ...]
    nms: float | None


class Detector(Teacher):
    """A graph of onnxruntime that answers boxes and scores; it has no parameters: it is frozen by nature.

    Args:
        classes: the data's C, which are selected.
        assumed: what neither the file nor the recipe says of it, in words.
    """

    def __init__(
        self,
        session: GraphSession,
        preprocess: Preprocess,
        layout: Layout,
        reading: Reading,
        classes: tuple[str, ...],
        assumed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(session.path.name, preprocess, Detections(classes).shapes, classes)
        self.session, self.layout, self.reading, self._assumed = session, layout, reading, assumed
        self.eval()

    @property
    def contract(self) -> str:
        form, suppression = self.reading.form, "no more" if self.reading.nms is None else f"at {self.reading.nms:g}"
        grids = f" on grids of {', '.join(map(str, form.strides))}" if form.strides else ""
        said = (
            f"{super().contract}; {self.layout}; boxes {form.boxes} in {form.unit}{grids}, scores {form.scores}, NMS "
            f"{suppression}, {len(self.reading.columns)} of {self.reading.known} classes"
        )
        return f"{said}; assumed, for nothing says it: {', '.join(self._assumed)}" if self._assumed else said

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `boxes` float32 (N, K, 4), shares of the picture, and `scores`
        (N, K, C), best first, rows that are none at 0.

        Raises:
            DistillError: the graph cannot run, or answers something else than it was said to.
        """
        batch = graph_input(pictures, self.session, self.preprocess, self.layout)
        outputs = self.session.every(batch, list(self.reading.outputs))
        boxes, scores = self.reading.form(outputs, self.reading.known, self.preprocess.height, self.preprocess.width)
        answers = surest(boxes, scores[..., list(self.reading.columns)], self.reading.nms)
        return {name: torch.from_numpy(values).to(pictures.device) for name, values in answers.items()}

    def size(self) -> Size:
        return counted(self.name, lambda: count_onnx(self.session.path))

    def fingerprint(self) -> str:
        """sha256 over the file, those its weights lie in, how its boxes are read, and the preprocessing."""
        content = "".join(map(checksum, self.session.files))
        facts = asdict(self.reading)
        del facts["form"]["file"]
        return fingerprint_of(content, facts, self.layout, self.preprocess.facts(), self.classes)
