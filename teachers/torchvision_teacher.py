"""A detector of torchvision's as a teacher, by its name and a file of its weights.

It does what torchvision has it do, its own thresholds and suppression included; only the pictures are brought to its
size and normalised as those of any other network are. Of a square picture torchvision's own transform makes that size
too, so that nothing is resized twice.

Shapes: N batch, D boxes found in a picture, K boxes of an answer, C classes of the data, h w the detector's pixels.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from distill.answers.detections import Detections, classes_of, surest
from distill.answers.kind import Kind
from distill.cost import count
from distill.errors import DistillError
from distill.files.checkpoint import read_weights
from distill.files.weights import weights_checksum
from distill.preprocess.preprocess import Preprocess
from teachers.box_classes import ClassNames, NameMap, class_names, columns_of
from teachers.inside import Inside
from teachers.networks.torchvision_detector import Counted, Model, build, limits_of, maps_of, outputs_of, side_of
from teachers.own_shape import InOwnShape, OwnFit
from teachers.teacher import Size, Teacher, TeacherConfig, check_weights_of, counted, fingerprint_of

BACKGROUND = "__background__"
_AT_ONCE = 8  # pictures the network sees together: of 800 pixels a side, more take memory and no less time


@dataclass(frozen=True)
class TorchvisionDetector(TeacherConfig):
    """A detector of torchvision's; nothing is downloaded.

    Args:
        model: its name there.
        weights: a safetensors or torch file of it. How many classes it has, the file says.
        weights_of: the entry of that file to take, where it holds several sets of weights.
        resolution: pixels of a side of the picture it sees; None for torchvision's own (800, of the small ones 320 or
            300), to which the SSDs are bound.
        fit: how it wants photographs where prepare.fit is stretch: in their own shape on grey, pad (centred) or
            pad_corner (in the upper left corner). Left out, it sees the prepared picture as it is.
        classes: names of its classes in order, the background left out: coco (torchvision's 90 numbers, of which 80
            have names), a list, or a file with one a line or a JSON list. Those of the data are selected by them.
        class_map: what the data calls them where it calls them otherwise: coco_to_voc, or a CSV file of teacher,data.
    """

    model: Model
    weights: Path
    name: Literal["torchvision_detector"] = "torchvision_detector"
    weights_of: str | None = None
    resolution: int | None = None
    fit: OwnFit | None = None
    classes: ClassNames | None = None
    class_map: NameMap | None = None
    ready_made: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_weights_of(self.weights_of, self.weights)
        if self.resolution is not None and self.resolution < 1:
            raise DistillError(f"teacher.resolution is {self.resolution}, expected pixels of a side, such as 800.")
        if self.fit not in (None, *get_args(OwnFit)):
            raise DistillError(f"teacher.fit is {self.fit!r}, expected one of {', '.join(get_args(OwnFit))}, or null.")

    def teacher(self, kind: Kind) -> Teacher:
        """The detector, with the data's classes among its own.

        Raises:
            DistillError: the weights cannot be read, or are of another network; or it lacks a class.
        """
        classes = classes_of(kind, self.model)
        network = build(self.model, read_weights(self.weights, self.weights_of), self.weights, self.resolution)
        columns = columns_of(classes, self._names(outputs_of(network)), self.class_map)
        detector = TorchvisionTeacher(network, self.model, classes, columns)
        return detector if self.fit is None else InOwnShape(detector, self.fit)

    def _names(self, outputs: int) -> tuple[str, ...]:
        """Of the classes of a network of so many outputs, without its first, the background."""
        if self.classes is None:
            raise DistillError(f"{self.weights}: nothing tells the names of its classes. Give teacher.classes.")
        names = _coco_numbers() if self.classes == "coco" and outputs != _COCO else class_names(self.classes)
        if names[:1] == (BACKGROUND,):
            names = names[1:]
        if len(names) + 1 != outputs:
            raise DistillError(
                f"teacher.classes: {len(names)} names, and {self.weights} has {outputs} outputs, the background and "
                f"{outputs - 1} classes. Name all of these in their order."
            )
        return names


_COCO = 81  # outputs of a network that was trained on COCO's 80 classes without the gaps between their numbers


def _coco_numbers() -> tuple[str, ...]:
    """COCO's numbers 1 to 90 by name, as torchvision has them; those that are of no class are called N/A."""
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    return tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:])


class TorchvisionTeacher(Teacher):
    """A frozen network of torchvision's, which finds boxes and leaves the weaker ones out itself.

    Args:
        network: as `teachers.networks.torchvision_detector.build` makes it.
        classes: the data's C.
        columns: which of the detector's classes these are, (C,), its background not counted.
    """

    def __init__(self, network: Any, model: str, classes: tuple[str, ...], columns: tuple[int, ...]) -> None:
        transform, side = network.transform, side_of(network)
        mean, std = tuple(transform.image_mean), tuple(transform.image_std)
        super().__init__(model, Preprocess(side, side, "bilinear", mean, std), Detections(classes).shapes, classes)
        transform.image_mean, transform.image_std = [0.0] * 3, [1.0] * 3  # its pixels come normalised
        self.network: Any = network.requires_grad_(False)
        self.columns = columns
        self.eval()

    @property
    def contract(self) -> str:
        limits, known = limits_of(self.network), outputs_of(self.network) - 1
        return (
            f"{super().contract}; torchvision's own NMS at {limits['nms_thresh']:g}, boxes from a score of "
            f"{limits['score_thresh']:g}, {len(self.columns)} of {known} classes"
        )

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `boxes` float32 (N, K, 4), shares of the picture, and `scores`
        (N, K, C), best first, rows that are none at 0."""
        parts = self.preprocess.normalize(pictures).split(_AT_ONCE)
        found = [picture for part in parts for picture in self.network(list(part))]
        boxes, scores = self._spread(found)
        return {
            name: torch.from_numpy(values).to(pictures.device) for name, values in surest(boxes, scores, None).items()
        }

    def _spread(self, found: list[dict[str, Tensor]]) -> tuple[np.ndarray, np.ndarray]:
        """What is found of the data's classes as (N, D, 4), shares, and (N, D, C), rows that are none at 0."""
        numbers = np.full(outputs_of(self.network), -1)
        numbers[[column + 1 for column in self.columns]] = np.arange(len(self.columns))
        most = max(1, *(len(picture["labels"]) for picture in found))
        boxes = np.zeros((len(found), most, 4), np.float32)
        scores = np.zeros((len(found), most, len(self.columns)), np.float32)
        size = np.array([self.preprocess.width, self.preprocess.height] * 2, np.float32)
        for row, picture in enumerate(found):
            places, sureness, labels = (picture[key].float().cpu().numpy() for key in ("boxes", "scores", "labels"))
            number = numbers[labels.astype(np.int64)]
            known = np.flatnonzero(number >= 0)
            boxes[row, known] = places[known] / size
            scores[row, known, number[known]] = sureness[known]
        return boxes, scores

    @property
    def inside(self) -> Inside:
        return Inside(self.name, self.preprocess, self.network, partial(maps_of, self.network))

    def size(self) -> Size:
        return counted(self.name, lambda: count(Counted(self.network), self.preprocess.height, self.preprocess.width))

    def fingerprint(self) -> str:
        """sha256 over name, weights, thresholds, classes and preprocessing."""
        content, limits = weights_checksum(self.network), limits_of(self.network)
        return fingerprint_of(content, self.name, limits, self.columns, self.preprocess.facts(), self.classes)
