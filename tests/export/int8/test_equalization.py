"""Channels are made level without changing what a network computes."""

import copy
import logging

import numpy as np
import pytest
import torch
from timm.layers import SelectAdaptivePool2d
from torch import nn

from distill.export.int8.equalization import equalize
from distill.export.int8.folding import fold
from tests.helpers.students import PREPROCESS, mild, pictures, torch_answers, uneven

SHOWN = pictures(16, seed=2)
CALIBRATION = pictures(32, seed=1)


def written(network: nn.Module, layer: str, shown: np.ndarray = CALIBRATION) -> np.ndarray:
    """The largest absolute value of each channel that a layer gives, by default on the calibration pictures."""
    found = []
    hook = network.get_submodule(layer).register_forward_hook(lambda _, __, made: found.append(made))
    torch_answers(network, shown)
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


def test_a_channel_that_hardly_fires_is_not_blown_up_to_the_others() -> None:
    """A thousandth of the widest is as far as it is raised: beyond, its rounding would be all there is to see of it."""
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 4, 1, bias=False), nn.Conv2d(4, 4, 1, groups=4)
    with torch.no_grad():
        first.weight[:] = torch.tensor([1.0, 0.01, 1e-5, 0.0]).view(4, 1, 1, 1)
    network = fold(nn.Sequential(first, nn.ReLU(), second))
    shown = np.full((1, 64, 64, 3), 255, np.uint8)
    equalize(network, PREPROCESS, shown)
    found = written(network, "0", shown)
    np.testing.assert_allclose(found, [1, 1, 0.01, 0], rtol=1e-5)  # 1e-5 over the least, 1e-3


def test_other_activations_are_left_alone_and_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    network = fold(uneven(mild("relu6"), octaves=5))
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    with caplog.at_level(logging.WARNING):
        left = equalize(network, PREPROCESS, CALIBRATION)
    assert len(left) == 27
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert "not positively homogeneous" in caplog.text and "conv_dw" in caplog.text


def chain(activation: nn.Module, biases: bool = True) -> nn.Sequential:
    """Three layers of very uneven channels, each followed by the activation."""
    torch.manual_seed(1)
    layers = [nn.Conv2d(3, 6, 3, bias=biases), nn.Conv2d(6, 5, 1, bias=biases), nn.Linear(5, 2)]
    with torch.no_grad():
        for layer in layers[:2]:
            layer.weight *= torch.logspace(-1, 1, len(layer.weight)).view(-1, 1, 1, 1)
            if biases:
                layer.bias.uniform_(-1, 1)
    pool = SelectAdaptivePool2d(pool_type="avg", flatten=True)
    return nn.Sequential(layers[0], activation, layers[1], copy.deepcopy(activation), pool, layers[2]).eval()


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.3)])
def test_a_layer_gives_as_far_as_the_next_one_weighs(activation: nn.Module) -> None:
    """s = sqrt(range(X) / range(W2)) makes both ranges the square root of their product; of a ReLU what passes it."""
    network = chain(activation)
    folded = fold(network)
    assert equalize(folded, PREPROCESS, CALIBRATION) == []
    expected = torch_answers(network, SHOWN)
    np.testing.assert_allclose(torch_answers(folded, SHOWN), expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    given: list[torch.Tensor] = []
    hook = folded.get_submodule("2").register_forward_hook(lambda _, __, made: given.append(made))
    torch_answers(folded, CALIBRATION)
    hook.remove()
    values = given[0].relu() if isinstance(activation, nn.ReLU) else given[0].abs()
    read = folded.get_submodule("5").weight.detach().abs().amax(dim=0)
    np.testing.assert_allclose(values.amax(dim=(0, 2, 3)), read, rtol=1e-3)
    assert not any(module._forward_hooks for module in folded.modules())


class Residual(nn.Module):
    """Two readers of one layer, one of which would not follow a change of its units."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.act, self.second = nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1)

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        features = self.act(self.first(shown))
        return (self.second(features) + features).mean(dim=(2, 3))


def multiplied() -> nn.Module:
    """Each channel is read by two outputs of its own."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 1, groups=4), nn.Flatten())


@pytest.mark.parametrize(("network", "left"), [(Residual(), ["first", "second"]), (multiplied(), ["0", "2"])])
def test_layers_that_something_else_reads_are_left_alone(network: nn.Module, left: list[str]) -> None:
    folded = fold(network.eval())
    assert equalize(folded, PREPROCESS, CALIBRATION) == left
    assert np.array_equal(torch_answers(folded, SHOWN), torch_answers(fold(network), SHOWN))


@pytest.mark.parametrize("dead", ["0", "2"])
def test_layers_that_give_or_weigh_nothing_stay_as_they_are(dead: str) -> None:
    network = chain(nn.ReLU(), biases=False)
    nn.init.zeros_(network.get_submodule(dead).weight)
    folded = fold(network)
    equalize(folded, PREPROCESS, CALIBRATION)
    assert all(values.isfinite().all() for values in folded.state_dict().values())
    np.testing.assert_allclose(torch_answers(folded, SHOWN), torch_answers(network, SHOWN), rtol=1e-4)


@pytest.mark.parametrize(("ratio", "said"), [(40.0, False), (90.0, True), (5000.0, False)])
def test_channels_are_far_apart_from_a_ratio_of_64(ratio: float, said: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A channel of less than a thousandth of the widest hardly fires, and is nobody's narrowest."""
    first = nn.Conv2d(3, 2, 1, bias=False)
    with torch.no_grad():
        first.weight[:] = torch.tensor([1.0, 1 / ratio]).view(2, 1, 1, 1) * torch.ones(2, 3, 1, 1)
    network = fold(nn.Sequential(first, nn.ReLU6(), nn.Conv2d(2, 2, 1)))
    with caplog.at_level(logging.WARNING):
        assert equalize(network, PREPROCESS, CALIBRATION) == ["0", "2"]
    assert ("the channels of 0 reach" in caplog.text) == said == ("up to 90 times as far" in caplog.text)
