"""The cost of an ONNX graph, by shape inference: nothing is run."""

import math
from pathlib import Path
from typing import Any

from distill.cost.layers import FULLY_CONNECTED, Cost, LayerCost, conv_kind
from distill.cost.memory import Step, activation_memory
from distill.errors import DistillError, shortened

_QUANTISED = {"ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "DequantizeLinear"}
_MATRIX = {"Gemm", "MatMul"}
_NORMALISATIONS = {f"{of}Normalization" for of in ("Batch", "Instance", "Layer", "Group", "RMS")}
_ACTIVATIONS = {"Celu", "Elu", "Gelu", "LeakyRelu", "PRelu", "Relu", "Selu", "ThresholdedRelu"} | {
    "HardSigmoid",
    "HardSwish",
    "LogSoftmax",
    "Mish",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Swish",
    "Tanh",
}
_ELEMENTWISE = (
    _NORMALISATIONS
    | _ACTIVATIONS
    | {"Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Log", "Neg", "Reciprocal", "Round", "Sign", "Sin", "Sqrt"}
    | {"Add", "Div", "Max", "Mean", "Min", "Mod", "Mul", "Pow", "Sub", "Sum"}
    | {"And", "Equal", "Greater", "GreaterOrEqual", "IsNaN", "Less", "LessOrEqual", "Not", "Or", "Where"}
    | {"Cast", "CastLike", "Clip"}
)
_VIEWS = {"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
_MOVES = (
    {f"Reduce{how}" for how in ("L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")}
    | {f"{reach}{how}Pool" for reach in ("", "Global") for how in ("Average", "Lp", "Max")}
    | {"LRN", "LpNormalization"}
    | {"ArgMax", "Constant", "ConstantOfShape", "Range", "Shape", "Size", "TopK"}
    | {"Concat", "Expand", "Gather", "Pad", "Resize", "Slice", "Split", "Tile", "Transpose", "Upsample"}
    | {"DepthToSpace", "SpaceToDepth", "CumSum", "GatherElements", "RoiAlign", "Trilu"}
)
# onnx.TensorProto's numbers of uint8; of float, float16, double and bfloat16.
_PIXELS, _FLOATS = {2}, {1, 10, 11, 16}
_KNOWN = {"Conv"} | _MATRIX | _ELEMENTWISE | _VIEWS | _MOVES


def count_onnx(path: Path, resolution: int | None = None) -> Cost:
    """Count an ONNX graph at batch 1: Conv, and Gemm or MatMul with a stored matrix.

    A graph of a fixed batch has that in its constants too; it is counted whole, and a picture costs its share.

    `parameters` are the weights and biases of those layers and of the normalisations that were not folded into them.

    Args:
        resolution: pixels of a side, for a graph that leaves its height and width open.

    Raises:
        DistillError: not an ONNX file, or one without its data beside it, a quantised one, an operator the counter
            does not know, a layer's shape that neither the graph nor `resolution` fixes, a fixed batch that does not
            divide what is counted, or nothing to count.
    """
    reader = _Reader(path, *_infer(path, resolution))
    for node in reader.graph.node:
        try:
            reader.read(node)
        except (IndexError, ZeroDivisionError) as error:
            raise DistillError(
                f"{path}: its mult-adds cannot be counted: the inputs, outputs or shapes of "
                f"{shortened(node.name or node.op_type)} are not those of its operator."
            ) from error
    if not reader.layers:
        raise DistillError(f"{path}: has no convolution and no fully connected layer to count.")
    return Cost(
        sum(layer.mult_adds for layer in reader.layers),
        sum(math.prod(reader.shape(name)) for name in reader.learned & reader.stored),
        tuple(reader.layers),
        activation_memory(reader.inputs, reader.steps),
        tuple(reader.uncounted),
    )


def _infer(path: Path, resolution: int | None) -> tuple[Any, int]:
    """The graph with all shapes, and the batch they are of: its own where it is fixed, else 1."""
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise DistillError(f"{path}: no such file.")
    try:
        model = onnx.load(path, load_external_data=False)
    except (OSError, DecodeError) as error:
        raise DistillError(f"{path}: not an ONNX file ({shortened(error)}).") from error
    graph = model.graph
    try:  # for shapes may be among it
        onnx.load_external_data_for_model(model, str(path.parent))
    except (onnx.checker.ValidationError, TypeError, ValueError) as error:  # of bytes that are no text, a TypeError
        files = [
            entry.value
            for initializer in graph.initializer
            for entry in initializer.external_data
            if entry.key == "location"
        ]
        raise DistillError(
            f"{path}: keeps tensors in {shortened(', '.join(map(str, dict.fromkeys(files))))}, which cannot be read "
            f"({shortened(error)}). Copy that beside {path.name}, whole and as a file of its own."
        ) from error
    operators = {str(node.op_type) for node in graph.node}  # bytes where it is no text
    if operators & _QUANTISED:
        hidden = ", ".join(sorted(operators & _QUANTISED))
        raise DistillError(f"{path}: has {hidden}; the mult-adds of a quantised graph are not counted.")
    unknown = sorted(
        {f"{node.op_type} of {node.domain}" for node in graph.node if node.domain not in ("", "ai.onnx")}
        | (operators - _KNOWN)
    )
    if unknown:
        names = shortened(", ".join(unknown))
        raise DistillError(f"{path}: its mult-adds cannot be counted: the counter does not know the operator {names}.")
    batch = _fix_input(path, graph, resolution)
    del graph.value_info[:]  # they leave open what is fixed now
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True).graph, batch
    except onnx.shape_inference.InferenceError as error:
        raise DistillError(f"{path}: its shapes cannot be inferred ({shortened(error)}).") from error


def _fix_input(path: Path, graph: Any, resolution: int | None) -> int:
    """Give the input a size where it is open; the batch."""
    stored = {tensor.name for tensor in graph.initializer}  # old files list their weights among the inputs
    pixels = next((value for value in graph.input if value.name not in stored), None)
    if pixels is None or not pixels.type.tensor_type.shape.dim:
        raise DistillError(f"{path}: has no input of known rank; expected pictures (N, C, H, W) or (N, H, W, C).")
    batch, *others = pixels.type.tensor_type.shape.dim
    batch.dim_value = max(1, batch.dim_value)
    open_sides = [dim for dim in others if not dim.HasField("dim_value")]
    if resolution is not None and not open_sides:
        sizes = " x ".join(str(dim.dim_value) for dim in others)
        raise DistillError(f"{path}: takes only {sizes}; leave --resolution out.")
    for dim in open_sides:
        if resolution is None:
            raise DistillError(f"{path}: leaves its height and width open; say at which --resolution to count it.")
        dim.dim_value = resolution
    return int(batch.dim_value)


class _Reader:
    """What is known of the graph after the nodes read so far."""

    def __init__(self, path: Path, graph: Any, batch: int) -> None:
        self.path, self.graph, self.batch = path, graph, batch
        self.layers: list[LayerCost] = []
        self.steps: list[Step] = []
        self.uncounted: list[str] = []
        self.learned: set[str] = set()
        # Weights, and what is made of weights alone.
        self.stored = {tensor.name for tensor in graph.initializer}
        self._types = {value.name: value.type.tensor_type for value in (*graph.input, *graph.value_info, *graph.output)}
        self._shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        self._products: set[str] = set()  # of activations with weights
        self._memory: dict[str, str] = {}  # of a tensor that is another one in another shape: that other one
        self.inputs = {value.name: self._size(value.name) for value in graph.input if value.name not in self.stored}

    def read(self, node: Any) -> None:
        """Count one node."""
        given = [name for name in node.input if name]
        if all(name in self.stored for name in given):
            self.stored |= set(node.output)
            return
        if node.op_type == "Conv":
            self._convolution(node)
        elif node.op_type in _MATRIX:
            self._product(node)
        elif node.op_type == "Add":
            self._bias(node)
        elif node.op_type in _NORMALISATIONS:
            self.learned |= set(node.input[1:3])
        reads = tuple(self._memory.get(name, name) for name in given if name not in self.stored)
        if node.op_type in _VIEWS:
            self._memory[node.output[0]] = reads[0]
            return
        for name in filter(None, node.output):
            self.steps.append(Step(reads, name, self._size(name), node.op_type in _ELEMENTWISE))

    def shape(self, name: str) -> tuple[int, ...]:
        """Raises DistillError where the graph does not fix it."""
        if name not in self._shapes:
            kind = self._types.get(name)
            dims = () if kind is None else tuple(dim.dim_value for dim in kind.shape.dim)
            if kind is None or not kind.HasField("shape") or 0 in dims:
                raise DistillError(
                    f"{self.path}: the graph does not fix the shape of {shortened(name)}; cannot count it."
                )
            self._shapes[name] = dims
        return self._shapes[name]

    def _size(self, name: str) -> int:
        """Bytes of one picture's share; 0 for indices and shapes, which are no activations."""
        import onnx

        kind = self._types.get(name)
        if kind is None or kind.elem_type not in _PIXELS | _FLOATS:
            return 0
        size = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).itemsize
        return size * self._share(math.prod(self.shape(name)), name)

    def _share(self, total: int, name: str) -> int:
        """One picture's of what a tensor takes for all."""
        share, rest = divmod(total, self.batch)
        if rest:
            raise DistillError(
                f"{self.path}: takes {self.batch} pictures at a time, which do not share {shortened(name)} of shape "
                f"{self.shape(name)} evenly; cannot count it for one. Export the network with a batch of 1."
            )
        return share

    def _convolution(self, node: Any) -> None:
        if node.input[1] not in self.stored:
            raise DistillError(
                f"{self.path}: its mult-adds cannot be counted: the filter of {shortened(node.name)} is computed from "
                "the input."
            )
        weight, pixels, output = (self.shape(name) for name in (node.input[1], node.input[0], node.output[0]))
        strides = next((attribute.ints for attribute in node.attribute if attribute.name == "strides"), (1,))
        self._add(
            node,
            kind=conv_kind(weight, depthwise=weight[1] == 1 and pixels[1] > 1),
            mult_adds=self._share(math.prod(weight) * output[0] * math.prod(output[2:]), node.output[0]),
            weight=weight,
            stride=max(strides),
            input=pixels[1:],
            output=output[1:],
        )

    def _product(self, node: Any) -> None:
        weights = [name for name in node.input[:2] if name in self.stored]
        if not weights:
            self.uncounted.append(node.name)
            return
        self._products.add(node.output[0])
        left, right, output = (self.shape(name) for name in (*node.input[:2], node.output[0]))
        transposed = {
            attribute.name for attribute in node.attribute if attribute.i and attribute.name.startswith("trans")
        }
        inner = left[0] if "transA" in transposed else left[-1]
        mult_adds, weight = self._share(math.prod(output) * inner, node.output[0]), self.shape(weights[0])
        if weights[0] == node.input[1] and "transB" not in transposed:
            weight = tuple(reversed(right))
        positions = () if mult_adds == math.prod(weight) else (mult_adds // math.prod(weight),)
        self._add(
            node,
            kind=FULLY_CONNECTED,
            mult_adds=mult_adds,
            weight=weight,
            stride=1,
            input=(*positions, weight[-1]),
            output=(*positions, weight[0]),
        )

    def _bias(self, node: Any) -> None:
        """Count what is added to a product with weights, a number an output: a bias, for which MatMul has no place."""
        for bias, product in (tuple(node.input), tuple(reversed(node.input))):
            if bias in self.stored and product in self._products and self.shape(bias) == self.shape(product)[-1:]:
                self.learned.add(bias)

    def _add(self, node: Any, *, weight: tuple[int, ...], **layer: Any) -> None:
        self.layers.append(LayerCost(name=node.name, parameters=math.prod(weight), weight=weight, **layer))
        self.learned |= set(node.input[1:] if node.input[1] in self.stored else node.input[:1])
