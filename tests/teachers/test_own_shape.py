"""A detector is shown photographs in their own shape, and its boxes are of the squeezed picture."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from distill.answers import Detections
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.preprocess.preprocess import PADDING, Preprocess, fit
from teachers.own_shape import InOwnShape, OwnFit
from teachers.teacher import Teacher
from tests.helpers.boxed import Boxed, prepare_boxed

SIDE = 60
Both = pytest.mark.parametrize("how", ["pad", "pad_corner"])


class Outlines(Teacher):
    """Its one box is around all that is not grey; it keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__("outlines", Preprocess.resizing(SIDE, SIDE), {"boxes": (2, 4), "scores": (2, 2)}, None)
        self.shown = torch.empty(0)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.shown = pictures
        boxes, scores = torch.zeros(len(pictures), 2, 4), torch.zeros(len(pictures), 2, 2)
        for number, picture in enumerate(pictures):
            rows, columns = torch.nonzero((picture != PADDING).any(dim=0)).unbind(1)
            edges = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            boxes[number, 0], scores[number, 0, 1] = torch.tensor(edges) / SIDE, 0.9
        return {"boxes": boxes, "scores": scores}

    def fingerprint(self) -> str:
        return "outlines"


def photographs() -> list[np.ndarray]:
    """Of four shapes, the first and the third alike; no pixel is of the grey beside them."""
    draw = np.random.default_rng(0)
    return [draw.integers(120, 250, (*size, 3), np.uint8) for size in ((60, 40), (30, 60), (60, 40), (60, 60))]


@Both
def test_a_squeezed_photograph_is_shown_as_it_came(how: OwnFit) -> None:
    detector, pictures = Outlines(), photographs()
    squeezed = torch.from_numpy(np.stack([fit(picture, SIDE, SIDE, "stretch") for picture in pictures]))
    sizes = torch.tensor([picture.shape[:2] for picture in pictures])
    answers = InOwnShape(detector, how).answer_whole(squeezed, sizes)
    # The box around the photograph is all of the squeezed picture, wherever it lay; the row without a box stays empty.
    torch.testing.assert_close(answers["boxes"], torch.tensor([[[0.0, 0, 1, 1], [0, 0, 0, 0]]] * 4))
    for picture, shown in zip(pictures, detector.shown, strict=True):
        expected = fit(picture, SIDE, SIDE, how)
        grey = (expected == PADDING).all(axis=2)
        assert ((shown.permute(1, 2, 0).numpy() == PADDING).all(axis=2) == grey).all()
        # Squeezed and brought back: of noise the pixels are others, their mean is not.
        assert abs(shown.numpy().mean() - expected.mean()) < 1
    torch.testing.assert_close(detector.shown[3].permute(1, 2, 0), squeezed[3].float())  # a square one is as it was


@Both
def test_boxes_inside_are_moved_like_the_photograph(how: OwnFit) -> None:
    """By the arithmetic of one photograph of 30 x 60 on 60 x 60 pixels."""
    top = {"pad": 15, "pad_corner": 0}[how]
    in_photograph = np.array([6.0, 3.0, 30.0, 24.0])  # pixels of 60 x 30
    shown = in_photograph + np.array([0, top, 0, top])

    class Fixed(Outlines):
        def forward(self, pictures: Tensor) -> dict[str, Tensor]:
            answers = super().forward(pictures)
            return {**answers, "boxes": torch.from_numpy(np.tile(shown / SIDE, (1, 2, 1))).float()}

    squeezed = torch.full((1, SIDE, SIDE, 3), 200, dtype=torch.uint8)
    answers = InOwnShape(Fixed(), how).answer_whole(squeezed, torch.tensor([[30, 60]]))
    np.testing.assert_allclose(answers["boxes"][0, 0], in_photograph / [60, 30, 60, 30], rtol=1e-6)


@Both
def test_its_predictor_knows_the_sizes_of_prepared_pictures(tmp_path: Path, how: OwnFit) -> None:
    pictures = Pictures.of(
        prepare_boxed(tmp_path, [Boxed(60, 40), Boxed(30, 60), Boxed(60, 60)], SIDE, SIDE, fit="stretch"), "train"
    )
    predictor = InOwnShape(Outlines(), how).predictor(Detections(("cat", "dog")))
    answers = predictor.show(pictures, "pictures", 2)
    np.testing.assert_allclose(answers["boxes"][:, 0], [[0, 0, 1, 1]] * 3, atol=1e-6)


def test_pictures_of_unknown_size_are_refused() -> None:
    with pytest.raises(DistillError, match=r"teacher\.fit is pad, and of some pictures it is not known what size"):
        InOwnShape(Outlines(), "pad").answer_whole(torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8), None)


def test_what_it_is_shown_is_part_of_who_it_is() -> None:
    plain = Outlines()
    hows: tuple[Literal["pad"], Literal["pad_corner"]] = ("pad", "pad_corner")
    told: set[Any] = {InOwnShape(plain, how).fingerprint() for how in hows} | {plain.fingerprint()}
    assert len(told) == 3 and "in the upper left corner" in InOwnShape(plain, "pad_corner").contract
