"""A detector that is shown photographs in their own shape, though what was prepared of them is squeezed into another.

A student with anchors learns best from a picture that fills its square; most detectors were trained on photographs in
their own shape, with grey beside them. One prepared picture serves both where it is squeezed: nothing of it was cut,
and its size is kept beside it.

Shapes: N batch, K boxes, H W pixels of the prepared pictures, h w the detector's own size.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from distill.answers.kind import Kind
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.predictors.predictor import Gathered, Predictor
from distill.predictors.torch_predictor import TorchPredictor
from distill.preprocess.preprocess import PADDING, PixelBox, Preprocess, fitting
from teachers.asking_teacher import AskingTeacher
from teachers.teacher import Teacher, fingerprint_of

OwnFit = Literal["pad", "pad_corner"]
"""In their own shape on grey: centred, or in the upper left corner."""


class InOwnShape(AskingTeacher):
    """A detector whose pictures are taken back to their own shape, and whose boxes to the prepared picture's.

    Args:
        detector: the teacher that is asked; it answers `boxes` (N, K, 4) and `scores`.
        fit: where the photograph lies on grey.
    """

    def __init__(self, detector: Teacher, fit: OwnFit) -> None:
        super().__init__(detector.name, detector, detector.shapes, detector.classes)
        self.fit = fit
        self.eval()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale, photographs on grey already, to boxes as shares of that."""
        return self.whole(pictures)  # type: ignore[no-any-return]

    def answer_whole(self, pictures: Tensor, sizes: Tensor | None) -> dict[str, Tensor]:
        """What it says of squeezed pictures, boxes as shares of them.

        Raises:
            DistillError: nothing says what they were squeezed from.
        """
        if sizes is None:
            raise DistillError(
                f"teacher {self.name}: teacher.fit is {self.fit}, and of some pictures it is not known what size they "
                "came in. Leave teacher.fit out, or give pictures as files."
            )
        height, width = self.preprocess.height, self.preprocess.width
        shown = pictures.new_full((len(pictures), height, width, 3), PADDING)
        places = [fitting(size_y, size_x, height, width, self.fit)[1] for size_y, size_x in sizes.tolist()]
        for place in set(places):  # photographs are mostly of a few shapes
            rows = torch.tensor([number for number, other in enumerate(places) if other == place])
            small = Preprocess.resizing(place.height, place.width, self.preprocess.interpolation)
            shown[rows, place.top : place.top + place.height, place.left : place.left + place.width] = small.resize(
                pictures[rows]
            )
        answers = super().answer_whole(shown, None)
        scale, shift = (values.to(answers["boxes"].device) for values in _onto(places, height, width))
        none = answers["scores"].amax(dim=2, keepdim=True) == 0  # rows without a box stay without one
        return {**answers, "boxes": torch.where(none, 0, answers["boxes"] * scale + shift)}

    def fingerprint(self) -> str:
        """sha256 over the detector and how photographs are shown to it."""
        return fingerprint_of(self.whole.fingerprint(), self.fit)

    def predictor(self, kind: Kind) -> Predictor:
        plain = super().predictor(kind)
        assert isinstance(plain, TorchPredictor)
        return _OwnShapes(self, plain)

    @property
    def contract(self) -> str:
        where = "centred" if self.fit == "pad" else "in the upper left corner"
        return f"{super().contract}; photographs in their own shape on grey, {where}"


class _OwnShapes(Predictor):
    """The same as a predictor of prepared pictures."""

    def __init__(self, teacher: InOwnShape, plain: TorchPredictor) -> None:
        self.teacher, self.plain = teacher, plain
        self.name, self.preprocess, self.kind = plain.name, plain.preprocess, plain.kind
        self.picture, self.fit = plain.picture, plain.fit

    def __call__(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, H, W, 3), photographs on grey already."""
        return self.plain(pictures)

    def answers_to(self, pictures: Gathered, index: np.ndarray) -> dict[str, np.ndarray]:
        sizes = pictures.source_sizes if isinstance(pictures, Pictures) else None
        with torch.inference_mode():
            known = None if sizes is None else torch.from_numpy(np.ascontiguousarray(sizes[index]))
            answers = self.teacher.answer_whole(torch.from_numpy(pictures.gather(index)), known)
            return {name: values.cpu().numpy() for name, values in self.kind.activate(answers).items()}


def _onto(places: list[PixelBox], height: int, width: int) -> tuple[Tensor, Tensor]:
    """What boxes in shares of height x width are multiplied with, and what is added, to be shares of the part that a
    picture fills: float32 (N, 1, 4) each."""
    boxes = torch.tensor([[place.left, place.top, place.width, place.height] for place in places]).float()
    size = torch.tensor([width, height]).float()
    scale, shift = size / boxes[:, 2:], -boxes[:, :2] / boxes[:, 2:]
    return scale.repeat(1, 2)[:, None], shift.repeat(1, 2)[:, None]
