"""An SSD as a teacher of boxes: larger than the student, and trained on the data's own boxes first.

Shapes: N batch, A anchors, K boxes of an answer, C classes, h w the teacher's own size.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from distill.answers.boxes import Boxes
from distill.answers.detections import IOU, Detections, classes_of, surest
from distill.answers.kind import Kind
from distill.cost import count
from distill.errors import DistillError
from distill.files.checkpoint import read_weights
from distill.files.weights import load_weights, weights_checksum
from distill.preprocess.preprocess import Preprocess
from students.ssd import Ssd, SsdMobilenetV1
from students.student import create_student
from teachers.inside import Inside
from teachers.teacher import Size, Teacher, TeacherConfig, counted, fingerprint_of


@dataclass(frozen=True)
class SsdTeacher(TeacherConfig):
    """An SSD on a MobileNet of the paper.

    Args:
        width: the width multiplier of its body.
        resolution: pixels of a side of the picture it sees.
        body: what its body starts from before it is taught: a safetensors or torch file of a classifier; none leaves
            it at random.
        weights: a safetensors file of the whole detector, as a run leaves it; `scratch` for one that is taught first.
    """

    name: Literal["ssd_mobilenet_v1"] = "ssd_mobilenet_v1"
    width: float = 1.0
    resolution: int = 300
    body: Path | None = None
    weights: Literal["scratch"] | Path = "scratch"
    ready_made: ClassVar[bool] = False

    @property
    def network(self) -> SsdMobilenetV1:
        """Of the same layers as the student of that name."""
        return SsdMobilenetV1(width=self.width, resolution=self.resolution, weights=self.body)

    def trainable(
        self, kind: Kind, drop_rate: float = 0.0, drop_path_rate: float = 0.0
    ) -> tuple[nn.Module, Preprocess]:
        if drop_rate or drop_path_rate:
            raise DistillError(f"teach.drop_rate, teach.drop_path_rate: {self.name} has neither. Leave them out.")
        return create_student(self.network, kind.head()), self.network.preprocess

    def teacher(self, kind: Kind) -> "SsdDetector":
        """The detector with every weight trained.

        Raises:
            DistillError: it is not taught, or the weights are of another network or of other classes.
        """
        classes = classes_of(kind, self.name)
        if not isinstance(self.weights, Path):
            raise DistillError("teacher.weights: scratch is no teacher; teach it first (stages: [teach, ...]).")
        network = create_student(replace(self.network, weights=None), Boxes(classes).head())
        assert isinstance(network, Ssd)  # of its family
        load_weights(network, read_weights(self.weights), self.weights, allow_new_head=False)
        return SsdDetector(network, self.network.preprocess, classes, self.network.full_name)

    def with_weights(self, kind: Kind, weights: Path) -> "SsdDetector":
        return replace(self, weights=weights).teacher(kind)


class SsdDetector(Teacher):
    """A frozen network with anchors, and the suppression behind it.

    Args:
        network: normalised float (N, 3, h, w) to `locations`, `logits` and `anchors`.
    """

    def __init__(self, network: Ssd, preprocess: Preprocess, classes: tuple[str, ...], name: str) -> None:
        super().__init__(name, preprocess, Detections(classes).shapes, classes)
        self.network: Ssd = network.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval()

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `boxes` float32 (N, K, 4), shares of the picture, and `scores`
        (N, K, C), best first, rows that are none at 0."""
        normalized = self.preprocess.normalize(pictures).contiguous(memory_format=torch.channels_last)
        answers = Boxes(self.classes).activate(self.network(normalized))
        boxes, scores = (answers[name].float().cpu().numpy() for name in ("boxes", "scores"))
        return {
            name: torch.from_numpy(values).to(pictures.device) for name, values in surest(boxes, scores, IOU).items()
        }

    @property
    def inside(self) -> Inside:
        return Inside(self.name, self.preprocess, self.network, self.network.seen)

    def size(self) -> Size:
        return counted(self.name, lambda: count(self.network, self.preprocess.height, self.preprocess.width))

    def fingerprint(self) -> str:
        """sha256 over name, weights, classes and preprocessing."""
        return fingerprint_of(weights_checksum(self.network), self.name, self.preprocess.facts(), self.classes)
