"""Open whatever file a run leaves behind as a predictor."""

from pathlib import Path

from torch import nn

from distill.errors import DistillError
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.predictor import Predictor
from distill.predictors.torch_predictor import TorchPredictor
from students.files import CONFIG_FILE, load_student
from students.manifest import StudentManifest


def open_predictor(path: Path) -> Predictor:
    """A student's directory, its `student.safetensors` or `config.json`, or an exported `.onnx`, by its name.

    Raises:
        DistillError: there is no such file, or it is none of these.
    """
    if not path.exists():
        raise DistillError(f"{path}: no such file or directory.")
    if path.suffix == ".onnx":
        return OnnxPredictor(path)
    if path.is_dir() or path.suffix == ".safetensors" or path.name == CONFIG_FILE:
        return student_predictor(*load_student(path))
    raise DistillError(
        f"{path}: not a model this can run. Expected a student's directory, its student.safetensors or config.json, or "
        "an exported .onnx file."
    )


def student_predictor(module: nn.Module, manifest: StudentManifest) -> TorchPredictor:
    """A student's network as a predictor, during a run or from its files."""
    return TorchPredictor(
        module,
        manifest.preprocess,
        manifest.activation,
        normalize=True,
        name=manifest.config.full_name,
        classes=manifest.classes,
        thresholds=manifest.thresholds,
        picture=manifest.picture,
    )
