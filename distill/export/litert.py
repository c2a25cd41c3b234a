"""LiteRT for phones: a script for an environment of its own, since the converter pins an older torch than the rest.

    python -m venv litert && litert/bin/pip install . litert-torch
    litert/bin/python -m distill.export.litert RUN

writes RUN/export/student.tflite, and beside it student.tflite.json with what the file says of itself: uint8 (1, h, w,
3) in, answers out, as in every other format. Back in the usual environment, with the extra `litert`,

    distill evaluate RECIPE --model RUN/export/student.tflite

scores it in its own runtime. It is no format of `distill export`, for the gate cannot run both environments.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from distill.errors import DistillError
from distill.export.format import Job
from distill.export.onnx import example
from distill.files.atomic import atomic_path
from distill.files.checksums import read_sums, sums_of, write_sums
from distill.files.run_directory import RunDirectory
from distill.predictors.litert_session import METADATA_SUFFIX
from students.files import load_student

FILE = "student.tflite"


def write(job: Job, path: Path) -> None:
    """Write the file and its metadata.

    Raises:
        DistillError: litert-torch is not installed, or the place cannot be written to.
    """
    try:
        import litert_torch
    except ImportError as error:
        raise DistillError(
            "litert-torch is not installed: use an environment of its own, with distill and litert-torch in it."
        ) from error
    pictures = example(job.preprocess, count=1)
    with atomic_path(path) as temporary:
        litert_torch.convert(job.deployed(job.folded), (pictures,)).export(str(temporary))
    with atomic_path(path.with_name(path.name + METADATA_SUFFIX)) as temporary:
        temporary.write_text(json.dumps(job.metadata.to_props(), ensure_ascii=False), encoding="utf-8")


def main() -> int:
    """Convert the student of a run."""
    parser = argparse.ArgumentParser(prog="python -m distill.export.litert", description="Convert a run's student.")
    parser.add_argument("run", type=Path, help="the directory of a run")
    run_directory = RunDirectory(parser.parse_args().run)
    path = run_directory.export / FILE
    try:
        network, manifest = load_student(run_directory.student)
        write(Job(network, manifest, np.zeros(0, np.uint8)), path)
        sums = sums_of(run_directory.export, (FILE, FILE + METADATA_SUFFIX))
        write_sums(run_directory.export, read_sums(run_directory.export) | sums)
    except DistillError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
