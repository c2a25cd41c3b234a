"""The public ImageNet MobileNet v1 x0.25 checkpoint: how its tensors are called here.

It was trained at 224 pixels with ImageNet's mean and deviation, symmetric padding, and LeakyReLU of slope 0.1; with
another activation the tensors fit, but the network answers at chance until it is trained again.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from distill.errors import DistillError

TRAINED_WITH = "leaky_relu"  # of the activations of `mobilenet_v1`

_BLOCKS = [f"stage{stage}.{n}" for stage, numbers in ((1, range(1, 6)), (2, range(6)), (3, range(2))) for n in numbers]
_LAYERS = {"0": "conv_dw", "1": "bn1", "3": "conv_pw", "4": "bn2"}


def is_published(tensors: Mapping[str, Tensor]) -> bool:
    """Whether the tensors are named as in the published checkpoint."""
    return "stage1.0.0.weight" in tensors and "fc.weight" in tensors


def rename(tensors: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The published tensors under the names of a separable `mobilenet_v1`; shapes are for `load_weights` to check.

    Raises:
        DistillError: a tensor belongs to no layer of that network.
    """
    # Both group the blocks in stages of their own, and both in the order of the forward pass.
    stages = network.get_submodule("blocks").named_children()
    ours = [f"blocks.{stage}.{block}" for stage, blocks in stages for block, _ in blocks.named_children()]
    if len(ours) != len(_BLOCKS):
        raise DistillError(
            f"student.weights: the published checkpoint has {len(_BLOCKS)} blocks and this student {len(ours)}; it "
            "fits only student.variant: separable."
        )
    layers = {"stage1.0.0": "conv_stem", "stage1.0.1": "bn1", "fc": "classifier"} | {
        f"{theirs}.{number}": f"{block}.{layer}"
        for theirs, block in zip(_BLOCKS, ours, strict=True)
        for number, layer in _LAYERS.items()
    }
    renamed = {}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        if layer not in layers:
            raise DistillError(
                f"student.weights: {name} is no tensor of the published mobilenet_v1 checkpoint, though others are. "
                "Give the published file itself, or a student.safetensors."
            )
        renamed[f"{layers[layer]}.{kind}"] = tensor
    return renamed
