"""What onnxruntime cannot load is told as what it is, once, in one short line."""

from pathlib import Path

import onnx
import pytest
from onnx import helper

from distill.errors import DistillError, shortened
from distill.predictors.onnx_session import OnnxSession
from tests.helpers.graphs import linear_graph


def edited(tmp_path: Path, **changes: int) -> Path:
    """A graph of another opset or version of the format."""
    file = linear_graph(tmp_path / "vendor.onnx")
    model = onnx.load(file)
    if "opset" in changes:
        model.opset_import[0].version = changes["opset"]
    model.ir_version = changes.get("ir_version", model.ir_version)
    onnx.save(model, file)
    return file


def refused(file: Path, capfd: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(DistillError) as caught:
        OnnxSession(file)
    assert capfd.readouterr() == ("", "")  # nothing beside the message
    message = str(caught.value)
    assert "\n" not in message and len(message.replace(str(file), "")) < 400
    return message


def test_a_custom_operator(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = linear_graph(tmp_path / "vendor.onnx")
    model = onnx.load(file)
    model.graph.node[-1].CopyFrom(helper.make_node("Sharpen", ["logits"], ["answers"], domain="com.vendor"))
    model.opset_import.append(helper.make_opsetid("com.vendor", 1))
    onnx.save(model, file)
    assert "the operator Sharpen of com.vendor, a custom one" in refused(file, capfd)


def test_a_newer_opset(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "its graph is of opset 99 of ai.onnx, and onnxruntime" in refused(edited(tmp_path, opset=99), capfd)


def test_a_newer_version_of_the_format(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "version 99 of ONNX's format (ir_version)" in refused(edited(tmp_path, ir_version=99), capfd)


def test_an_input_without_a_rank(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = linear_graph(tmp_path / "vendor.onnx")
    model = onnx.load(file)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    onnx.save(model, file)
    assert "its input 'pictures' says nothing of its shape" in refused(file, capfd)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"\x1f\x8b" + bytes(30), "compressed by gzip"),
        (b"hello there", "text that begins with 'hello there'"),
    ],
)
def test_another_file_is_called_what_it_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    (tmp_path / "vendor.onnx").write_bytes(content)
    assert f"is no ONNX file ({said}" in refused(tmp_path / "vendor.onnx", capfd)


def test_weights_that_lie_beside_a_file_are_missed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = linear_graph(tmp_path / "vendor.onnx")
    onnx.save(onnx.load(file), file, save_as_external_data=True, size_threshold=0, location="vendor.bin")
    (tmp_path / "vendor.bin").unlink()
    assert "its weights lie in files of their own, and vendor.bin is not in" in refused(file, capfd)


@pytest.mark.parametrize("operator", ["EfficientNMS_TRT", "ROIAlignRotated_Plugin", "Sharpen"])
def test_an_operator_that_is_in_no_opset(tmp_path: Path, capfd: pytest.CaptureFixture[str], operator: str) -> None:
    file = linear_graph(tmp_path / "vendor.onnx")
    model = onnx.load(file)
    model.graph.node[-1].CopyFrom(helper.make_node(operator, ["logits"], ["answers"]))
    onnx.save(model, file)
    assert f"its graph has the operator {operator}, " in refused(file, capfd)


def test_what_onnxruntime_says_is_shortened(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.onnx").write_bytes(b"\x08hello there" * 9)
    assert "onnxruntime cannot load it (" in refused(tmp_path / "text.onnx", capfd)


def test_a_long_text_is_one_line_of_200_characters() -> None:
    assert shortened("a\n  b\tc ") == "a b c"
    assert shortened("x" * 200) == "x" * 200
    assert shortened("x y" * 100) == ("x y" * 100)[:196] + " ..."
