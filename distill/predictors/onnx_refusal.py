"""Why onnxruntime does not load a file, in words: its own text is long, and says little to who only has the file."""

import re
from pathlib import Path

from distill.errors import DistillError, shortened

_REASONS = (
    (
        r"(?P<domain>[\w.\-]+):(?P<operator>\w+)\(-?\d+\) is not a registered",
        "its graph has the operator {operator} of {domain}, a custom one that onnxruntime does not know. Export it "
        "again from standard operators, or without the part that needs this one.",
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
    for pattern, words in _REASONS:
        if said := re.search(pattern, text):
            return DistillError(f"{path}: {words.format(runtime=onnxruntime.__version__, **said.groupdict())}")
    return DistillError(f"{path}: onnxruntime cannot load it ({shortened(text)}). Expected a whole ONNX file.")
