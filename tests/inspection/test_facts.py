"""What an ONNX file says of itself."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from distill.errors import DistillError
from distill.inspection.facts import read_facts
from tests.helpers.black_boxes import color_box


def test_ports_operators_and_cost(tmp_path: Path) -> None:
    path = color_box(tmp_path / "box.onnx", layout="nhwc", inside=True, ends="Softmax")
    facts = read_facts(path)
    assert [str(port) for port in facts.inputs] == ["pictures float32 (N, 24, 24, 3)"]
    assert [str(port) for port in facts.outputs] == ["answers float32 (N, 8)"]
    assert dict(facts.operators) == dict.fromkeys(("Sub", "Div", "ReduceMean", "MatMul", "Add", "Softmax"), 1)
    assert facts.opset == 18 and "24 mult-adds" in facts.cost  # 3 x 8
    assert facts.lines()[0] == f"{path}: ONNX, opset 18, {facts.cost}"


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


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(100), b"\x08\x07"])
def test_what_is_no_such_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "box.onnx"
    path.write_bytes(content)
    with pytest.raises(DistillError, match=r"box.onnx: (cannot be read as ONNX|an ONNX graph without operators)"):
        read_facts(path)
