"""Learning to be rounded: the rounding is int8's, and what was learnt survives it better."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn

from distill.data.prepared.pictures import Pictures
from distill.export.int8.folding import fold
from distill.export.int8.quantization_aware import Rounded, adapt
from tests.helpers.noise import Noise, prepare_noise
from tests.helpers.students import PREPROCESS, job_of, mild


def rounded_by_hand(values: np.ndarray, low: float, high: float, levels: int, zero_inside: int) -> np.ndarray:
    """To the nearest of evenly spaced levels, one of which is zero; halves to even."""
    step = (high - low) / levels
    return np.clip(np.round(values / step), -zero_inside, levels - zero_inside) * step


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_layers_read_uint8_and_weigh_by_int8(activation: str) -> None:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(3, 4, 1), nn.Linear(4, 2)
    chosen = nn.ReLU() if activation == "relu" else nn.LeakyReLU(0.1)
    network = fold(nn.Sequential(conv, chosen, nn.Flatten(), linear))
    pixels = torch.randn(6, 3, 1, 1)
    found = Rounded(network).run(pixels).detach().numpy()

    def features(values: np.ndarray) -> np.ndarray:
        low, high = min(values.min(), 0), max(values.max(), 0)
        return rounded_by_hand(values, low, high, 255, round(-low / ((high - low) / 255)))

    def layer(values: np.ndarray, weight: Tensor, bias: Tensor) -> np.ndarray:
        rows = weight.detach().numpy().reshape(len(weight), -1)
        levels = [rounded_by_hand(row, -abs(row).max(), abs(row).max(), 254, 127) for row in rows]
        return np.asarray(features(values) @ np.stack(levels).T + bias.detach().numpy())

    hidden = layer(pixels.numpy().reshape(6, 3), conv.weight, conv.bias)
    # A LeakyReLU reads what was rounded; a ReLU is one step with the layer before it.
    hidden = np.maximum(hidden, 0) if activation == "relu" else np.maximum(features(hidden), 0.1 * features(hidden))
    np.testing.assert_allclose(found, layer(hidden, linear.weight, linear.bias), rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def transfer(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    noise = Noise(3, (("train", 64),), height=64, width=64)
    return Pictures.of(prepare_noise(tmp_path_factory.mktemp("sets") / "transfer", noise), "train")


def coarse(network: nn.Module) -> nn.Module:
    """One weight of each channel ten times the others, which so keep three of their eight bits."""
    changed = copy.deepcopy(network)
    with torch.no_grad():
        for module in changed.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.view(len(module.weight), -1)[:, 0] *= 10
    return changed


def loss_by_rounding(network: fx.GraphModule, wanted: fx.GraphModule, transfer: Pictures) -> float:
    """Of whole pictures, as a share of the answers' own square."""
    pixels = PREPROCESS(torch.from_numpy(transfer[:]))
    with torch.no_grad():
        answers = wanted(pixels)
        return float((Rounded(network).run(pixels) - answers).square().sum() / answers.square().sum())


def test_answers_survive_rounding_better(transfer: Pictures) -> None:
    network = job_of(coarse(mild())).for_int8
    before = copy.deepcopy(network.state_dict())
    adapted = adapt(network, PREPROCESS, transfer, steps=30)
    assert loss_by_rounding(adapted, network, transfer) < 0.5 * loss_by_rounding(network, network, transfer)
    for name, values in network.state_dict().items():
        assert torch.equal(values, before[name]), name
    assert not any(weight.requires_grad for weight in adapted.parameters())


def test_the_same_pictures_give_the_same_weights(transfer: Pictures) -> None:
    network = job_of(mild()).for_int8
    one, two = (adapt(network, PREPROCESS, transfer, steps=2).state_dict() for _ in range(2))
    assert all(torch.equal(values, two[name]) for name, values in one.items())
