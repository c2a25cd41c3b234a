"""What a teacher's file says of itself, before anything is asked of it: ONNX, LiteRT, OpenVINO, or weights alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from torch import Tensor

from distill.cost import count_onnx
from distill.errors import DistillError
from distill.files.checkpoint import held_weights
from distill.files.kind import ONNX, kind_of
from distill.files.text import as_text
from distill.formatting import magnitude
from teachers.graph_teacher import SESSIONS

Shape = tuple[int | str, ...]
"""Sizes of axes; a name, or `?`, where an axis is dynamic."""
NETWORKS = (
    "--teacher.name timm --teacher.model NAME, or --teacher.name mobilefacenet, inception_resnet_v1, iresnet18, "
    "iresnet50 or iresnet100"
)
"""How the network is named that weights are of."""

_SHOWN = 6  # operators, by how many of them there are
_WORDS = {"litert": "LiteRT", "openvino": "OpenVINO"}
_TEXT = 80  # characters of a metadata entry


@dataclass(frozen=True)
class Port:
    """An input or an output of a graph.

    Attributes:
        dtype: of its elements, as numpy calls it.
        shape: None where the file does not say.
    """

    name: str
    dtype: str
    shape: Shape | None

    @property
    def axes(self) -> str:
        """Its shape in words."""
        return "shape not told" if self.shape is None else f"({', '.join(map(str, self.shape))})"

    def __str__(self) -> str:
        return f"{_short(self.name)} {self.dtype} {_short(self.axes)}"


@dataclass(frozen=True)
class Facts:
    """What a file says.

    Attributes:
        runtime: what runs it, as a recipe's `teacher.name` has it; None of weights, which do not say of what network.
        format: in words.
        operators: how often each stands in the graph, most frequent first; those of another domain with its name.
        cost: parameters and mult-adds in words, or why they are unknown.
        metadata: texts by key.
    """

    file: Path
    runtime: str | None
    format: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    operators: tuple[tuple[str, int], ...]
    cost: str
    metadata: dict[str, str]

    @property
    def keys(self) -> dict[str, str]:
        """How a recipe's `teacher` section names the file; of weights, without the network that they are of."""
        return {"name": self.runtime, "file": str(self.file)} if self.runtime else {"weights": str(self.file)}

    def lines(self) -> list[str]:
        """For a terminal."""
        more = f" and {len(self.operators) - _SHOWN} more" if len(self.operators) > _SHOWN else ""
        operators = ", ".join(f"{_short(name)} {count}" for name, count in self.operators[:_SHOWN])
        entries = [f"  metadata   {_short(key)}: {_short(text)}" for key, text in self.metadata.items()]
        return [
            f"{self.file}: {self.format}, {self.cost}",
            *(f"  input      {port}" for port in self.inputs),
            *(f"  output     {port}" for port in self.outputs),
            *([f"  operators  {operators}{more}"] if operators else []),
            *(entries or (["  metadata   none"] if self.runtime else [])),
        ]

    def to_dict(self) -> dict[str, Any]:
        ports = {"inputs": self.inputs, "outputs": self.outputs}
        return {
            "file": str(self.file),
            "runtime": self.runtime,
            "format": self.format,
            **{side: [str(port) for port in some] for side, some in ports.items()},
            "operators": dict(self.operators),
            "cost": self.cost,
            "metadata": self.metadata,
        }


def read_facts(file: Path) -> Facts:
    """Read a file: of ONNX the graph without its weights; others are opened in their runtimes, which say less.

    Raises:
        DistillError: there is no such file, it is none of these formats, or its runtime is not installed.
    """
    runtime = _runtime(file)
    if runtime is None:
        return Facts(file, None, _weights(file), (), (), (), "of which network they do not say", {})
    if runtime == "onnx":
        return _read_onnx(file)
    session = SESSIONS[runtime](file, None)
    shape = tuple("?" if size is None else size for size in session.shape)
    return Facts(
        file,
        runtime,
        _WORDS[runtime],
        (Port("input", session.dtype.name, shape),),
        tuple(Port(name, "float32", None) for name in session.outputs),
        (),
        "cost not counted, which is done of ONNX alone",
        session.properties,
    )


def named_teacher(arguments: Sequence[str]) -> str | None:
    """The teacher that a command line names; None where it names none."""
    for flag, value in pairwise([*arguments, ""]):
        key, given, text = flag.partition("=")
        if key in ("--teacher", "--teacher.name"):
            return text if given else value
    return None


def _weights(file: Path) -> str:
    """The sets of weights in a file, in words."""
    sets = []
    for entry, tensors in held_weights(file).items():
        count = sum(one.numel() for one in tensors.values() if isinstance(one, Tensor))
        sets.append(f"{f'under {entry} ' if entry else ''}{len(tensors)} tensors, {magnitude(count)} numbers")
    return f"weights, {'; '.join(sets)}"


def _runtime(file: Path) -> str | None:
    """By the first bytes; a name may have any suffix. None of weights: safetensors, or torch's archive or pickle.

    Raises:
        DistillError: there is no such file.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(64)
    except OSError as error:
        raise DistillError(
            f"{file}: {'no such file' if not file.exists() else f'cannot be read ({error})'}."
        ) from error
    if head.startswith((b"PK\x03\x04", b"\x80\x02")) or head[8:9] == b"{":
        return None
    if head[4:8] == b"TFL3":
        return "litert"
    return "openvino" if head.lstrip().startswith((b"<?xml", b"<net")) else "onnx"


def _no_file(file: Path) -> DistillError:
    kind = kind_of(file)
    known = "" if kind in (None, ONNX) else f" ({kind})"
    return DistillError(
        f"{file}: is no whole ONNX, .tflite or OpenVINO file, nor one of weights{known}. Expected one of these."
    )


def _read_onnx(file: Path) -> Facts:
    try:
        model = onnx.load(file, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise _no_file(file) from error
    graph = model.graph
    if not graph.node:
        raise _no_file(file)
    stored = {tensor.name for tensor in graph.initializer}
    counts = Counter(f"{node.domain}.{node.op_type}".lstrip(".") for node in graph.node)
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)
    return Facts(
        file,
        "onnx",
        f"ONNX, opset {opset}",
        tuple(_port(value) for value in graph.input if value.name not in stored),
        tuple(_port(value) for value in graph.output),
        tuple(counts.most_common()),
        _cost(file),
        {as_text(entry.key): as_text(entry.value) for entry in model.metadata_props},
    )


def _port(value: onnx.ValueInfoProto) -> Port:
    tensor = value.type.tensor_type
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name if tensor.elem_type else "no tensor"
    except KeyError:
        dtype = f"element type {tensor.elem_type}"
    if not tensor.HasField("shape"):
        return Port(as_text(value.name), dtype, None)
    axes = [axis.dim_value if axis.HasField("dim_value") else axis.dim_param or "?" for axis in tensor.shape.dim]
    return Port(as_text(value.name), dtype, tuple(axes))


def _cost(file: Path) -> str:
    try:
        cost = count_onnx(file)
    except DistillError as error:
        return f"cost not counted ({_short(str(error).removeprefix(f'{file}: '))})"
    return f"{magnitude(cost.parameters)} parameters, {magnitude(cost.mult_adds)} mult-adds a picture"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT else f"{line[:_TEXT]}..."
