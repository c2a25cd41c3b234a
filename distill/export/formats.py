"""Every format a student is exported in, by its name."""

from collections.abc import Sequence

from distill.errors import DistillError
from distill.export import coreml, executorch, onnx, openvino
from distill.export.format import Format
from distill.export.int8 import onnx_int8
from distill.export.web import web

FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        onnx.FORMAT,
        onnx_int8.FORMAT,
        openvino.FLOAT,
        openvino.INT8,
        executorch.FLOAT,
        executorch.INT8,
        coreml.FORMAT,
        web.FORMAT,
    )
}


def chosen(names: Sequence[str]) -> list[Format]:
    """The formats of these names, each installed.

    Raises:
        DistillError: a name is unknown or given twice, or what a format needs is not installed.
    """
    if unknown := [name for name in names if name not in FORMATS]:
        raise DistillError(f"export.formats: unknown format {', '.join(unknown)}. Valid: {', '.join(FORMATS)}.")
    if not names or len(set(names)) != len(names):
        raise DistillError(f"export.formats is {list(names)}, expected some of {', '.join(FORMATS)}, each once.")
    formats = [FORMATS[name] for name in names]
    for entry in formats:
        entry.check_installed()
    return formats
