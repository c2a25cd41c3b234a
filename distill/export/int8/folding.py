"""A student's network without its batch normalisation: folded into the convolutions before it.

Every runtime folds them; done here, the weights that are quantised and equalised are those that will run.
"""

import copy

import torch
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, fx, nn
from torch.nn.utils import fuse_conv_bn_eval

from distill.errors import DistillError

_LEAVES = (nn.Conv2d, nn.BatchNorm2d, nn.Linear, SelectAdaptivePool2d)


class MeanPool(nn.Module):
    """Float (N, C, h, w) to (N, C). timm's own pool traces to shape arithmetic that runtimes carry along.

    Args:
        flatten: else to (N, C, 1, 1), which MobileNetV3 and V4 go on from.
    """

    def __init__(self, flatten: bool) -> None:
        super().__init__()
        self.flatten = flatten

    def forward(self, features: Tensor) -> Tensor:
        return features.mean(dim=(2, 3), keepdim=not self.flatten)


def fold(network: nn.Module) -> fx.GraphModule:
    """The same function of normalised float (N, 3, h, w), as a graph of a copy's modules in eval mode on the CPU.

    Raises:
        DistillError: the forward pass depends on the values it is given, so it is no graph.
    """
    network = copy.deepcopy(network).cpu().eval().requires_grad_(False)
    try:
        folded = fx.GraphModule(network, _Tracer().trace(network))
    except Exception as error:  # whatever the forward pass raises on a stand-in for a tensor
        raise DistillError(
            f"export: the student's forward pass is no plain graph ({error}), and no format can take it. Use another "
            "student, or write its forward pass without branches on the values of tensors."
        ) from error
    for node in list(folded.graph.nodes):
        norm = module_of(folded, node)
        if isinstance(norm, SelectAdaptivePool2d) and norm.pool_type == "avg":
            folded.set_submodule(str(node.target), MeanPool(flatten=isinstance(norm.flatten, nn.Flatten)))
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        (source,) = node.all_input_nodes
        conv = module_of(folded, source)
        if isinstance(conv, nn.Conv2d) and len(source.users) == 1:
            folded.set_submodule(str(source.target), fuse_conv_bn_eval(conv, norm))
            # timm keeps the activation inside the batch norm.
            folded.set_submodule(str(node.target), getattr(norm, "act", nn.Identity()))
    for module in folded.modules():
        if isinstance(module, nn.Conv2d):  # channels last, some runtimes refuse them
            module.weight = nn.Parameter(module.weight.clone(memory_format=torch.contiguous_format), False)
    folded.delete_all_unused_submodules()
    folded.graph.lint()
    folded.recompile()
    return folded


def module_of(graph: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The module a node calls; None where it calls none."""
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, _LEAVES) or super().is_leaf_module(m, module_qualified_name)
