"""ONNX in int8: the convolutions and the classifier, by onnxruntime's static quantisation (QDQ).

Weights are int8 with a scale for each output channel, activations uint8 with one scale for each tensor. What is before
the first convolution (the preprocessing) and after the last layer (sigmoid, softmax, unit length) stays float32: the
inputs are 256 levels already, and scores depend on the last digits of the outputs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from distill.export.format import Calibration, Format, Job
from distill.export.int8.ranges import Histogram, Range, least_error_range, percentile_range
from distill.export.onnx import finished, save, to_onnx
from distill.export.quiet import quiet
from distill.predictors.onnx_predictor import OnnxPredictor

if TYPE_CHECKING:
    import onnx

_LAYERS = ("Conv", "Gemm", "MatMul")
_QUANTIZED = (*_LAYERS, "Relu", "LeakyRelu", "Clip", "Add", "Mul")
_BATCH = 4  # pictures whose activations are held at a time, all of them
_BINS = 2048


def write(job: Job, path: Path) -> None:
    model = to_onnx(job.deployed(job.for_int8))
    save(path, finished(quantize(model, job.pictures, job.calibration), job), job.metadata)


def quantize(
    model: "onnx.ModelProto", pictures: np.ndarray, calibration: Calibration, per_channel: bool = True
) -> "onnx.ModelProto":
    """The graph with its layers in int8.

    Args:
        pictures: uint8 (N, h, w, 3), to measure the ranges of activations on.
        per_channel: whether each output channel's weights have a scale of their own.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    nodes = _between(model)
    tensors = dict.fromkeys(name for node in nodes for name in (node.input[0], *node.input[1:], *node.output))
    weights = {weight.name for weight in model.graph.initializer}
    measured = find_ranges(model, [name for name in tensors if name not in weights], pictures, calibration)
    ranges = {name: (np.float32(low), np.float32(high)) for name, (low, high) in measured.items()}
    quantizer = QDQQuantizer(
        _with_shapes(model),
        per_channel,
        False,  # of seven bits, for processors that saturate
        QuantType.QInt8,
        QuantType.QUInt8,
        TensorsData(CalibrationMethod.MinMax, ranges),
        [node.name for node in nodes],
        [],
        list(_QUANTIZED),
        {"OpTypesToExcludeOutputQuantization": ["Gemm"]},
    )
    with quiet():
        quantizer.quantize_model()
    return quantizer.model.model


def _between(model: "onnx.ModelProto") -> list[Any]:
    """The nodes to quantise, from the first layer to the last."""
    nodes = list(model.graph.node)
    layers = [place for place, node in enumerate(nodes) if node.op_type in _LAYERS]
    return [node for node in nodes[layers[0] : layers[-1] + 1] if node.op_type in _QUANTIZED]


def _with_shapes(model: "onnx.ModelProto") -> "onnx.ModelProto":
    import onnx

    return onnx.shape_inference.infer_shapes(model)


def find_ranges(
    model: "onnx.ModelProto", tensors: list[str], pictures: np.ndarray, calibration: Calibration
) -> dict[str, Range]:
    """The range of each tensor over the pictures, zero always inside.

    Args:
        tensors: names in the graph.
        pictures: uint8 (N, h, w, 3).
    """
    session = _session(model, tensors)
    extremes: dict[str, Range] = dict.fromkeys(tensors, (0.0, 0.0))
    for name, values in _outputs(session, tensors, pictures):
        low, high = extremes[name]
        extremes[name] = (min(low, float(values.min())), max(high, float(values.max())))
    if calibration == "minmax":
        return extremes
    counts = {name: np.zeros(_BINS) for name in tensors}
    for name, values in _outputs(session, tensors, pictures):
        low, high = extremes[name]
        if high > low:
            counts[name] += torch.histc(torch.from_numpy(values), _BINS, low, high).numpy()
    slopes = _slopes(model)
    ranges = {}
    for name, (low, high) in extremes.items():
        histogram = Histogram(counts[name], low, high)
        if high <= low:
            ranges[name] = (low, high)
        elif calibration == "percentile":
            ranges[name] = percentile_range(histogram)
        else:
            ranges[name] = least_error_range(histogram, slopes.get(name, 1.0))
    return ranges


def _slopes(model: "onnx.ModelProto") -> dict[str, float]:
    """Of tensors that go through a LeakyReLU alone: its slope below zero.

    A ReLU's need none: the quantiser takes the range of what it gives.
    """
    import onnx

    slopes = {}
    for node in model.graph.node:
        readers = sum(node.input[0] in other.input for other in model.graph.node)
        if node.op_type == "LeakyRelu" and readers == 1:
            values = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
            slopes[node.input[0]] = float(values.get("alpha", 0.01))
    return slopes


def _session(model: "onnx.ModelProto", tensors: list[str]) -> Any:
    """The graph with all these tensors as its outputs."""
    import onnx
    import onnxruntime as ort

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in tensors
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _outputs(session: Any, tensors: list[str], pictures: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    (taken,) = session.get_inputs()
    for start in range(0, len(pictures), _BATCH):
        yield from zip(tensors, session.run(tensors, {taken.name: pictures[start : start + _BATCH]}), strict=True)


FORMAT = Format(
    name="onnx-int8",
    file="student-int8.onnx",
    write=write,
    load=OnnxPredictor,
    limits="weights and activations int8, any batch; needs a processor with VNNI, or ARM, to be fast and exact",
    int8=True,
    suppresses=True,
)
