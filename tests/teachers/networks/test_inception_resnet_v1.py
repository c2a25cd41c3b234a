"""The FaceNet network: published counts, the public checkpoints' names, and one block by hand."""

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d

from distill.cost import count
from teachers.networks.inception_resnet_v1 import InceptionResNetV1

PUBLIC = {
    "conv2d_1a.conv.weight": (32, 3, 3, 3),
    "conv2d_4b.bn.running_var": (256,),
    "repeat_1.0.branch0.conv.weight": (32, 256, 1, 1),
    "repeat_1.4.branch2.2.bn.bias": (32,),
    "mixed_6a.branch1.2.conv.weight": (256, 192, 3, 3),
    "repeat_2.9.branch1.1.conv.weight": (128, 128, 1, 7),
    "repeat_2.9.branch1.2.conv.weight": (128, 128, 7, 1),
    "mixed_7a.branch0.1.conv.weight": (384, 256, 3, 3),
    "mixed_7a.branch2.2.bn.running_mean": (256,),
    "repeat_3.4.conv2d.bias": (1792,),
    "block8.branch1.2.conv.weight": (192, 192, 3, 1),
    "last_linear.weight": (512, 1792),
    "last_bn.num_batches_tracked": (),
}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_counts_are_the_published_ones() -> None:
    """facenet-pytorch's network without its classifier, as printed by torchinfo."""
    with torch.device("meta"):
        network = InceptionResNetV1()
    assert parameters(network) == 23_482_624
    assert parameters(network.block8.branch0) == 344_448
    assert parameters(network.block8.branch1) == 566_400
    assert parameters(network.block8.conv2d) == 689_920
    assert parameters(network.last_linear) == 917_504
    assert abs(count(network, 160, 160).mult_adds / (45.40e9 / 32) - 1) < 2e-3


def test_names_are_those_of_the_public_checkpoints() -> None:
    with torch.device("meta"):
        state = InceptionResNetV1().state_dict()
    assert {name: tuple(state[name].shape) for name in PUBLIC} == PUBLIC
    assert {name.partition(".")[0] for name in state} == {
        *("conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a", "conv2d_4b"),
        *("repeat_1", "mixed_6a", "repeat_2", "mixed_7a", "repeat_3", "block8", "last_linear", "last_bn"),
    }
    assert not any("conv.bias" in name for name in state) and "last_linear.bias" not in state


def by_hand(module: nn.Module, x: Tensor, padding: tuple[int, int]) -> Tensor:
    """Convolution, normalisation with TensorFlow's epsilon, ReLU."""
    state = module.state_dict()
    x = conv2d(x, state["conv.weight"], padding=padding)
    mean, variance = state["bn.running_mean"], state["bn.running_var"]
    return batch_norm(x, mean, variance, state["bn.weight"], state["bn.bias"], training=False, eps=0.001).clamp(min=0)


def test_a_residual_block_by_hand() -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        network = InceptionResNetV1()
    for name, scale, linear in (("repeat_3.1", 0.2, False), ("block8", 1.0, True)):
        block = network.get_submodule(name).to_empty(device="cpu").eval()
        for tensor in (*block.parameters(), *block.buffers()):
            if tensor.is_floating_point():
                nn.init.uniform_(tensor, 0.01, 0.05)
        nn.init.normal_(block.conv2d.weight)
        x = torch.randn(2, 1792, 3, 3)
        inner = by_hand(block.branch1[1], by_hand(block.branch1[0], x, (0, 0)), (0, 1))
        branches = torch.cat([by_hand(block.branch0, x, (0, 0)), by_hand(block.branch1[2], inner, (1, 0))], dim=1)
        expected = x + scale * conv2d(branches, block.conv2d.weight, block.conv2d.bias)
        with torch.no_grad():
            torch.testing.assert_close(block(x), expected if linear else expected.clamp(min=0), rtol=1e-4, atol=1e-4)


def test_embeds() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        found = InceptionResNetV1().eval()(torch.randn(2, 3, 160, 160))
    assert found.shape == (2, 512) and found.isfinite().all()
    assert not torch.equal(found[0], found[1])
