"""ONNX graphs against the networks they were made from, and against plain counts of graphs written by hand."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from distill.cost import count, count_onnx
from distill.errors import DistillError


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
    assert [layer.filter_shape for layer in found.layers] == [layer.filter_shape for layer in expected.layers]
    assert [layer.input_size for layer in found.layers] == [layer.input_size for layer in expected.layers]
    assert [layer.type for layer in found.layers] == [layer.type for layer in expected.layers]
    assert found.memory == expected.memory
    assert found.parameters == expected.parameters - norm.num_features  # its scale is folded into the convolution


def test_a_fixed_batch_costs_each_picture_its_share(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = timm.create_model("test_resnet").eval()
    file = tmp_path / "eight.onnx"
    torch.onnx.export(network, (torch.zeros(8, 3, 64, 64),), file, dynamo=True, external_data=False)
    found, expected = count_onnx(file), count(network, 64, 64)
    assert found.mult_adds == expected.mult_adds == 16_488_192
    assert found.layers[-1].mult_adds == expected.layers[-1].mult_adds == 96_000
    assert found.memory == expected.memory


@pytest.mark.parametrize(("axes", "refused"), [([2, 3], False), ([0], True)])
def test_what_a_fixed_batch_does_not_share_evenly_is_refused(tmp_path: Path, axes: list[int], refused: bool) -> None:
    values = numpy_helper.from_array(np.array(axes, np.int64))
    nodes = [
        helper.make_node("Constant", [], ["axes"], value=values),
        node("ReduceMean", "pictures", "axes", "mean"),
        node("Conv", "mean", "weight", "y"),
    ]
    file = graph(tmp_path / "seven.onnx", nodes, batch=7, weight=(4, 3, 1, 1))
    if refused:
        with pytest.raises(DistillError, match=r"seven\.onnx: takes 7 pictures at a time, .*mean of shape \(1, 3, 8"):
            count_onnx(file)
    else:
        assert count_onnx(file).mult_adds == 4 * 3


def test_weights_beside_the_file_must_be_there(tmp_path: Path) -> None:
    made = graph(tmp_path / "made.onnx", [node("Conv", "pictures", "weight", "y")], weight=(400, 3, 1, 1))
    file, beside = tmp_path / "network.onnx", tmp_path / "network.onnx.data"
    onnx.save(onnx.load(made), file, save_as_external_data=True, location=beside.name)
    assert count_onnx(file) == count_onnx(made)
    data = beside.read_bytes()
    beside.unlink()
    with pytest.raises(DistillError, match=r"network\.onnx: keeps tensors in network\.onnx\.data, .*Copy that beside"):
        count_onnx(file)
    beside.write_bytes(data[:100])
    with pytest.raises(DistillError, match=r"network\.onnx: keeps tensors in network\.onnx\.data, .*100 bytes"):
        count_onnx(file)


def test_not_an_onnx_file(tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"hello there" * 9)
    with pytest.raises(DistillError, match=r"broken\.onnx: not an ONNX file"):
        count_onnx(file)


def graph(
    path: Path,
    nodes: list[NodeProto],
    size: int | str = 8,
    opsets: tuple[str, ...] = ("",),
    batch: int | str = "N",
    **weights: tuple[int, ...],
) -> Path:
    """Write a graph of pictures (batch, 3, size, size); of each weight a shape is given."""
    made = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, (batch, 3, size, size))],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in weights.items()],
    )
    imports = [helper.make_opsetid(domain, 18) for domain in opsets]
    onnx.save(helper.make_model(made, opset_imports=imports, ir_version=9), path)
    return path


def node(operator: str, *names: str, **attributes: object) -> NodeProto:
    *given, out = names
    return helper.make_node(operator, given, [out], name=f"the_{operator}", **attributes)


def test_a_matrix_is_counted_on_either_side_and_behind_a_transpose(tmp_path: Path) -> None:
    left = [node("Reshape", "pictures", "shape", "x"), node("MatMul", "weight", "x", "y")]
    shape = helper.make_node("Constant", [], ["shape"], value=numpy_helper.from_array(np.array([3, 64], np.int64)))
    file = graph(tmp_path / "left.onnx", [shape, *left], weight=(5, 3))
    assert count_onnx(file).mult_adds == 5 * 3 * 64
    right = [node("Flatten", "pictures", "x"), node("Transpose", "weight", "turned"), node("Gemm", "x", "turned", "y")]
    cost = count_onnx(graph(tmp_path / "right.onnx", right, weight=(5, 192)))
    assert (cost.mult_adds, cost.parameters, cost.layers[0].filter_shape) == (5 * 192, 5 * 192, "192x5")


def test_a_bias_that_is_added_to_a_product_is_a_parameter(tmp_path: Path) -> None:
    nodes = [
        node("Sub", "pictures", "mean", "p"),
        node("Flatten", "p", "x"),
        node("MatMul", "x", "weight", "y"),
        node("Add", "bias", "y", "z"),
        node("Add", "z", "one", "out"),
    ]
    cost = count_onnx(graph(tmp_path / "bias.onnx", nodes, mean=(3, 1, 1), weight=(192, 5), bias=(5,), one=(1,)))
    assert (cost.parameters, cost.weights) == (5 * 192 + 5, 5 * 192)


def test_products_of_two_activations_are_named(tmp_path: Path) -> None:
    nodes = [node("Conv", "pictures", "weight", "x"), node("MatMul", "x", "x", "y")]
    cost = count_onnx(graph(tmp_path / "products.onnx", nodes, weight=(4, 3, 1, 1)))
    assert (cost.mult_adds, cost.uncounted) == (4 * 3 * 64, ("the_MatMul",))


def test_open_sides_are_counted_at_a_resolution(tmp_path: Path) -> None:
    nodes = [node("Conv", "pictures", "weight", "x", pads=[1, 1, 1, 1])]
    file = graph(tmp_path / "open.onnx", nodes, "side", weight=(4, 3, 3, 3))
    assert count_onnx(file, 20).mult_adds == 4 * 27 * 400
    with pytest.raises(DistillError, match="leaves its height and width open"):
        count_onnx(file)
    fixed = graph(tmp_path / "fixed.onnx", nodes, 8, weight=(4, 3, 3, 3))
    with pytest.raises(DistillError, match=r"fixed\.onnx: takes only 3 x 8 x 8"):
        count_onnx(fixed, 20)


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        ([node("ConvTranspose", "pictures", "weight", "y")], "operator ConvTranspose"),
        ([node("FusedConv", "pictures", "weight", "y", domain="com.microsoft")], "FusedConv of com.microsoft"),
        ([node("Conv", "pictures", "pictures", "y")], "filter of the_Conv is computed"),
        ([node("Conv", "pictures", "y")], "outputs or shapes of the_Conv are not those of its operator"),
        ([node("Conv", "pictures", "two\nlines", "y")], "filter of the_Conv is computed"),
        ([node("Relu", "pictures", "y")], "no convolution and no fully connected"),
    ],
)
def test_what_cannot_be_counted_is_named_not_left_out(tmp_path: Path, nodes: list[NodeProto], named: str) -> None:
    file = graph(tmp_path / "odd.onnx", nodes, opsets=("", "com.microsoft"), weight=(3, 3, 1, 1))
    with pytest.raises(DistillError, match=rf"odd\.onnx: .*{named}"):
        count_onnx(file)


def test_weights_that_lie_where_no_text_says_are_told(tmp_path: Path) -> None:
    file = tmp_path / "a.onnx"
    export_with_external_data(file)
    file.write_bytes(file.read_bytes().replace(b"weights.bin", b"weights.b\xff\xff"))
    with pytest.raises(DistillError, match=r"a\.onnx: keeps tensors in .*, which cannot be read"):
        count_onnx(file)


def export_with_external_data(file: Path) -> None:
    weight = numpy_helper.from_array(np.ones((3, 4), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in (("x", 3), ("y", 4))]
    model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [weight]))
    onnx.save(model, file, save_as_external_data=True, location="weights.bin", size_threshold=0)
