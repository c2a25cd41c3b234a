"""The loss of places, target by target in plain Python."""

import math

import pytest
import torch
from torch import nn

from distill.errors import DistillError
from distill.modules.place_learner import PlaceLearner
from distill.preprocess.preprocess import Preprocess

CELLS = torch.tensor([[0, 1], [1, 0], [2, 1]])
SHARES = torch.tensor([[0.75, 0.25], [0.5, 0.5], [1.0, 0.0]])


def learner() -> PlaceLearner:
    preprocess = Preprocess(8, 8, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return PlaceLearner(nn.Identity(), preprocess, CELLS, SHARES)


def test_the_loss_is_the_cross_entropy_with_what_the_table_spreads() -> None:
    logits = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 2.0, 2.0], [5.0, 0.0, 0.0]])
    own = torch.tensor([0, 2, 1, -1], dtype=torch.int32)
    loss = learner().losses({"logits": logits}, None, {"cell": own})["loss"]  # type: ignore[arg-type]
    for row, cell, found in zip(logits.tolist(), own.tolist(), loss.tolist(), strict=True):
        total = math.log(sum(map(math.exp, row)))
        pairs = zip(CELLS[cell].tolist(), SHARES[cell].tolist(), strict=True)
        assert found == pytest.approx(
            -sum(share * (row[c] - total) for c, share in pairs) if cell >= 0 else 0, abs=1e-6
        )


def test_pictures_without_a_cell_are_refused() -> None:
    with pytest.raises(DistillError, match="no column `cell`"):
        learner().losses({"logits": torch.zeros(2, 3)}, None, {})  # type: ignore[arg-type]
