"""Every format a student is exported in, by its name."""

from collections.abc import Sequence

from distill.answers.kind import Kind
from distill.errors import DistillError, few
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


def formats_of(names: Sequence[str], kind: type[Kind], once: bool = False) -> list[Format]:
    """The formats of these names, each installed and able to carry a kind of answers.

    Args:
        once: whether each thing is to be given once (`export.nms`).

    Raises:
        DistillError: a name is unknown or given twice, a format cannot carry the kind or suppress what is found twice,
            or what it needs is not installed.
    """
    if unknown := [name for name in names if name not in FORMATS]:
        raise DistillError(f"export.formats: unknown format {few(unknown)}. Valid: {', '.join(FORMATS)}.")
    if not names or len(set(names)) != len(names):
        raise DistillError(f"export.formats is {list(names)}, expected some of {', '.join(FORMATS)}, each once.")
    formats = [FORMATS[name] for name in names]
    if once and kind.once is None:
        raise DistillError(
            f"export.nms: answers of the kind {kind.name} ({kind.words}) are of nothing that is found twice. Leave it "
            "out."
        )
    if once and (lacking := [entry.name for entry in formats if not entry.suppresses]):
        able = ", ".join(entry.name for entry in FORMATS.values() if entry.suppresses)
        raise DistillError(
            f"export.nms: {', '.join(lacking)} has no non-maximum suppression inside; {able} have. Leave out one of "
            "the two: without it, the model card's code and distill predict suppress what a file gives."
        )
    for entry in formats:
        entry.check_kind(kind)
        entry.check_installed()
    return formats
