"""Boxes that no anchor is like are refused before anything is learnt; where most are not, that is said."""

import numpy as np
import pytest
import torch
from torch import nn

from distill.errors import DistillError
from distill.tasks.boxes.anchors import check_anchors
from students.anchors import grid_anchors


class Anchored(nn.Module):
    """A network with the anchors of three maps."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("anchors", grid_anchors((4, 2, 1))[None])


def boxes(side: float, count: int) -> np.ndarray:
    low = np.full((count, 2), 0.3, np.float32)
    return np.concatenate([low, low + np.float32(side)], axis=1)


def test_boxes_without_any_anchor_are_refused() -> None:
    with pytest.raises(DistillError, match=r"of 6 boxes of the teacher, 100% overlap none of the network"):
        check_anchors(Anchored(), boxes(0.01, 6), "the teacher")


def test_most_of_them_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    centre = np.float32([[0, 0, 1, 1]])
    check_anchors(Anchored(), np.concatenate([boxes(0.02, 3), centre]), "the data")
    said = capsys.readouterr().err
    assert "of 4 boxes of the data, 75% overlap none" in said and "median is 2.0%" in said
    check_anchors(Anchored(), np.concatenate([boxes(0.02, 1), centre]), "the data")
    check_anchors(Anchored(), np.zeros((0, 4), np.float32), "the data")
    check_anchors(nn.Linear(1, 1), boxes(0.02, 3), "the data")  # without anchors of its own
    assert not capsys.readouterr().err


def test_boxes_beyond_the_picture_are_not_looked_at() -> None:
    network, far = Anchored(), boxes(0.02, 5) + 4
    check_anchors(network, far, "the data")
    assert torch.equal(network.anchors, Anchored().anchors)
