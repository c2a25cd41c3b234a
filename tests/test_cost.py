"""Mult-adds and parameters against the paper's printed figures and against a plain count of its table 1."""

from pathlib import Path

import pytest
import torch
from torch import nn

from distill.cost import count, count_onnx
from distill.errors import DistillError
from students.mobilenet_v1 import mobilenet_v1

# Table 1, layer by layer: (kind, stride, channels out). The last depthwise stride is 1: 7x7 goes in and comes out.
TABLE_1 = [
    ("conv", 2, 32),
    *[("separable", 1, 64), ("separable", 2, 128), ("separable", 1, 128), ("separable", 2, 256), ("separable", 1, 256)],
    ("separable", 2, 512),
    *[("separable", 1, 512)] * 5,
    *[("separable", 2, 1024), ("separable", 1, 1024)],
]


def by_hand(width: float, resolution: int, outputs: int, variant: str) -> tuple[int, int]:
    """Mult-adds and parameters from table 1 in plain Python."""
    mult_adds, parameters, channels, size = 0, 0, 3, resolution
    rows = [row for i, row in enumerate(TABLE_1) if variant != "shallow" or not 7 <= i <= 11]
    for kind, stride, out in rows:
        out = int(out * width + 0.5)
        size = -(-size // stride)
        full = kind == "conv" or variant == "full"
        layers = [(9 * channels * out, out)] if full else [(9 * channels, channels), (channels * out, out)]
        for weights, norm in layers:
            mult_adds += weights * size * size
            parameters += weights + 2 * norm
        channels = out
    return mult_adds + channels * outputs, parameters + (channels + 1) * outputs


@pytest.mark.parametrize(
    ("width", "resolution", "variant", "millions", "million_parameters"),
    [
        (1.0, 224, "separable", 569, 4.2),
        (0.75, 224, "separable", 325, 2.6),
        (0.5, 224, "separable", 149, 1.3),
        (0.25, 224, "separable", 41, 0.5),
        (1.0, 192, "separable", 418, 4.2),
        (1.0, 160, "separable", 291, 4.2),  # printed 290: truncated
        (1.0, 128, "separable", 186, 4.2),
        (0.5, 160, "separable", 77, 1.3),  # printed 76: truncated
        (1.0, 224, "shallow", 307, 2.9),
        (1.0, 224, "full", 4867, 29.3),  # printed 4866: truncated
    ],
)
def test_published_figures(
    width: float, resolution: int, variant: str, millions: int, million_parameters: float
) -> None:
    with torch.device("meta"):
        network = mobilenet_v1(width, resolution, 1000, variant)
    cost = count(network, resolution, resolution)
    assert round(cost.mult_adds / 1e6) == millions
    assert round(cost.parameters / 1e6, 1) == million_parameters
    assert (cost.mult_adds, cost.parameters) == by_hand(width, resolution, 1000, variant)


@pytest.mark.parametrize(("width", "resolution", "variant"), [(0.3, 97, "separable"), (0.61, 50, "shallow")])
def test_odd_widths_and_sizes(width: float, resolution: int, variant: str) -> None:
    cost = count(mobilenet_v1(width, resolution, 7, variant), resolution, resolution)
    assert (cost.mult_adds, cost.parameters) == by_hand(width, resolution, 7, variant)


def test_table_2_by_kind() -> None:
    cost = count(mobilenet_v1(), 224, 224)
    kinds = cost.by_kind()
    learned = sum(kind.parameters for kind in kinds.values())
    shares = {
        name: (round(100 * kind.mult_adds / cost.mult_adds, 2), round(100 * kind.parameters / learned, 2))
        for name, kind in kinds.items()
    }
    assert shares == {
        "conv 1x1": (94.86, 74.59),
        "conv dw 3x3": (3.06, 1.06),
        "conv 3x3": (1.91, 0.02),  # printed 1.19, with which the column would not sum to 100
        "fully connected": (0.18, 24.33),
    }


def test_the_network_is_left_as_it_was() -> None:
    network = mobilenet_v1(0.25, 32, 5).train()
    network.bn1.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count(network, 32, 32)
    assert network.training and not network.bn1.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_frozen_parameters_count_too() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(16, 2)).requires_grad_(False)
    cost = count(network, 2, 2)
    assert cost.parameters == (3 * 4 + 4) + (16 * 2 + 2)
    assert cost.mult_adds == 3 * 4 * 4 + 16 * 2


def test_onnx_graph_costs_what_its_network_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(8)
    nn.init.normal_(norm.bias)
    network = nn.Sequential(
        *[nn.Conv2d(3, 8, 3, 2, 1, bias=False), norm, nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)],
        *[nn.Conv2d(8, 16, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)],
    ).eval()
    file = tmp_path / "network.onnx"
    shapes = ({0: torch.export.Dim("batch")},)
    pixels = torch.zeros(2, 3, 20, 20)
    torch.onnx.export(network, (pixels,), file, dynamo=True, dynamic_shapes=shapes, external_data=False)
    found, expected = count_onnx(file), count(network, 20, 20)
    assert [layer.kind for layer in found.layers] == ["conv 3x3", "conv dw 3x3", "conv 1x1", "fully connected"]
    assert [layer.mult_adds for layer in found.layers] == [layer.mult_adds for layer in expected.layers]
    assert found.parameters == expected.parameters - norm.num_features  # its scale is folded into the convolution


def test_not_an_onnx_file(tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"hello there" * 9)
    with pytest.raises(DistillError, match=r"broken\.onnx: not an ONNX file"):
        count_onnx(file)
