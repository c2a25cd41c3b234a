"""What an ONNX file says of itself."""

from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file

from distill.errors import DistillError
from distill.inspection.facts import read_facts
from tests.helpers.black_boxes import color_box


def test_ports_operators_and_cost(tmp_path: Path) -> None:
    path = color_box(tmp_path / "box.onnx", layout="nhwc", inside=True, ends="Softmax")
    facts = read_facts(path)
    assert [str(port) for port in facts.inputs] == ["pictures float32 (N, 24, 24, 3)"]
    assert [str(port) for port in facts.outputs] == ["answers float32 (N, 8)"]
    assert dict(facts.operators) == dict.fromkeys(("Sub", "Div", "ReduceMean", "MatMul", "Add", "Softmax"), 1)
    assert facts.format == "ONNX, opset 18" and "24 mult-adds" in facts.cost  # 3 x 8
    assert facts.lines()[0] == f"{path}: {facts.format}, {facts.cost}"


def test_a_type_of_elements_that_nobody_knows_is_told_by_its_number(tmp_path: Path) -> None:
    model = onnx.load(color_box(tmp_path / "box.onnx"))
    model.graph.output[0].type.tensor_type.elem_type = 255
    onnx.save(model, tmp_path / "box.onnx")
    assert [str(port) for port in read_facts(tmp_path / "box.onnx").outputs] == ["logits element type 255 (N, 8)"]


def test_metadata_is_shown_shortened_and_kept_whole(tmp_path: Path) -> None:
    model = onnx.load(color_box(tmp_path / "box.onnx"))
    helper.set_model_props(model, {"names": "x" * 500, "author": "somebody\nelse"})
    onnx.save(model, tmp_path / "box.onnx")
    facts = read_facts(tmp_path / "box.onnx")
    assert len(facts.metadata["names"]) == 500
    lines = "\n".join(facts.lines())
    assert "author: somebody else" in lines and f"names: {'x' * 80}..." in lines


def test_operators_of_other_domains_are_named_with_them(tmp_path: Path) -> None:
    node = helper.make_node("Magic", ["x"], ["y"], domain="vendor")
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    graph = helper.make_graph([node], "magic", ports[:1], ports[1:])
    onnx.save(helper.make_model(graph), tmp_path / "box.onnx")
    facts = read_facts(tmp_path / "box.onnx")
    assert facts.operators == (("vendor.Magic", 1),)
    assert "not counted" in facts.cost and "shape not told" in facts.lines()[1]


def test_a_litert_file_is_known_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    from tests.helpers.litert import litert_graph

    path = tmp_path / "box.bin"
    litert_graph(path)
    facts = read_facts(path)
    assert (facts.runtime, facts.format, facts.operators) == ("litert", "LiteRT", ())
    assert facts.inputs[0].dtype == "uint8" and facts.inputs[0].shape[1:] == (8, 6, 3)  # type: ignore[index]


def test_an_openvino_file_is_opened_in_its_runtime(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    openvino.save_model(openvino.convert_model(color_box(tmp_path / "box.onnx")), tmp_path / "box.xml")
    facts = read_facts(tmp_path / "box.xml")
    assert (facts.runtime, facts.inputs[0].dtype) == ("openvino", "float32")
    assert facts.outputs[0].name == "logits"


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(100), b"\x08\x07"])
def test_what_is_no_such_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "box.onnx"
    path.write_bytes(content)
    with pytest.raises(DistillError, match=r"box.onnx: is no whole ONNX, "):
        read_facts(path)


def test_weights_say_how_many_they_are_and_not_of_what(tmp_path: Path) -> None:
    save_file({"a": torch.ones(3, 4), "b": torch.ones(5)}, tmp_path / "weights.bin")
    facts = read_facts(tmp_path / "weights.bin")
    assert (facts.runtime, facts.format) == (None, "weights, 2 tensors, 17 numbers")
    torch.save({"a": torch.ones(3)}, tmp_path / "weights.onnx")
    assert read_facts(tmp_path / "weights.onnx").format == "weights, 1 tensors, 3 numbers"
    (tmp_path / "broken.pt").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(DistillError, match=r"broken\.pt"):
        read_facts(tmp_path / "broken.pt")


def test_names_of_several_lines_are_shown_in_one(tmp_path: Path) -> None:
    model = onnx.load(color_box(tmp_path / "box.onnx"))
    model.graph.output[0].name = "two\nlines"
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N\rM"
    model.graph.node[0].domain = "a\nvendor"
    helper.set_model_props(model, {"a\nkey": "text"})
    onnx.save(model, tmp_path / "box.onnx")
    lines = read_facts(tmp_path / "box.onnx").lines()
    assert not any("\n" in line or "\r" in line for line in lines)
    shown = "\n".join(lines)
    assert "two lines" in shown and "a key: text" in shown and "(N M, 3" in shown and "a vendor." in shown


def test_metadata_in_another_encoding_are_shown_as_far_as_they_are_text(tmp_path: Path) -> None:
    file = color_box(tmp_path / "box.onnx")
    model = onnx.load(file)
    helper.set_model_props(model, {"author": "their"})
    file.write_bytes(model.SerializeToString().replace(b"their", b"th\xe9ir"))
    assert read_facts(file).metadata == {"author": "th\ufffdir"}
