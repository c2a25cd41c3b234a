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


def hardswish(values: np.ndarray) -> np.ndarray:
    return np.asarray(values * np.clip(values / 6 + 0.5, 0, 1))


@pytest.mark.parametrize("offset", [0.0, 5.0, -5.0])
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.1), nn.Hardswish()])
def test_layers_read_uint8_and_weigh_by_int8(activation: nn.Module, offset: float) -> None:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(3, 4, 1), nn.Linear(4, 2)
    network = fold(nn.Sequential(conv, activation, nn.Flatten(), linear))
    pixels = torch.randn(6, 3, 1, 1) + offset  # also of one sign alone: zero is a level all the same
    found = Rounded(network).run(pixels).detach().numpy()

    def features(values: np.ndarray) -> np.ndarray:
        low, high = min(values.min(), 0), max(values.max(), 0)
        return rounded_by_hand(values, low, high, 255, round(-low / ((high - low) / 255)))

    def layer(values: np.ndarray, weight: Tensor, bias: Tensor) -> np.ndarray:
        rows = weight.detach().numpy().reshape(len(weight), -1)
        levels = [rounded_by_hand(row, -abs(row).max(), abs(row).max(), 254, 127) for row in rows]
        return np.asarray(features(values) @ np.stack(levels).T + bias.detach().numpy())

    hidden = layer(pixels.numpy().reshape(6, 3), conv.weight, conv.bias)
    # The others read what was rounded; a ReLU is one step with the layer before it.
    if isinstance(activation, nn.ReLU):
        hidden = np.maximum(hidden, 0)
    elif isinstance(activation, nn.LeakyReLU):
        hidden = np.maximum(features(hidden), 0.1 * features(hidden))
    else:
        hidden = hardswish(features(hidden))
    np.testing.assert_allclose(found, layer(hidden, linear.weight, linear.bias), rtol=1e-4, atol=1e-5)


def test_what_is_all_zeros_stays_so() -> None:
    network = fold(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten()))
    nn.init.zeros_(network.get_submodule("0").weight)
    found = Rounded(network).run(torch.zeros(2, 3, 1, 1))
    torch.testing.assert_close(found, network.get_submodule("0").bias.expand(2, 4))


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


class Named(nn.Module):
    """The outputs of a network under names, those of a slice each."""

    def __init__(self, network: nn.Module, **outputs: slice) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        answers = self.network(pixels)
        return {name: answers[:, part] for name, part in self.outputs.items()}


def test_one_named_tensor_is_learnt_as_one_without_a_name(transfer: Pictures) -> None:
    networks = mild(), Named(mild(), logits=slice(0, 10))
    plain, named = (adapt(fold(network), PREPROCESS, transfer, steps=2) for network in networks)
    for name, values in plain.named_parameters():
        assert torch.equal(named.get_parameter(f"network.{name}"), values), name


def test_each_of_several_tensors_survives_rounding_better(transfer: Pictures) -> None:
    network = job_of(Named(coarse(mild()), first=slice(0, 7), second=slice(7, 10))).for_int8
    adapted = adapt(network, PREPROCESS, transfer, steps=30)
    pixels = PREPROCESS(torch.from_numpy(transfer[:]))
    with torch.no_grad():
        wanted, before, after = network(pixels), Rounded(network).run(pixels), Rounded(adapted).run(pixels)
    for name in ("first", "second"):
        left, lost = ((one[name] - wanted[name]).square().mean() for one in (after, before))
        assert left < 0.5 * lost, name


def test_steps_are_shares_of_what_is_moved_and_shrink_by_half_a_cosine(
    transfer: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, rates = job_of(mild()).for_int8, []
    step = torch.optim.Adam.step

    def seen(self: torch.optim.Adam) -> None:
        rates.append([group["lr"] for group in self.param_groups])
        step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", seen)
    adapt(network, PREPROCESS, transfer, steps=3)
    sizes = [
        float(moved.square().mean()) ** 0.5
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
        for moved in module.parameters()
    ]
    shares = [0.5 + 0.5 * np.cos(np.pi * number / 3) for number in range(3)]
    np.testing.assert_allclose(rates, [[1e-3 * share * size for size in sizes] for share in shares], rtol=1e-5)


def test_the_same_pictures_give_the_same_weights(transfer: Pictures) -> None:
    network = job_of(mild()).for_int8
    one, two = (adapt(network, PREPROCESS, transfer, steps=2).state_dict() for _ in range(2))
    assert all(torch.equal(values, two[name]) for name, values in one.items())
