"""Open whatever file a run leaves behind as a predictor."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from distill.errors import DistillError
from distill.files.checksums import check_sum
from distill.predictors.executorch_predictor import ExecutorchPredictor
from distill.predictors.litert_predictor import LitertPredictor
from distill.predictors.litert_session import METADATA_SUFFIX
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.openvino_predictor import OpenvinoPredictor
from distill.predictors.predictor import Predictor
from distill.predictors.torch_predictor import TorchPredictor
from students.files import CONFIG_FILE, load_student
from students.manifest import StudentManifest
from students.student import WEIGHTS_FILE

_BY_SUFFIX: dict[str, Callable[[Path], Predictor]] = {
    ".onnx": OnnxPredictor,
    ".xml": OpenvinoPredictor,
    ".pte": ExecutorchPredictor,
    ".tflite": LitertPredictor,
}


def open_predictor(path: Path) -> Predictor:
    """A student's directory, its `student.safetensors` or `config.json`, or an exported file, by its name.

    Raises:
        DistillError: there is no such file, it is none of these, it was changed since it was exported, or its runtime
            is not installed.
    """
    if not path.exists():
        raise DistillError(f"{path}: no such file or directory.")
    if path.suffix in _BY_SUFFIX:
        for file in (path, *_beside(path)):
            check_sum(file, "Copy it again, or export the student again.")
        return _BY_SUFFIX[path.suffix](path)
    if path.suffix == ".mlpackage":
        raise DistillError(f"{path}: a Core ML package runs on Apple's systems alone. Name another exported file.")
    if path.is_dir() and not (path / CONFIG_FILE).exists():
        of_run = path / "student"
        place = (
            f"It is a run's; name {of_run}." if (of_run / CONFIG_FILE).exists() else "Name a student or a file of one."
        )
        raise DistillError(f"{path}: no model ({CONFIG_FILE} is not in it). {place}")
    if path.is_dir() or path.suffix == ".safetensors" or path.name == CONFIG_FILE:
        return student_predictor(*load_student(path))
    raise DistillError(
        f"{path}: not a model this can run. Expected a student's directory, its student.safetensors or config.json, or "
        f"an exported file: {', '.join(_BY_SUFFIX)}."
    )


def _beside(path: Path) -> tuple[Path, ...]:
    """Files that belong to this one: the weights of an .xml, the metadata of a .tflite."""
    others = {".xml": (path.with_suffix(".bin"),), ".tflite": (path.with_name(path.name + METADATA_SUFFIX),)}
    return others.get(path.suffix, ())


def files_of(path: Path) -> tuple[Path, ...]:
    """The files of a model that `open_predictor` opens, whichever of them names it."""
    if path.suffix in _BY_SUFFIX:
        return tuple(file for file in (path, *_beside(path)) if file.exists())
    directory = path if path.is_dir() else path.parent
    return directory / WEIGHTS_FILE, directory / CONFIG_FILE


def student_predictor(module: nn.Module, manifest: StudentManifest) -> TorchPredictor:
    """A student's network as a predictor, during a run or from its files."""
    return TorchPredictor(
        module,
        manifest.preprocess,
        manifest.answers,
        normalize=True,
        name=manifest.config.full_name,
        picture=manifest.picture,
        fit=manifest.fit,
    )
