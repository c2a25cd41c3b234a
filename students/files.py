"""A student on disk: `student.safetensors` and, beside it, `config.json`."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from distill.errors import DistillError
from distill.files.atomic import checksum
from distill.files.checkpoint import read_weights
from distill.files.checksums import check_sum, sums_of, write_sums
from distill.files.weights import load_weights, write_weights
from students.manifest import StudentManifest, read_manifest, write_manifest
from students.student import WEIGHTS_FILE, build_student

CONFIG_FILE = "config.json"


def save_student(directory: Path, module: nn.Module, manifest: StudentManifest) -> StudentManifest:
    """Write the student's weights, its manifest with their checksum, and a list of both's; returns the manifest."""
    write_weights(directory / WEIGHTS_FILE, module)
    manifest = replace(manifest, checksum=checksum(directory / WEIGHTS_FILE))
    write_manifest(directory / CONFIG_FILE, manifest)
    write_sums(directory, sums_of(directory, (WEIGHTS_FILE, CONFIG_FILE)))
    return manifest


def load_student(path: Path) -> tuple[nn.Module, StudentManifest]:
    """The student in eval mode, and its manifest.

    Args:
        path: the student's directory, or either of its two files.

    Raises:
        DistillError: a file is missing, does not fit the other, or was changed since it was written; or `path` is
            another file.
    """
    if path.is_file() and path.name not in (WEIGHTS_FILE, CONFIG_FILE):
        raise DistillError(
            f"{path}: no student's file; expected {WEIGHTS_FILE} or {CONFIG_FILE} beside each other, or their folder."
        )
    directory = path if path.is_dir() else path.parent
    if (directory / CONFIG_FILE).exists():
        check_sum(directory / CONFIG_FILE, "Copy it again, or run the recipe again.")
    manifest = read_manifest(directory / CONFIG_FILE)
    weights = directory / WEIGHTS_FILE
    tensors = read_weights(weights)
    written = checksum(weights)
    if written != manifest.checksum:
        raise DistillError(
            f"{weights}: its sha256 begins with {written[:12]}, in {CONFIG_FILE} beside it with "
            f"{manifest.checksum[:12]!r}: one of the two was changed or half copied. Copy both again from the run."
        )
    network = build_student(manifest.config, manifest.answers.head())
    load_weights(network, tensors, weights)
    return network.eval(), manifest
