"""ArcFace's networks: published counts, the public files' names, and one block by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d

from distill.cost import count
from teachers.networks.iresnet import BLOCKS, IResNet

PUBLIC = {
    "conv1.weight": (64, 3, 3, 3),
    "bn1.running_mean": (64,),
    "prelu.weight": (64,),
    "layer1.0.bn1.weight": (64,),
    "layer1.0.downsample.0.weight": (64, 64, 1, 1),
    "layer1.0.downsample.1.running_var": (64,),
    "layer2.0.conv1.weight": (128, 64, 3, 3),
    "layer2.0.bn1.bias": (64,),
    "layer4.1.prelu.weight": (512,),
    "layer4.1.bn3.num_batches_tracked": (),
    "bn2.weight": (512,),
    "fc.weight": (512, 25088),
    "fc.bias": (512,),
    "features.running_mean": (512,),
}


def parameters_by_hand(blocks: tuple[int, ...]) -> int:
    total, before = 9 * 3 * 64 + 2 * 64 + 64, 64
    for count_of, channels in zip(blocks, (64, 128, 256, 512), strict=True):
        for number in range(count_of):
            total += 2 * before + 9 * before * channels + 2 * channels + channels + 9 * channels**2 + 2 * channels
            total += before * channels + 2 * channels if number == 0 else 0
            before = channels
    return total + 2 * 512 + 25088 * 512 + 512 + 2 * 512


@pytest.mark.parametrize("depth", [18, 50, 100])
def test_parameters(depth: int) -> None:
    with torch.device("meta"):
        network = IResNet(depth)
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == parameters_by_hand(BLOCKS[depth])
    published = {18: 24.0, 50: 43.6, 100: 65.2}[depth]  # millions, from the sizes of the public files
    assert found / 1e6 == pytest.approx(published, abs=0.05)


def test_the_deepest_costs_what_is_published() -> None:
    """OpenVINO's model zoo on ArcFace's ResNet100: 65.132 M parameters, 24.2115 GFLOPs of two a mult-add."""
    with torch.device("meta"):
        cost = count(IResNet(100), 112, 112)
    assert cost.parameters == pytest.approx(65.132e6, rel=1e-3)
    assert 2 * cost.mult_adds == pytest.approx(24.2115e9, rel=2e-3)


def test_names_are_those_of_the_public_files() -> None:
    with torch.device("meta"):
        state = IResNet(18).state_dict()
        deep = IResNet(100).state_dict()
    assert {name: tuple(state[name].shape) for name in PUBLIC} == PUBLIC
    assert {name.partition(".")[0] for name in state} == {
        *("conv1", "bn1", "prelu", "layer1", "layer2", "layer3", "layer4", "bn2", "fc", "features")
    }
    assert "layer1.1.downsample.0.weight" not in state
    assert "layer3.29.conv2.weight" in deep and "layer3.30.conv2.weight" not in deep


def normalized(layer: nn.Module, x: Tensor) -> Tensor:
    state = layer.state_dict()
    return batch_norm(
        x, state["running_mean"], state["running_var"], state["weight"], state["bias"], training=False, eps=1e-5
    )


@pytest.mark.parametrize("place", [0, 1])
def test_a_block_by_hand(place: int) -> None:
    """The stride is the second convolution's, and the input is normalised before the first, but not on its way past."""
    torch.manual_seed(0)
    block = IResNet(18).layer2[place].eval()
    for name, tensor in block.named_buffers():
        if name.endswith(("mean", "var")):
            nn.init.uniform_(tensor, 0.5, 1.5)
    channels, stride = (64, 2) if place == 0 else (128, 1)
    x = torch.randn(2, channels, 6, 6)
    with torch.no_grad():
        y = normalized(block.bn2, conv2d(normalized(block.bn1, x), block.conv1.weight, padding=1))
        y = torch.where(y > 0, y, y * block.prelu.weight.view(1, -1, 1, 1))
        y = normalized(block.bn3, conv2d(y, block.conv2.weight, stride=stride, padding=1))
        past = normalized(block.downsample[1], conv2d(x, block.downsample[0].weight, stride=2)) if place == 0 else x
        torch.testing.assert_close(block(x), y + past, rtol=1e-4, atol=1e-5)


def test_embeds() -> None:
    torch.manual_seed(0)
    network = IResNet(18).eval()
    with torch.no_grad():
        found = network(torch.randn(2, 3, 112, 112))
    assert found.shape == (2, 512) and found.isfinite().all()
    assert not torch.equal(found[0], found[1])
    assert [name for name, parameter in network.named_parameters() if not parameter.requires_grad] == [
        "features.weight"
    ]
