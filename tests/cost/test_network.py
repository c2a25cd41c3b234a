"""Mult-adds and parameters against the paper's printed figures and against a plain count of its table 1."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from distill.cost import count, separable_blocks
from distill.errors import DistillError
from students.mobilenet_v1 import mobilenet_v1
from tests.helpers.table_1 import by_hand, layers


@pytest.mark.parametrize(
    ("width", "resolution", "variant", "millions", "million_parameters"),
    [
        (1.0, 224, "separable", 569, 4.2),
        (0.75, 224, "separable", 325, 2.6),
        (0.5, 224, "separable", 149, 1.3),
        (0.25, 224, "separable", 41, 0.5),
        (1.0, 192, "separable", 418, 4.2),
        (1.0, 160, "separable", 291, 4.2),  # printed 290
        (1.0, 128, "separable", 186, 4.2),
        (0.5, 160, "separable", 77, 1.3),  # printed 76
        (1.0, 224, "shallow", 307, 2.9),
        (1.0, 224, "full", 4867, 29.3),  # printed 4866
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


@pytest.mark.parametrize("variant", ["separable", "full"])
def test_memory_of_activations_by_hand(variant: str) -> None:
    """A chain of layers needs its largest pair of maps at once; normalisation and activation are written in place."""
    network = mobilenet_v1(0.5, 64, 7, variant)
    found = layers(0.5, 64, 7, variant)
    pooled = found[-1].values_in
    memory = count(network, 64, 64).memory
    assert memory.peak == 4 * max(layer.values_in + layer.values_out for layer in found)
    assert memory.total == 4 * (3 * 64 * 64 + sum(layer.values_out for layer in found) + pooled)


def test_a_residual_keeps_its_input_alive() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.widen, self.narrow = nn.Conv2d(3, 12, 1), nn.Conv2d(12, 3, 1)

        def forward(self, pixels: Tensor) -> Tensor:
            return pixels + self.narrow(self.widen(pixels).relu())

    memory = count(Residual(), 10, 10).memory
    assert memory.peak == 4 * 100 * (3 + 12 + 3)
    assert memory.total == 4 * 100 * (3 + 12 + 3)


def test_separable_blocks_save_what_the_paper_says() -> None:
    cost, full = count(mobilenet_v1(0.5, 96), 96, 96), count(mobilenet_v1(0.5, 96, variant="full"), 96, 96)
    blocks = separable_blocks(cost)
    assert [block.full_mult_adds for block in blocks] == [layer.mult_adds for layer in full.layers[1:-1]]
    for block in blocks:
        assert block.share == pytest.approx(1 / block.pointwise.output[0] + 1 / 9)
        assert block.share == pytest.approx(block.predicted_share)


def test_small_layers_between_do_not_hide_a_block() -> None:
    class Squeezed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.depthwise = nn.Conv2d(3, 3, 5, padding=2, groups=3)
            self.gate, self.pointwise = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 16, 1)

        def forward(self, pixels: Tensor) -> Tensor:
            maps = self.depthwise(pixels)
            return self.pointwise(maps * self.gate(maps.mean((2, 3), keepdim=True)).sigmoid())

    (block,) = separable_blocks(count(Squeezed(), 8, 8))
    assert (block.depthwise.name, block.pointwise.name) == ("depthwise", "pointwise")
    assert block.share == pytest.approx(1 / 16 + 1 / 25)


class Odd(nn.Module):
    """One weight and a rule that is no module of torch's."""

    def __init__(self, shape: tuple[int, ...], rule: object) -> None:
        super().__init__()
        self.weight, self.rule = nn.Parameter(torch.zeros(shape)), rule

    def forward(self, pixels: Tensor) -> Tensor:
        return self.rule(pixels, self.weight)  # type: ignore[operator]


def test_what_is_called_as_a_function_is_counted() -> None:
    linear = Odd((5, 48), lambda x, w: F.linear(x.flatten(1), w))
    assert count(linear, 4, 4).mult_adds == 5 * 48
    standardised = Odd((7, 3, 3, 3), lambda x, w: F.conv2d(x, (w - w.mean()) / w.std(), padding=1))
    assert count(standardised, 4, 4).mult_adds == 7 * 27 * 16
    windows = Odd((7, 3, 2, 2), lambda x, w: F.conv2d(x.reshape(4, 3, 4, 4), w, stride=2))
    assert count(windows, 8, 8).mult_adds == 7 * 12 * 4 * (2 * 2)  # four windows, two by two positions each


def test_a_product_with_what_was_not_learnt_is_a_resize_and_not_counted() -> None:
    class Resizing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = nn.Linear(3 * 2 * 4, 5)
            self.register_buffer("rows", torch.full((2, 4), 0.25))

        def forward(self, pixels: Tensor) -> Tensor:
            return self.classifier((self.rows @ pixels).flatten(1))

    cost = count(Resizing(), 4, 4)
    assert cost.mult_adds == 3 * 2 * 4 * 5 and cost.uncounted == ()


def test_attention_is_counted_by_its_weights_and_its_products_are_named() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(12, 2, batch_first=True)

        def forward(self, pixels: Tensor) -> Tensor:
            tokens = pixels.reshape(1, 4, 12)
            return self.attention(tokens, tokens, tokens)[0]

    cost = count(Attention(), 4, 4)
    assert cost.mult_adds == 4 * 12 * 12 * 4  # query, key, value and output of four tokens
    assert cost.uncounted == ("attention",)


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 3, 2)), "1: .* transposed convolution"),
        (Odd((6, 3), lambda x, w: torch.cdist(x.flatten(2).transpose(1, 2), w)), "dist is not an operator"),
        (Odd((3, 3, 1, 1), lambda x, w: F.conv2d(x, w * x.mean())), "filter computed from the input"),
        (nn.ReLU(), "ReLU: has no convolution"),
    ],
)
def test_what_cannot_be_counted_is_named_not_left_out(network: nn.Module, named: str) -> None:
    with pytest.raises(DistillError, match=named):
        count(network, 8, 8)


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet18", 224), ("mobilenet_v2", 224), ("googlenet", 224), ("inception_v3", 299), ("densenet121", 224)],
)
def test_torchvisions_published_figures(name: str, size: int) -> None:
    from torchvision import models

    meta = models.get_model_weights(name).DEFAULT.meta
    with torch.device("meta"):
        extra = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        cost = count(models.get_model(name, weights=None, **extra), size, size)
    assert round(cost.mult_adds / 1e9, 3) == meta["_ops"]
