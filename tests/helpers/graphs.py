"""Small ONNX graphs, written by hand so that numpy can say what they answer."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from distill.predictors.onnx_metadata import OnnxMetadata
from distill.preprocess.preprocess import WHOLE, Crop
from distill.registries import ANSWERS

WEIGHT = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def linear_graph(
    path: Path,
    shape: tuple[int | str, ...] = ("N", 8, 6, 3),
    kind: int = TensorProto.UINT8,
    ends: str | None = "Sigmoid",
    properties: dict[str, str] | None = None,
    scale: float = 1 / 255,
) -> Path:
    """Write a graph: the mean of each channel, times `scale`, times `WEIGHT` (3, 4), through `ends`.

    The logits stand in the second output `logits` where `ends` is None and the first is called `first`.
    """
    axes = [1, 2] if shape[3] == 3 else [2, 3]
    nodes = [
        helper.make_node("Cast", ["pictures"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["means"], keepdims=0),
        helper.make_node("Mul", ["means", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "weight"], ["logits"]),
    ]
    outputs = ["logits", "scaled"] if ends is None else ["answers"]
    if ends is not None:
        nodes.append(helper.make_node(ends, ["logits"], ["answers"]))
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("pictures", kind, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(np.array(axes, np.int64), "axes"),
            numpy_helper.from_array(np.array(scale, np.float32), "scale"),
            numpy_helper.from_array(WEIGHT, "weight"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, properties or {})
    onnx.save(model, path)
    return path


def projection_graph(
    path: Path, gives: str, crop: Crop = WHOLE, outputs: int = 12, threshold: float | None = None
) -> Path:
    """Write an exported file of 14 x 10 pixels in which each counts: their bytes about the mean, times a random matrix.

    Its prepared pictures are 56 x 48 and its kernel is bicubic.

    Args:
        threshold: of each class, in its metadata; None for none.
    """
    height, width = 14, 10
    weight = np.random.default_rng(0).normal(size=(height * width * 3, outputs)).astype(np.float32) / 500
    ends = {
        "probabilities": helper.make_node("Sigmoid", ["logits"], ["answers"]),
        "softmax": helper.make_node("Softmax", ["logits"], ["answers"], axis=1),
        "embedding": helper.make_node("LpNormalization", ["logits"], ["answers"], axis=1),
    }
    nodes = [
        helper.make_node("Cast", ["pictures"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["float", "mean"], ["centred"]),
        helper.make_node("Flatten", ["centred"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
        ends[gives],
    ]
    graph = helper.make_graph(
        nodes,
        "projection",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ("N", height, width, 3))],
        [helper.make_tensor_value_info("answers", TensorProto.FLOAT, ("N", outputs))],
        [numpy_helper.from_array(np.array(128, np.float32), "mean"), numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    names = tuple(f"n{c:08}-Class_{c}" for c in range(outputs))
    thresholds = None if threshold is None else (threshold,) * outputs
    known = {"classes": names, "thresholds": thresholds}
    facts = {"dimensions": outputs, "far_thresholds": {"0.01": 0.6}} if gives == "embedding" else known
    metadata = OnnxMetadata(ANSWERS.get(gives)(**facts), height, width, "bicubic", 56, 48, crop=crop)
    helper.set_model_props(model, metadata.to_props())
    onnx.save(model, path)
    return path


def linear_logits(pictures: np.ndarray) -> np.ndarray:
    """What the graph computes at its default scale: (N, H, W, 3) to (N, 4)."""
    return pictures.astype(np.float64).mean(axis=(1, 2)) / 255 @ WEIGHT.astype(np.float64)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))
