"""A .tflite file answers in LiteRT as numpy does and says what its metadata says; what is broken is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.answers import Probabilities
from distill.errors import DistillError
from distill.predictors.litert_predictor import METADATA_SUFFIX, LitertPredictor
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.open import open_predictor
from distill.preprocess.preprocess import Preprocess
from tests.helpers.graphs import WEIGHT

pytest.importorskip("ai_edge_litert")

HEIGHT, WIDTH = 8, 6
CLASSES = ("a", "b", "c", "d")
PICTURES = np.random.default_rng(0).integers(0, 256, (5, HEIGHT, WIDTH, 3), dtype=np.uint8)


def write(path: Path, metadata: bool = True) -> Path:
    """Write a file: the mean of each channel over 255, times `WEIGHT` (3, 4), through a sigmoid."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs = 3, [graph]
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    graph.tensors, graph.operators = [], []

    def tensor(name: str, shape: tuple[int, ...], kind: int, values: np.ndarray | None = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type = name, list(shape), kind
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(kind: int, inputs: list[int], output: int, options: Any = None, options_kind: int = 0) -> None:
        code, made = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = 1
        made.opcodeIndex, made.inputs, made.outputs = len(model.operatorCodes), inputs, [output]
        made.builtinOptions, made.builtinOptionsType = options, options_kind
        model.operatorCodes.append(code)
        graph.operators.append(made)

    kinds, operators = schema.TensorType, schema.BuiltinOperator
    pictures = tensor("pictures", (1, HEIGHT, WIDTH, 3), kinds.UINT8)
    floats = tensor("floats", (1, HEIGHT, WIDTH, 3), kinds.FLOAT32)
    axes = tensor("axes", (2,), kinds.INT32, np.array([1, 2], np.int32))
    means = tensor("means", (1, 3), kinds.FLOAT32)
    weight = tensor("weight", (4, 3), kinds.FLOAT32, np.ascontiguousarray(WEIGHT.T / np.float32(255)))
    logits = tensor("logits", (1, 4), kinds.FLOAT32)
    answers = tensor("answers", (1, 4), kinds.FLOAT32)
    operator(operators.CAST, [pictures], floats)
    operator(operators.MEAN, [floats, axes], means, schema.ReducerOptionsT(), schema.BuiltinOptions.ReducerOptions)
    options = schema.FullyConnectedOptionsT()
    operator(
        operators.FULLY_CONNECTED, [means, weight, -1], logits, options, schema.BuiltinOptions.FullyConnectedOptions
    )
    operator(operators.LOGISTIC, [logits], answers)
    graph.inputs, graph.outputs = [pictures], [answers]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    if metadata:
        said = OnnxMetadata.of(Probabilities(CLASSES, None), Preprocess.imagenet(HEIGHT, WIDTH), (HEIGHT, WIDTH))
        path.with_name(path.name + METADATA_SUFFIX).write_text(json.dumps(said.to_props()), encoding="utf-8")
    return path


def test_it_answers_as_numpy_does_and_says_what_stands_beside_it(tmp_path: Path) -> None:
    predictor = open_predictor(write(tmp_path / "student.tflite"))
    assert isinstance(predictor, LitertPredictor) and predictor.kind == Probabilities(CLASSES, None)
    logits = PICTURES.mean(axis=(1, 2)) / 255 @ WEIGHT
    answers = predictor(PICTURES)["probabilities"]
    np.testing.assert_allclose(answers, 1 / (1 + np.exp(-logits)), atol=1e-5)
    larger = PICTURES.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(predictor(larger)["probabilities"], answers, atol=0.01)  # resized outside of the file


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "student.tflite")
    with pytest.raises(DistillError, match=r"student\.tflite: cannot run on an input of shape \(1, 4, 6, 3\)"):
        LitertPredictor(file).run(PICTURES[:, :4])
    file.write_bytes(b"x" * 100)
    with pytest.raises(DistillError, match=r"student\.tflite: .*LiteRT"):
        LitertPredictor(file)


def test_a_file_without_its_metadata_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"other\.tflite"):
        LitertPredictor(write(tmp_path / "other.tflite", metadata=False))
    (tmp_path / f"other.tflite{METADATA_SUFFIX}").write_text("{}")
    with pytest.raises(DistillError, match=r"other\.tflite"):
        LitertPredictor(tmp_path / "other.tflite")
