"""The cost of a torch network: one pass without storage, watched operator by operator."""

import copy
import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from distill.cost.layers import FULLY_CONNECTED, Cost, LayerCost, conv_kind
from distill.cost.memory import Step, activation_memory
from distill.errors import DistillError

# Matrix products, and where their two factors stand among the arguments.
_PRODUCTS = {f"aten::{name}": 0 for name in ("mm", "bmm", "mv", "dot")}
_PRODUCTS |= {f"aten::{name}": 1 for name in ("addmm", "baddbmm", "addmv")}
# What acts on each element, or on each with the statistics of its channel, and could be written in place. Most such
# operators carry torch's tag `pointwise`; these do not.
_NORMALISATIONS = {
    f"aten::{kind}_norm" for kind in ("native_batch", "cudnn_batch", "native_layer", "native_group", "_fused_rms")
} | {f"aten::_native_batch_norm_legit{how}" for how in ("", "_no_training")}
_ELEMENTWISE = _NORMALISATIONS | {
    f"aten::{name}" for name in ("hardswish", "hardsigmoid", "_prelu_kernel", "_softmax", "_log_softmax")
}
# What may mix weights and activations without multiplying them.
_MOVES = {
    f"aten::{name}" for name in ("cat", "stack", "index", "copy_", "embedding", "gather", "index_put_", "index_put")
}
_VIEW = "aten::_unsafe_view"  # shares memory although its schema does not say so


def count(module: nn.Module, height: int, width: int) -> Cost:
    """Count a network that eats float (1, 3, height, width).

    A copy without storage is run, so the network keeps its mode, its statistics and its device.

    Raises:
        DistillError: it has an operator on weights that is neither a convolution, nor a matrix product, nor
            elementwise, which is named; or it has nothing to count.
    """
    tensors = itertools.chain(module.parameters(), module.buffers())
    shadow = copy.deepcopy(module, memo={id(tensor): _without_storage(tensor) for tensor in tensors}).eval()
    watch = _Watch(shadow)
    pixels = torch.empty(1, 3, height, width, device="meta")
    _keep_name(shadow, watch.path)
    with torch.no_grad(), watch:
        shadow(pixels)
    if not watch.layers:
        raise DistillError(f"{type(module).__name__}: has no convolution and no fully connected layer to count.")
    return Cost(
        sum(layer.mult_adds for layer in watch.layers),
        sum(parameter.numel() for parameter in module.parameters()),
        tuple(watch.layers),
        activation_memory({watch.number(pixels): pixels.nbytes}, watch.steps),
        tuple(dict.fromkeys(watch.uncounted)),
    )


class _Watch(TorchDispatchMode):
    """Sees every operator with its tensors and tells weights, or what is made of weights alone, from activations."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.layers: list[LayerCost] = []
        self.steps: list[Step] = []
        self.uncounted: list[str] = []
        self.path: list[str] = []
        # The tensors are held, so that an id stays theirs.
        self._weights = {id(tensor): tensor for tensor in itertools.chain(module.parameters(), module.buffers())}
        self._learnt = {id(tensor) for tensor in module.parameters()}
        self._numbers = WeakIdKeyDictionary()
        self._next = itertools.count()

    def number(self, tensor: Tensor) -> int:
        """One number for all tensors that share memory."""
        return self._numbers.setdefault(tensor, next(self._next))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        written = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        activations = [tensor for tensor in read if not self._is_weight(tensor)]
        if read and not activations:
            self._weights |= {id(tensor): tensor for tensor in written}
            if any(id(tensor) in self._learnt for tensor in read):
                self._learnt |= {id(tensor) for tensor in written}
            return result
        name = func._schema.name
        elementwise = torch.Tag.pointwise in func.tags or name in _ELEMENTWISE
        if name == "aten::convolution":
            self._convolution(args, result)
        elif name in _PRODUCTS:
            self._product(args[_PRODUCTS[name]], args[_PRODUCTS[name] + 1], result)
        elif name.startswith("aten::_scaled_dot_product"):
            self.uncounted.append(self._where)
        elif len(activations) < len(read) and not elementwise and name not in _MOVES:
            raise self._unknown(name.removeprefix("aten::"))
        self._remember(func, activations, written, elementwise)
        return result

    def _convolution(self, args: tuple[Any, ...], output: Tensor) -> None:
        pixels, weight, _, stride, _, _, transposed, _, groups = args
        if transposed:
            raise self._unknown("transposed convolution")
        if not self._is_weight(weight):
            raise self._unknown("convolution by a filter computed from the input")
        shape = tuple(weight.shape)
        channels = pixels.shape[1]
        self.layers.append(
            LayerCost(
                self._where,
                conv_kind(shape, depthwise=groups == channels and groups > 1),
                math.prod(shape) * output.shape[0] * math.prod(output.shape[2:]),  # windows are stacked as a batch
                math.prod(shape),
                shape,
                max(stride),
                tuple(pixels.shape[1:]),
                tuple(output.shape[1:]),
            )
        )

    def _product(self, left: Tensor, right: Tensor, output: Tensor) -> None:
        weights = [tensor for tensor in (left, right) if self._is_weight(tensor)]
        if len(weights) != 1:
            self.uncounted.append(self._where)
            return
        if id(weights[0]) not in self._learnt:
            return  # a resize, such as a student's own, which is not counted either
        mult_adds, parameters = output.numel() * left.shape[-1], weights[0].numel()
        positions = () if mult_adds == parameters else (mult_adds // parameters,)
        shape = tuple(left.shape) if weights[0] is left else tuple(reversed(right.shape))
        self.layers.append(
            LayerCost(
                self._where,
                FULLY_CONNECTED,
                mult_adds,
                parameters,
                shape,
                1,
                (*positions, shape[-1]),
                (*positions, shape[0]),
            )
        )

    def _remember(self, func: Any, activations: list[Tensor], written: list[Tensor], elementwise: bool) -> None:
        """The step this operator is, for the memory of activations."""
        reads = tuple(self.number(tensor) for tensor in activations)
        if activations and (any(out.alias_info for out in func._schema.returns) or func._schema.name == _VIEW):
            for tensor in written:
                self._numbers[tensor] = reads[0]
        # What comes after the first are statistics of a normalisation or indices of a pooling.
        for tensor in written[:1]:
            if tensor.is_floating_point():
                self.steps.append(Step(reads, self.number(tensor), tensor.nbytes, elementwise))

    def _is_weight(self, tensor: Tensor) -> bool:
        return id(tensor) in self._weights

    @property
    def _where(self) -> str:
        return self.path[-1] if self.path else ""

    def _unknown(self, operator: str) -> DistillError:
        return DistillError(
            f"{self._where or 'the network'}: its mult-adds cannot be counted: {operator} is not an operator the "
            "counter knows. It knows convolutions, matrix products and what acts element by element."
        )


def _keep_name(module: nn.Module, path: list[str]) -> None:
    """Keep the name of the module that is running at the end of `path`."""

    def entering(name: str) -> Callable[..., None]:
        return lambda *_: path.append(name)

    def leaving(*_: object) -> None:
        path.pop()

    for name, child in module.named_modules():
        child.register_forward_pre_hook(entering(name))
        child.register_forward_hook(leaving)


def _without_storage(tensor: Tensor) -> Tensor:
    empty = tensor.detach().to("meta")
    return nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
