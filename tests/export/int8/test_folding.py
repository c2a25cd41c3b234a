"""Batch normalisation is folded away, and nothing else changes."""

import pytest
import timm
import torch
from timm.layers import SelectAdaptivePool2d
from torch import nn

from distill.errors import DistillError
from distill.export.int8.folding import fold
from students.mobilenet_v1 import mobilenet_v1


def build(name: str) -> nn.Module:
    """A network whose statistics are its own, channels last as training leaves it."""
    torch.manual_seed(0)
    network = mobilenet_v1(0.25, 32, 5) if name == "mobilenet_v1" else timm.create_model(name, num_classes=5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.to(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "name", ["mobilenet_v1", "mobilenetv2_035", "mobilenetv3_small_050", "mobilenetv4_conv_small_035"]
)
def test_the_function_stays_without_batch_normalisation(name: str) -> None:
    network = build(name).train()
    shown = torch.randn(2, 3, 32, 32)
    folded = fold(network)
    assert network.training  # a copy was folded
    with torch.no_grad():
        expected = network.eval()(shown)
        torch.testing.assert_close(folded(shown), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    convs = [module for module in folded.modules() if isinstance(module, nn.Conv2d)]
    assert all(conv.weight.stride() == torch.empty(conv.weight.shape).stride() for conv in convs)


class ReadTwice(nn.Module):
    """What the convolution gives is added to its normalised form, so the convolution stays as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)
        nn.init.uniform_(self.norm.running_var, 2, 4)

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        features = self.conv(shown)
        return self.norm(features) + features


@pytest.mark.parametrize("pool", ["avg", "max", "avgmax"])
def test_a_pool_of_another_kind_stays_what_it_is(pool: str) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), SelectAdaptivePool2d(pool_type=pool, flatten=True)).eval()
    shown = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fold(network)(shown), network(shown))


def test_a_convolution_that_others_read_too_is_not_folded() -> None:
    torch.manual_seed(0)
    network, shown = ReadTwice().eval(), torch.randn(2, 3, 5, 5)
    torch.testing.assert_close(fold(network)(shown), network(shown))


def test_a_network_that_is_no_graph_is_refused() -> None:
    class Moody(nn.Module):
        def forward(self, shown: torch.Tensor) -> torch.Tensor:
            return shown if shown.sum() > 0 else -shown

    with pytest.raises(DistillError, match=r"no plain graph \(.*\), and no format can take it\. Use another student"):
        fold(Moody())
