"""The exported file of a student, scored in its own runtime and held to the torch student's score."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from distill.export.onnx import export_onnx
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.scoring import Verdict
from distill.tasks.task import Task
from students.manifest import StudentManifest

PARITY = 1e-4
"""Largest difference of a probability, or of a number of an embedding, between the torch student and a file of the same
precision."""


def export_and_score(
    directory: Path, network: nn.Module, manifest: StudentManifest, student: Verdict, task: Task, tolerance: float
) -> list[dict[str, Any]]:
    """Write the ONNX file, run it on the test pictures, and say whether it passed.

    Args:
        student: the torch student's verdict, which the file is held to.
        tolerance: points of the first metric the file's score may differ by.

    Returns:
        the `exports` of results.json.
    """
    path = directory / "student.onnx"
    export_onnx(
        path, network, manifest.preprocess,
        classes=manifest.classes, thresholds=manifest.thresholds, picture=manifest.picture,
        activation=manifest.activation, far_thresholds=manifest.far_thresholds,
    )  # fmt: skip
    verdict = task.judge(OnnxPredictor(path))
    parity = float(np.abs(verdict.answers - student.answers).max())
    points = 100 * abs(verdict.score - student.score)
    return [
        {
            "format": "onnx",
            "file": str(path.relative_to(directory.parent)),
            "bytes": path.stat().st_size,
            **verdict.to_dict(),
            "difference": task.compare(verdict, student),
            "largest_difference": parity,
            "passed": parity <= PARITY and points <= tolerance,
        }
    ]
