"""Why onnxruntime does not load a file, in words: its own text is long, and says little to who only has the file."""

import re
from pathlib import Path

from distill.errors import DistillError, shortened
from distill.files.kind import ONNX, kind_of

_REASONS = (
    (
        r"(?P<domain>[\w.\-]+):(?P<operator>\w+)\(-?\d+\) is not a registered",
        "its graph has the operator {operator} of {domain}, a custom one that onnxruntime does not know. Export it "
        "again from standard operators, or without the part that needs this one.",
    ),
    (
        r"schema\(::(?P<operator>\w+_(TRT|Plugin)\w*):",
        "its graph has the operator {operator}, a plugin of TensorRT that onnxruntime does not have. Export it again "
        "without it, such as without the non-maximum suppression.",
    ),
    (
        r"No Op registered for (?P<operator>\w+) with domain_version of (?P<opset>\d+)",
        "its graph has the operator {operator}, which opset {opset} of ONNX does not have. Export it again from "
        "standard operators, or with a later opset.",
    ),
    (
        r"implementation for (?P<operator>\w+)\((?P<version>\d+)\)",
        "its graph has the operator {operator} (of opset {version}) for numbers that onnxruntime {runtime} cannot "
        "calculate it with. Export it again in float32, or install a later onnxruntime.",
    ),
    (
        r"Opset (?P<opset>\d+) is under development.* domain (?P<domain>\S+) is till opset (?P<newest>\d+)",
        "its graph is of opset {opset} of {domain}, and onnxruntime {runtime} reads up to {newest}. Export it again "
        "with opset {newest} or an earlier one, or install a later onnxruntime.",
    ),
    (
        r"Unsupported model IR version: (?P<version>\d+), max supported IR version: (?P<newest>\d+)",
        "it is written in version {version} of ONNX's format (ir_version), and onnxruntime {runtime} reads up to "
        "{newest}. Export it again with an earlier onnx, or install a later onnxruntime.",
    ),
)
"""What onnxruntime's text says, and what it is: patterns and messages."""


def refusal(path: Path, error: Exception) -> DistillError:
    """The error of a file that onnxruntime cannot load."""
    import onnxruntime

    text = " ".join(str(error).split())
    kind = kind_of(path)
    if kind not in (None, ONNX):
        return DistillError(f"{path}: is no ONNX file ({kind}). Expected one, as `torch.onnx.export` writes.")
    if missing := [file.name for file in weight_files(path) if not file.is_file()]:
        return DistillError(
            f"{path}: its weights lie in files of their own, and {shortened(', '.join(missing))} is not in "
            f"{path.parent}. Put it beside this one, called as it was."
        )
    for pattern, words in _REASONS:
        if said := re.search(pattern, text):
            return DistillError(f"{path}: {words.format(runtime=onnxruntime.__version__, **said.groupdict())}")
    return DistillError(f"{path}: onnxruntime cannot load it ({shortened(text)}). Expected a whole ONNX file.")


def weight_files(path: Path) -> list[Path]:
    """The files that a graph's weights lie in beside its own; none where the graph cannot be read."""
    import onnx
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception:  # protobuf's and onnx's errors share no base class
        return []
    beside = {ExternalDataInfo(one).location for one in graph.initializer if uses_external_data(one)}
    return [path.parent / name for name in sorted(beside)]
