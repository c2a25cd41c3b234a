"""ExecuTorch programs for phones, through XNNPACK; float32, or int8 by torchao's pt2e quantisation."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from distill.export.format import Format, Job
from distill.export.onnx import example
from distill.export.quiet import quiet
from distill.files.atomic import atomic_path
from distill.predictors.executorch_predictor import METADATA_METHOD, ExecutorchPredictor

_BATCH = 16  # pictures calibrated on at a time


def write(job: Job, path: Path) -> None:
    _lower(path, job.deployed(job.folded), job)


def write_int8(job: Job, path: Path) -> None:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    # Quantised is the network alone: the preprocessing and the activation stay as they are around it.
    deployed = job.deployed(job.for_int8)
    pixels = torch.zeros(2, 3, job.preprocess.height, job.preprocess.width)
    with quiet():
        any_batch = ({0: torch.export.Dim("batch")},)
        graph = torch.export.export(deployed.network, (pixels,), dynamic_shapes=any_batch).module()
        quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
        # The classifier's input is rounded as it comes, so that its output need not be: scores depend on it.
        quantizer.set_module_type(nn.Linear, get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True))
        prepared = prepare_pt2e(graph, quantizer)
        with torch.inference_mode():
            for pictures in torch.from_numpy(job.pictures).split(_BATCH):
                prepared(job.preprocess(pictures))
        deployed.network = convert_pt2e(prepared)
    _lower(path, deployed, job)


def _lower(path: Path, deployed: nn.Module, job: Job) -> None:
    """Write a module as a program for one picture.

    Raises:
        DistillError: the place cannot be written to.
    """
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    content = torch.frombuffer(bytearray(json.dumps(job.metadata.to_props()).encode()), dtype=torch.uint8)
    with quiet():
        exported = torch.export.export(deployed, (example(job.preprocess, count=1),))
        program: Any = to_edge_transform_and_lower(
            exported, partitioner=[XnnpackPartitioner()], constant_methods={METADATA_METHOD: content}
        ).to_executorch()
    with atomic_path(path) as temporary:
        temporary.write_bytes(program.buffer)


_LIMITS = "one picture at a time; the program runs in ExecuTorch with XNNPACK, of this version or later"

FLOAT = Format(
    name="executorch",
    file="student.pte",
    write=write,
    load=ExecutorchPredictor,
    limits=f"float32, {_LIMITS}",
    extra="executorch",
    modules=("executorch",),
)
INT8 = Format(
    name="executorch-int8",
    file="student-int8.pte",
    write=write_int8,
    load=ExecutorchPredictor,
    limits=f"int8, {_LIMITS}",
    int8=True,
    extra="executorch",
    modules=("executorch", "torchao"),
)
