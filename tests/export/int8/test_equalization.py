"""Channels are made level without changing what a network computes."""

import logging

import numpy as np
import pytest
import torch
from torch import nn

from distill.export.int8.equalization import equalize
from distill.export.int8.folding import fold
from tests.helpers.students import PREPROCESS, mild, pictures, torch_answers, uneven

SHOWN = pictures(16, seed=2)
CALIBRATION = pictures(32, seed=1)


def written(network: nn.Module, layer: str) -> np.ndarray:
    """The largest absolute value of each channel that a layer gives on the calibration pictures."""
    found = []
    hook = network.get_submodule(layer).register_forward_hook(lambda _, __, made: found.append(made))
    torch_answers(network, CALIBRATION)
    hook.remove()
    return found[0].relu().amax(dim=(0, 2, 3)).numpy()


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_the_function_stays_the_same(activation: str) -> None:
    network = mild(activation) if activation == "leaky_relu" else uneven(mild())
    folded = fold(network)
    assert equalize(folded, PREPROCESS, CALIBRATION) == []
    expected = torch_answers(network, SHOWN)
    np.testing.assert_allclose(torch_answers(folded, SHOWN), expected, atol=2e-5 * np.abs(expected).max())


def test_what_depthwise_layers_read_is_level() -> None:
    network = fold(uneven(mild()))
    before = written(network, "blocks.3.2.conv_pw")
    equalize(network, PREPROCESS, CALIBRATION)
    after = written(network, "blocks.3.2.conv_pw")
    alive = before > 0.01 * before.max()
    assert before[alive].max() / before[alive].min() > 3
    np.testing.assert_allclose(after[alive], after[alive].max(), rtol=1e-3)


def test_other_activations_are_left_alone_and_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    network = fold(uneven(mild("relu6"), octaves=5))
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    with caplog.at_level(logging.WARNING):
        left = equalize(network, PREPROCESS, CALIBRATION)
    assert len(left) == 27
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert "not positively homogeneous" in caplog.text and "conv_dw" in caplog.text
