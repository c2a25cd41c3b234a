"""What a network costs: multiply-adds of its convolutions and fully connected layers, and its parameters.

Counted as the MobileNets paper does (arXiv 1704.04861, tables 2 to 9): one multiply-add for each product of a weight,
batch 1, nothing for normalisation, activation, pooling or biases. Products of two activations, as in attention, are not
counted either.
"""

import copy
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from distill.errors import DistillError

_QUANTISED = {"ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "DequantizeLinear"}


@dataclass(frozen=True)
class LayerCost:
    """One layer. `kind` is named as in table 2: `conv 1x1`, `conv dw 3x3`, `conv 3x3`, `fully connected`."""

    name: str
    kind: str
    mult_adds: int
    parameters: int
    """Of the weight alone, without the bias, as table 2 counts."""


@dataclass(frozen=True)
class Cost:
    """`parameters` are all that training would learn, normalisation and biases included."""

    mult_adds: int
    parameters: int
    layers: tuple[LayerCost, ...]

    def by_kind(self) -> dict[str, LayerCost]:
        """The layers added up by kind, the costliest kind first (table 2)."""
        sums: dict[str, LayerCost] = {}
        for layer in self.layers:
            so_far = sums.get(layer.kind, LayerCost(layer.kind, layer.kind, 0, 0))
            sums[layer.kind] = LayerCost(
                layer.kind, layer.kind, so_far.mult_adds + layer.mult_adds, so_far.parameters + layer.parameters
            )
        return dict(sorted(sums.items(), key=lambda item: -item[1].mult_adds))


def count(module: nn.Module, height: int, width: int) -> Cost:
    """Count a network that eats float (1, 3, height, width).

    A copy without storage is run, so the network keeps its mode, its statistics and its device.
    """
    tensors = itertools.chain(module.parameters(), module.buffers())
    shadow = copy.deepcopy(module, memo={id(tensor): _without_storage(tensor) for tensor in tensors}).eval()
    layers: list[LayerCost] = []
    for name, child in shadow.named_modules():
        if isinstance(child, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            child.register_forward_hook(_Recorder(name, layers))
    with torch.no_grad():
        shadow(torch.empty(1, 3, height, width, device="meta"))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Cost(sum(layer.mult_adds for layer in layers), parameters, tuple(layers))


def count_onnx(path: Path) -> Cost:
    """Count an ONNX graph at batch 1 by shape inference: Conv, and Gemm or MatMul with a stored matrix.

    `parameters` are the weights and biases of those layers and of the normalisations that were not folded into them.

    Raises:
        DistillError: not an ONNX file, a quantised one, or a layer's shape is not fixed by the graph.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
    except (OSError, DecodeError) as error:
        raise DistillError(f"{path}: not an ONNX file ({error}).") from error
    graph = model.graph
    hidden = sorted({node.op_type for node in graph.node if node.op_type in _QUANTISED})
    if hidden:
        raise DistillError(f"{path}: has {', '.join(hidden)}; the mult-adds of a quantised graph are not counted.")
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    del graph.value_info[:]  # they say N where it is 1 now
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise DistillError(f"{path}: its shapes cannot be inferred ({error}).") from error
    stored = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    shapes = {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in (*inferred.value_info, *inferred.output)
    } | stored
    layers, learned = [], set[str]()
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul") and node.input[1] in stored:
            weight, out = stored[node.input[1]], shapes.get(node.output[0], ())
            if not out or 0 in out:
                raise DistillError(f"{path}: the graph does not fix the output shape of {node.name}; cannot count it.")
            kind = "fully connected"
            mult_adds = math.prod(weight) * math.prod(out[:-1])
            if node.op_type == "Conv":
                kind = _conv_kind(weight, depthwise=weight[1] == 1 and weight[0] == out[1] and weight[0] > 1)
                mult_adds = math.prod(weight) * math.prod(out[2:])
            layers.append(LayerCost(node.name, kind, mult_adds, math.prod(weight)))
            learned |= set(node.input[1:])
        elif node.op_type == "BatchNormalization":
            learned |= set(node.input[1:3])
    parameters = sum(math.prod(stored[name]) for name in learned if name in stored)
    return Cost(sum(layer.mult_adds for layer in layers), parameters, tuple(layers))


class _Recorder:
    """A forward hook that adds the cost of one layer to a list."""

    def __init__(self, name: str, layers: list[LayerCost]) -> None:
        self.name, self.layers = name, layers

    def __call__(self, layer: nn.Conv1d | nn.Conv2d | nn.Linear, _: tuple[Tensor, ...], output: Tensor) -> None:
        weight = tuple(layer.weight.shape)
        if isinstance(layer, nn.Linear):
            kind, positions = "fully connected", output.numel() // layer.out_features
        else:
            kind = _conv_kind(weight, depthwise=layer.groups == layer.in_channels and layer.groups > 1)
            positions = output.numel() // layer.out_channels
        self.layers.append(LayerCost(self.name, kind, math.prod(weight) * positions, math.prod(weight)))


def _conv_kind(weight: tuple[int, ...], depthwise: bool) -> str:
    return ("conv dw " if depthwise else "conv ") + "x".join(map(str, weight[2:]))


def _without_storage(tensor: Tensor) -> Tensor:
    empty = tensor.detach().to("meta")
    return nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
