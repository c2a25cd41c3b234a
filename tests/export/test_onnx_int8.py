"""int8 in onnxruntime: what it may cost, and that channels far apart cost no more."""

import copy
from pathlib import Path

import numpy as np
import onnx
import pytest

from distill.export import onnx_int8
from distill.export.onnx import to_onnx
from distill.export.onnx_int8 import quantize
from distill.predictors.onnx_predictor import OnnxPredictor
from tests.export.students import cosine, job_of, mild, pictures, torch_answers, uneven

SHOWN = pictures(32, seed=2)


def logits(model: onnx.ModelProto, path: Path) -> np.ndarray:
    """Of a file whose answers are embeddings, read before they are brought to unit length."""
    onnx.save(model, path)
    return OnnxPredictor(path)(SHOWN)


def test_channels_far_apart_survive_our_int8_and_not_another(tmp_path: Path) -> None:
    network = mild()
    expected = torch_answers(network, SHOWN)
    job = job_of(uneven(network), "unit")  # a cosine does not feel lengths
    np.testing.assert_allclose(torch_answers(job.network, SHOWN), expected, atol=1e-5)
    plain = to_onnx(job.deployed(job.folded))
    found = {}
    for name, per_channel in (("per tensor", False), ("per channel", True)):
        model = quantize(copy.deepcopy(plain), job.pictures, "minmax", per_channel)
        onnx.helper.set_model_props(model, job.metadata.to_props())
        found[name] = cosine(logits(model, tmp_path / "other.onnx"), expected)
    onnx_int8.write(job, tmp_path / "ours.onnx")
    found["ours"] = cosine(OnnxPredictor(tmp_path / "ours.onnx")(SHOWN), expected)
    assert found["ours"] >= 0.985
    assert found["per tensor"] < 0.9 and found["per channel"] < 0.985, found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "student-int8.onnx"
    onnx_int8.write(job_of(mild()), path)
    return path


def test_layers_are_int8_and_what_is_around_them_is_float(file: Path) -> None:
    model = onnx.load(file)
    made_by = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            assert {made_by[name].op_type for name in node.input if name in made_by} == {"DequantizeLinear"}
    weights = {one.name: one for one in model.graph.initializer}
    scales = {
        len(onnx.numpy_helper.to_array(weights[node.input[1]]).reshape(-1))
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in weights
    }
    assert {16, 32, 64, 128, 256} <= scales  # one for each output channel
    (sigmoid,) = (node for node in model.graph.node if node.op_type == "Sigmoid")
    assert made_by[sigmoid.input[0]].op_type == "Gemm"
    (first, *_) = (node for node in model.graph.node if node.op_type == "QuantizeLinear")
    assert made_by[first.input[0]].op_type in ("Mul", "Add", "Sub")  # the preprocessing


def test_it_is_a_quarter_of_the_weights_and_some_graph(file: Path) -> None:
    weights = sum(4 * parameter.numel() for parameter in mild().parameters())
    assert file.stat().st_size <= 0.27 * weights + 200_000


@pytest.mark.parametrize("calibration", ["percentile", "minmax"])
def test_each_calibration_keeps_a_mild_student(calibration: str, file: Path, tmp_path: Path) -> None:
    job = job_of(mild(), "unit")
    model = quantize(to_onnx(job.deployed(job.equalized)), job.pictures, calibration)  # type: ignore[arg-type]
    onnx.helper.set_model_props(model, job.metadata.to_props())
    assert cosine(logits(model, tmp_path / "student.onnx"), torch_answers(mild(), SHOWN)) > 0.985


def test_no_source_and_no_path_is_written_into_a_file(file: Path) -> None:
    assert b"/tests/" not in file.read_bytes() and b".py" not in file.read_bytes()
