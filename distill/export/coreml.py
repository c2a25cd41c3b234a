"""Core ML packages for Apple's devices: converted, not run, for Core ML runs nowhere else."""

import io
from contextlib import redirect_stderr
from pathlib import Path

import torch

from distill.export.format import Format, Job
from distill.export.onnx import example
from distill.export.quiet import quiet
from distill.files.atomic import atomic_path


def write(job: Job, path: Path) -> None:
    """Write the package: float (1, h, w, 3) of 0..255 in, for Core ML has no uint8 tensors; else as the others.

    Raises:
        DistillError: the place cannot be written to.
    """
    import coremltools

    with quiet("coremltools"), redirect_stderr(io.StringIO()):  # its progress bars
        pictures = example(job.preprocess, count=1).float()
        exported = torch.export.export(job.deployed(job.folded), (pictures,)).run_decompositions({})
        model = coremltools.convert(
            exported,
            minimum_deployment_target=coremltools.target.iOS16,
            compute_precision=coremltools.precision.FLOAT32,
        )
    model.user_defined_metadata.update(job.metadata.to_props())
    with atomic_path(path) as temporary:
        made = temporary.with_suffix(".mlpackage")
        model.save(str(made))
        made.rename(temporary)


FORMAT = Format(
    name="coreml",
    file="student.mlpackage",
    write=write,
    load=None,
    limits="float32, one picture at a time, as float numbers of 0..255; converted, not run: its score was not measured",
    extra="coreml",
    modules=("coremltools",),
)
