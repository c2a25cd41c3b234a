"""The optimisers, what they decay, and the schedule."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from distill.errors import DistillError
from distill.modules import Optimization
from distill.modules.optimization import parameter_groups
from students.mobilenet_v1 import mobilenet_v1


def test_only_full_and_pointwise_convolutions_and_the_classifier_are_decayed() -> None:
    network = mobilenet_v1(width=0.1, resolution=32, outputs=3)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    decayed, undecayed = ({names[id(parameter)] for parameter in group} for group in parameter_groups(network))
    assert len(decayed) + len(undecayed) == len(names) and not decayed & undecayed
    pointwise = {name for name in names.values() if name.endswith("conv_pw.weight")}
    depthwise = {name for name in names.values() if name.endswith("conv_dw.weight")}
    assert len(pointwise) == len(depthwise) == 13
    assert decayed == pointwise | {"conv_stem.weight", "classifier.weight"}
    assert depthwise < undecayed and "classifier.bias" in undecayed
    assert sum("bn" in name for name in undecayed) == 2 * 27


def test_a_convolution_of_one_channel_is_not_depthwise() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=2))
    decayed, _ = parameter_groups(network)
    assert decayed == [network[0].weight, network[1].weight]


def test_frozen_parameters_are_left_alone() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[0].requires_grad_(False)
    assert parameter_groups(network) == ([network[1].weight], [network[1].bias])


@pytest.mark.parametrize(("optimizer", "fused"), [("adamw", False), ("adamw", True), ("rmsprop", True)])
def test_decay_reaches_only_what_it_should(optimizer: Any, fused: bool) -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    for parameter in network.parameters():
        nn.init.ones_(parameter)
        parameter.grad = torch.zeros_like(parameter)
    built = Optimization(optimizer, learning_rate=0.1, warmup=0.0, weight_decay=0.5).build(network, 10, fused)
    built["optimizer"].step()
    assert built["optimizer"].defaults.get("fused", True) == fused  # RMSprop is never
    for name, parameter in network.named_parameters():
        changed = name == "2.weight"
        assert bool((parameter < 1).all() if changed else (parameter == 1).all()), name


def test_without_decay_every_parameter_learns_as_by_plain_adam() -> None:
    ours, plain = (nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)) for _ in "ab")
    plain.load_state_dict(ours.state_dict())
    built, adam = Optimization(warmup=0.0).build(ours, 10)["optimizer"], torch.optim.Adam(plain.parameters(), 1e-3)
    for network, optimizer in ((ours, built), (plain, adam)):
        for number, parameter in enumerate(network.parameters()):
            parameter.grad = torch.full_like(parameter, number - 2.5)
        optimizer.step()
    for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-7) and one.grad is not None


def rates(optimization: Optimization, steps: int) -> list[float]:
    built = optimization.build(nn.Linear(1, 1), steps)
    assert built["lr_scheduler"]["interval"] == "step"
    found = []
    for _ in range(steps):
        found.append(built["optimizer"].param_groups[0]["lr"])
        built["optimizer"].step()
        built["lr_scheduler"]["scheduler"].step()
    return found


def test_the_schedule_warms_up_in_a_line_and_ends_with_half_a_cosine() -> None:
    found = rates(Optimization(learning_rate=0.2, warmup=0.1), 100)
    for step in range(10):
        assert found[step] == pytest.approx(0.2 * (step + 1) / 10)
    for step in range(10, 100):
        assert found[step] == pytest.approx(0.2 * 0.5 * (1 + math.cos(math.pi * (step - 10) / 90)))
    assert max(found) == found[9] == pytest.approx(0.2)
    assert found[10:] == sorted(found[10:], reverse=True) and 0 < found[-1] < 1e-3 * 0.2


@pytest.mark.parametrize(("warmup", "steps", "warm"), [(0.0, 6, 1), (0.05, 3, 1), (0.3, 9, 3), (0.99, 4, 4)])
def test_at_least_one_step_and_the_nearest_whole_number_warm_up(warmup: float, steps: int, warm: int) -> None:
    expected = [(step + 1) / warm for step in range(warm)]
    expected += [0.5 + 0.5 * math.cos(math.pi * step / (steps - warm)) for step in range(steps - warm)]
    assert rates(Optimization(learning_rate=1.0, warmup=warmup), steps) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("warmup", "steps"), [(0.0, 5), (0.05, 3), (0.99, 4), (0.5, 1)])
def test_short_runs_reach_the_peak_and_never_leave_the_range(warmup: float, steps: int) -> None:
    found = rates(Optimization(learning_rate=1.0, warmup=warmup), steps)
    assert max(found) == 1 and min(found) > 0


def test_rmsprop_is_tensorflows() -> None:
    parameter = nn.Parameter(torch.tensor([[1.0]]))
    network = nn.Linear(1, 1, bias=False)
    network.weight = parameter
    optimizer = Optimization("rmsprop", learning_rate=0.1, warmup=0.0).build(network, 10)["optimizer"]
    weight, mean_square, momentum = 1.0, 1.0, 0.0
    for gradient in (0.5, -2.0, 3.0):
        parameter.grad = torch.tensor([[gradient]])
        optimizer.step()
        # epsilon is inside the root, the mean square begins at one and the rate is inside the momentum.
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        momentum = 0.9 * momentum + 0.1 * gradient / math.sqrt(mean_square + 1.0)
        weight -= momentum
        assert parameter.item() == pytest.approx(weight, rel=1e-5)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"optimizer": "sgd"}, "optimizer is 'sgd', expected one of adamw, rmsprop"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"warmup": 1.0}, "warmup is 1.0"),
        ({"warmup": -0.1}, "warmup is -0.1"),
        ({"ema": 1.0}, "ema is 1.0"),
        ({"ema": 0.0}, "ema is 0.0"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
    ],
)
def test_impossible_values_are_refused_by_key(keys: dict[str, Any], found: str) -> None:
    with pytest.raises(DistillError, match=found):
        Optimization(**keys)
