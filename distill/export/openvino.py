"""OpenVINO: .xml for the graph and the metadata, .bin beside it for the weights; float32, or int8 by NNCF."""

import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from torch import fx

from distill.export.format import Format, Job
from distill.export.onnx import finished, to_onnx
from distill.export.quiet import quiet
from distill.files.atomic import atomic_path
from distill.predictors.onnx_metadata import PREFIX, OnnxMetadata
from distill.predictors.openvino_predictor import OpenvinoPredictor

if TYPE_CHECKING:
    import openvino

_LAYERS = {"Convolution", "GroupConvolution", "MatMul"}
_ARITHMETIC = {"Add", "Multiply", "Subtract"}  # what of it would be rounded to eight bits


def write(job: Job, path: Path) -> None:
    save(path, _converted(job, job.folded), job.metadata)


def write_int8(job: Job, path: Path) -> None:
    import nncf

    model = _converted(job, job.for_int8)
    pictures = nncf.Dataset([job.pictures[place : place + 1] for place in range(len(job.pictures))])
    with quiet("nncf"), redirect_stdout(io.StringIO()):  # its progress bars
        # Mixed: activations have a zero point of their own, for a LeakyReLU leaves few values below zero.
        quantized = nncf.quantize(
            model,
            pictures,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(job.pictures),
            ignored_scope=nncf.IgnoredScope(names=_behind_layers(model)),
        )
    save(path, quantized, job.metadata)


def _behind_layers(model: "openvino.Model") -> list[str]:
    """The arithmetic of what is made of a network's tensors, such as boxes of anchors, which has to stay float: what no
    layer comes after, but for a layer's own bias."""
    behind: dict[str, bool] = {}  # by operation, whether a layer reads what comes of it
    names = []
    for operation in reversed(model.get_ordered_ops()):
        readers = [reader.get_node() for output in operation.outputs() for reader in output.get_target_inputs()]
        name, kind = operation.get_friendly_name(), operation.get_type_name()
        behind[name] = any(
            reader.get_type_name() in _LAYERS or behind[reader.get_friendly_name()] for reader in readers
        )
        fed = {source.get_node().get_type_name() for source in operation.input_values()}
        if kind in _ARITHMETIC and not behind[name] and not fed & _LAYERS:
            names.append(name)
    return names


def _converted(job: Job, network: fx.GraphModule) -> "openvino.Model":
    import openvino

    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "student.onnx"
        file.write_bytes(finished(to_onnx(job.deployed(network)), job).SerializeToString())
        return openvino.convert_model(file)  # read_model would leave the graph as it is, three times as large


def save(path: Path, model: "openvino.Model", metadata: OnnxMetadata) -> None:
    """Write both files, the one that names the other last.

    Raises:
        DistillError: the place cannot be written to.
    """
    import openvino

    for key, text in metadata.to_props().items():
        model.set_rt_info(text, ["distill", key.removeprefix(PREFIX)])
    with atomic_path(path) as xml, atomic_path(path.with_suffix(".bin")) as weights:
        made = xml.with_suffix(".xml")
        # Its default would store weights in half precision.
        openvino.save_model(model, made, compress_to_fp16=False)
        made.with_suffix(".bin").rename(weights)
        made.rename(xml)


_LIMITS = "any batch; for x86 and Arm CPUs; set INFERENCE_PRECISION_HINT to f32, or it may round to bfloat16"

FLOAT = Format(
    name="openvino",
    file="student.xml",
    beside=("student.bin",),
    write=write,
    load=OpenvinoPredictor,
    limits=f"float32, {_LIMITS}",
    suppresses=True,
    extra="openvino",
    modules=("openvino",),
)
INT8 = Format(
    name="openvino-int8",
    file="student-int8.xml",
    beside=("student-int8.bin",),
    write=write_int8,
    load=OpenvinoPredictor,
    limits=f"int8, {_LIMITS}",
    int8=True,
    suppresses=True,
    extra="openvino",
    modules=("openvino", "nncf"),
)
