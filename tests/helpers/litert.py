"""A small .tflite file, written by hand so that numpy can say what it answers."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.helpers.graphs import WEIGHT

HEIGHT, WIDTH = 8, 6


def litert_graph(path: Path, quantized: tuple[float, int] | None = None) -> Path:
    """Write a file: the mean of each channel over 255, times `WEIGHT` (3, 4), through a sigmoid.

    Args:
        quantized: the scale and zero point of an int8 input; None for uint8 pictures.
    """
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
    pictures = tensor("pictures", (1, HEIGHT, WIDTH, 3), kinds.INT8 if quantized else kinds.UINT8)
    floats = tensor("floats", (1, HEIGHT, WIDTH, 3), kinds.FLOAT32)
    axes = tensor("axes", (2,), kinds.INT32, np.array([1, 2], np.int32))
    means = tensor("means", (1, 3), kinds.FLOAT32)
    weight = tensor("weight", (4, 3), kinds.FLOAT32, np.ascontiguousarray(WEIGHT.T / np.float32(255)))
    logits = tensor("logits", (1, 4), kinds.FLOAT32)
    answers = tensor("answers", (1, 4), kinds.FLOAT32)
    if quantized:
        levels = schema.QuantizationParametersT()
        levels.scale, levels.zeroPoint = [quantized[0]], [quantized[1]]
        graph.tensors[pictures].quantization = levels
        operator(operators.DEQUANTIZE, [pictures], floats)
    else:
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
    return path
