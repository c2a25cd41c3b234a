"""The builder's networks: shapes, widths, variants, activations."""

import pytest
import timm.data
import torch
from torch import nn

from distill.errors import DistillError
from students.mobilenet_v1 import mobilenet_v1


@pytest.mark.parametrize(
    ("width", "resolution", "variant"),
    [
        (0.25, 128, "separable"),
        (0.1, 33, "separable"),
        (0.37, 64, "shallow"),
        (0.05, 40, "full"),
        (1e-3, 32, "separable"),
    ],
)
def test_logits_at_any_width_and_resolution(width: float, resolution: int, variant: str) -> None:
    network = mobilenet_v1(width, resolution, 7, variant).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, resolution, resolution)).shape == (2, 7)


@pytest.mark.parametrize("width", [1.0, 0.75, 0.5, 0.25, 0.61])
def test_channels_are_rounded_plainly(width: float) -> None:
    with torch.device("meta"):
        convolutions = [m for m in mobilenet_v1(width).modules() if isinstance(m, nn.Conv2d) and m.groups == 1]
    paper = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    assert [m.out_channels for m in convolutions] == [int(channels * width + 0.5) for channels in paper]


@pytest.mark.parametrize(("variant", "separable", "full"), [("separable", 13, 1), ("shallow", 8, 1), ("full", 0, 14)])
def test_variants(variant: str, separable: int, full: int) -> None:
    with torch.device("meta"):
        layers = [m for m in mobilenet_v1(0.25, variant=variant).modules() if isinstance(m, nn.Conv2d)]
    assert sum(layer.groups > 1 for layer in layers) == separable
    assert sum(layer.groups == 1 and layer.kernel_size == (3, 3) for layer in layers) == full
    assert sum(layer.kernel_size == (1, 1) for layer in layers) == separable


@pytest.mark.parametrize(
    ("activation", "values"),
    [
        ("relu", [0.0, 1.0, 9.0]),
        ("relu6", [0.0, 1.0, 6.0]),
        ("leaky_relu", [-0.1, 1.0, 9.0]),
        ("hard_swish", [-1 / 3, 2 / 3, 9.0]),
    ],
)
def test_activation_follows_every_convolution(activation: str, values: list[float]) -> None:
    network = mobilenet_v1(0.1, 32, 5, "separable", activation)
    found = [m.act for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(found) == 27
    for act in found:
        assert act(torch.tensor([-1.0, 1.0, 9.0])).tolist() == pytest.approx(values)


def test_no_residual_connection_in_any_block() -> None:
    """A block of equal channels and stride 1 whose convolutions give zero must give zero, not its input."""
    block = mobilenet_v1(0.1, 32, 5).get_submodule("blocks.1.1").eval()
    nn.init.zeros_(block.get_parameter("conv_pw.weight"))
    with torch.no_grad():
        assert not block(torch.ones(1, 13, 8, 8)).any()


def test_timm_reads_its_resolution() -> None:
    assert timm.data.resolve_model_data_config(mobilenet_v1(0.25, 96, 5))["input_size"] == (3, 96, 96)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("width", 0.0),
        ("width", 1.25),
        ("width", float("nan")),
        ("resolution", 0),
        ("outputs", 0),
        ("variant", "deep"),
        ("activation", "tanh"),
    ],
)
def test_arguments_outside_their_range(key: str, value: object) -> None:
    with pytest.raises(DistillError, match=key):
        mobilenet_v1(**{key: value})  # type: ignore[arg-type]
