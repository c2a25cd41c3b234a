"""int8 in onnxruntime: what it may cost, and that channels far apart cost no more."""

import copy
import functools
import platform
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from distill.answers import Embedding
from distill.export.format import Calibration, Job
from distill.export.int8 import onnx_int8
from distill.export.int8.onnx_int8 import find_ranges, quantize
from distill.export.int8.ranges import Histogram, least_error_range, percentile_range
from distill.export.onnx import save, to_onnx
from distill.predictors.onnx_predictor import OnnxPredictor
from students.student import build_student
from students.timm_student import TimmStudent
from tests.helpers.students import NAMES, SIZE, cosine, job_of, mild, pictures, torch_answers, uneven

SHOWN = pictures(32, seed=2)
EMBEDDING = Embedding(len(NAMES))


@functools.cache
def uneven_job() -> Job:
    """Of embeddings, for a cosine does not feel their length."""
    return job_of(uneven(mild()), EMBEDDING)


@functools.cache
def graph(equalized: bool) -> onnx.ModelProto:
    job = uneven_job()
    return to_onnx(job.deployed(job.for_int8 if equalized else job.folded))


def survival(path: Path, equalized: bool, calibration: Calibration, per_channel: bool = True) -> float:
    """The cosine of what is left after quantisation with torch's answers."""
    job = uneven_job()
    model = quantize(copy.deepcopy(graph(equalized)), job.pictures, calibration, per_channel)
    save(path, model, job.metadata)
    return cosine(OnnxPredictor(path)(SHOWN)["embeddings"], torch_answers(mild(), SHOWN))


def test_channels_far_apart_survive_our_int8_and_not_another(tmp_path: Path) -> None:
    path = tmp_path / "student.onnx"
    np.testing.assert_allclose(torch_answers(uneven_job().network, SHOWN), torch_answers(mild(), SHOWN), atol=1e-5)
    assert survival(path, False, "minmax", per_channel=False) < 0.9
    assert survival(path, False, "minmax") < 0.985
    for calibration in get_args(Calibration):
        assert survival(path, True, calibration) >= 0.985


def exact_int8() -> bool:
    """Whether the processor adds int8 products without saturating: ARM's do, x86's with VNNI."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "vnni" in cpuinfo.read_text()


@pytest.mark.parametrize("name", ["mobilenetv2_035", "mobilenetv3_small_050", "mobilenetv4_conv_small_035"])
def test_every_family_of_students_is_written(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_student(TimmStudent(name, resolution=SIZE), len(NAMES)).eval()
    onnx_int8.write(job_of(network, EMBEDDING), tmp_path / "student.onnx")
    found, expected = OnnxPredictor(tmp_path / "student.onnx")(SHOWN)["embeddings"], torch_answers(network, SHOWN)
    of_this, of_others = cosine(found, expected), cosine(found, expected[::-1])
    if exact_int8():
        assert of_this >= 0.985 > of_others  # the bound above
    else:  # what the format's limits say of such processors
        assert of_this > max(0.9, of_others)


def logit_error(model: onnx.ModelProto) -> float:
    """Of a quantised LeakyReLU student, as a share of how far logits lie from their mean over the pictures.

    Unoptimised, onnxruntime multiplies the rounded numbers as floats: the same on every processor.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    p = session.run(None, {session.get_inputs()[0].name: SHOWN})[0].astype(np.float64)
    found, expected = np.log(p / (1 - p)), torch_answers(mild("leaky_relu"), SHOWN)
    found, expected = found - found.mean(axis=0), expected - expected.mean(axis=0)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def test_what_a_leaky_relu_lets_through_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_of(mild("leaky_relu"))
    model = to_onnx(job.deployed(job.for_int8))
    assert logit_error(quantize(copy.deepcopy(model), job.pictures, "least_error")) < 0.18
    # As if nothing negative got through, which takes away most of the range below zero.
    slopes = onnx_int8._slopes(model)
    assert list(slopes.values()) == pytest.approx([0.1] * 27)
    monkeypatch.setattr(onnx_int8, "_slopes", lambda _: dict.fromkeys(slopes, 0.0))
    assert logit_error(quantize(copy.deepcopy(model), job.pictures, "least_error")) > 0.18


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


def test_no_source_and_no_path_is_written_into_a_file(file: Path) -> None:
    assert b"/tests/" not in file.read_bytes() and b".py" not in file.read_bytes()


def shifted(by: float, alpha: float | None = 0.1, readers: int = 1) -> onnx.ModelProto:
    """uint8 pictures plus a number, `x`, through a LeakyReLU to `y`; `x` may be read by others too."""
    leaky = {} if alpha is None else {"alpha": alpha}
    nodes = [
        onnx.helper.make_node("Cast", ["pictures"], ["float"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Add", ["float", "by"], ["x"]),
        onnx.helper.make_node("LeakyRelu", ["x"], ["y"], **leaky),
        *(onnx.helper.make_node("Neg", ["x"], [f"z{n}"]) for n in range(readers - 1)),
    ]
    taken = onnx.helper.make_tensor_value_info("pictures", onnx.TensorProto.UINT8, ["N", 2, 2, 3])
    given = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 2, 2, 3])
    constant = onnx.numpy_helper.from_array(np.array(by, np.float32), "by")
    graph = onnx.helper.make_graph(nodes, "shifted", [taken], [given], [constant])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)


NOISE = np.random.default_rng(0).normal(130, 6, (4000, 2, 2, 3)).astype(np.uint8)
NOISE[3998, 0, 0] = (0, 255, 90)  # far from all others, and not in the first of the batches


@pytest.mark.parametrize("by", [-100.0, 50.0, -300.0])
def test_ranges_are_over_all_pictures_with_zero_inside(by: float) -> None:
    values = NOISE.astype(np.float64) + by
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    model, counts = shifted(by), np.histogram(values, 2048, (low, high))[0].astype(np.float64)
    whole = Histogram(counts, low, high)
    assert find_ranges(model, ["x"], NOISE, "minmax") == {"x": (low, high)}
    assert find_ranges(model, ["x"], NOISE[::-1].copy(), "minmax") == {"x": (low, high)}
    assert least_error_range(whole, 0.1) != (low, high) or by == -100  # where cutting off would cost more
    assert find_ranges(model, ["x"], NOISE, "percentile")["x"] == pytest.approx(percentile_range(whole))
    assert find_ranges(model, ["x"], NOISE, "least_error")["x"] == pytest.approx(least_error_range(whole, 0.1))
    straight = find_ranges(shifted(by, readers=2), ["x"], NOISE, "least_error")["x"]
    assert straight == pytest.approx(least_error_range(whole))


def test_a_slope_is_known_of_what_a_leaky_relu_alone_reads() -> None:
    assert onnx_int8._slopes(shifted(0.0, alpha=0.25)) == {"x": 0.25}
    assert onnx_int8._slopes(shifted(0.0, alpha=None)) == {"x": pytest.approx(0.01)}  # the standard's default
    assert onnx_int8._slopes(shifted(0.0, readers=2)) == {}


def test_preprocessing_and_activation_are_not_quantised() -> None:
    order = ["Cast", "Sub", "Mul", "Conv", "Mul", "Relu", "Flatten", "Gemm", "Sigmoid", "Mul"]
    nodes = [onnx.helper.make_node(kind, [f"v{n}"], [f"v{n + 1}"]) for n, kind in enumerate(order)]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "order", [], []))
    assert [node.output[0] for node in onnx_int8._between(model)] == ["v4", "v5", "v6", "v8"]
