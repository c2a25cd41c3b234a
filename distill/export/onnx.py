"""ONNX with the preprocessing inside: uint8 (N, h, w, 3) at the network's resolution in, the answers of a kind out.

The one step outside the graph is the resize to h x w. Its kernel is named in the metadata, and every predictor applies
it through `Preprocess.resize`. Training used the same kernel, on the box of a view and without rounding.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from distill.answers.kind import Kind
from distill.export.deployed import Deployed
from distill.export.format import Format, Job
from distill.export.quiet import quiet
from distill.export.suppression import with_suppression
from distill.files.atomic import atomic_path
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.preprocess.preprocess import Fit, Preprocess

if TYPE_CHECKING:
    import onnx


def export_onnx(
    path: Path, network: nn.Module, preprocess: Preprocess, kind: Kind, picture: tuple[int, int], fit: Fit = "crop"
) -> None:
    """Write a network of normalised float (N, 3, h, w) to the raw tensors of a kind as one self-contained file of
    dynamic batch.

    Args:
        kind: of its answers; what the file says of them.
        picture: (height, width) of the prepared pictures the network was made for, for the metadata.
        fit: how a picture of another shape became one of these, for the metadata.

    Raises:
        DistillError: the place cannot be written to.
    """
    metadata = replace(OnnxMetadata.of(kind, preprocess, picture), fit=fit)
    save(path, to_onnx(Deployed(network, preprocess, kind)), metadata)


def write(job: Job, path: Path) -> None:
    save(path, finished(to_onnx(job.deployed(job.folded)), job), job.metadata)


def finished(model: "onnx.ModelProto", job: Job) -> "onnx.ModelProto":
    """With what a job asks for behind the network."""
    return with_suppression(model, job.manifest.answers.tensors) if job.once else model


def example(preprocess: Preprocess, count: int = 2) -> torch.Tensor:
    """Pictures to trace with: uint8 (count, h, w, 3). One alone would be taken for a constant."""
    return torch.zeros(count, preprocess.height, preprocess.width, 3, dtype=torch.uint8)


def to_onnx(deployed: Deployed) -> "onnx.ModelProto":
    """The graph of dynamic batch, without metadata."""
    with quiet("torch.onnx"):
        program = torch.onnx.export(
            deployed,
            (example(deployed.preprocess),),
            dynamo=True,
            dynamic_shapes={"pictures": {0: torch.export.Dim("batch")}},
            input_names=["pictures"],
            output_names=list(deployed.kind.tensors),
            external_data=False,
            verbose=False,
        )
    assert program is not None  # what dynamo=True returns
    model = program.model_proto
    # A tenth of the file, and the paths of this machine: where in which source each node comes from.
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del model.graph.value_info[:]
    return model


def save(path: Path, model: "onnx.ModelProto", metadata: OnnxMetadata) -> None:
    """Write a graph with its metadata.

    Raises:
        DistillError: the place cannot be written to.
    """
    import onnx

    onnx.helper.set_model_props(model, metadata.to_props())
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


FORMAT = Format(
    name="onnx",
    file="student.onnx",
    write=write,
    load=OnnxPredictor,
    limits="float32, any batch, opset 20; runs in onnxruntime on servers, phones and in browsers",
    suppresses=True,
)
