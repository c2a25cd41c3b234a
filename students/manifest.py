"""What is written beside a student's weights: all that is needed to run it and to know where it came from."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from distill.errors import DistillError
from distill.files import read_json, write_json
from distill.preprocess import Crop, Preprocess
from students.student import StudentConfig

OutputActivation = Literal["sigmoid", "softmax"]


@dataclass(frozen=True)
class StudentManifest:
    """The contents of `config.json`.

    Args:
        classes: the name of each output, in order.
        preprocess: crop, size, resize kernel and normalisation of what the network eats.
        picture: (height, width) of the prepared picture before that resize.
        thresholds: per class, the probability from which it counts as present; None where none was chosen.
        activation: from logits to probabilities: `sigmoid` a class, or `softmax` over them.
        teacher: the teacher's name.
        checksum: sha256 of `student.safetensors`; empty until it is saved.
    """

    config: StudentConfig
    classes: tuple[str, ...]
    preprocess: Preprocess
    picture: tuple[int, int]
    thresholds: tuple[float, ...] | None
    activation: OutputActivation
    seed: int
    teacher: str
    checksum: str = ""

    def __post_init__(self) -> None:
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise DistillError("classes: expected at least one name, each of them once.")
        if self.thresholds is not None and len(self.thresholds) != len(self.classes):
            raise DistillError(
                f"thresholds: {len(self.thresholds)} for {len(self.classes)} classes, expected one each."
            )
        if self.activation not in get_args(OutputActivation):
            raise DistillError(f"activation: {self.activation!r}, expected one of {get_args(OutputActivation)}.")
        if len(self.picture) != 2 or min(self.picture) < 1:
            raise DistillError(f"picture: {self.picture}, expected (height, width) in pixels.")


def write_manifest(path: Path, manifest: StudentManifest) -> None:
    """Write `config.json`."""
    content = asdict(manifest)
    weights = content["config"]["weights"]
    content["config"]["weights"] = None if weights is None else str(weights)
    write_json(path, content)


def read_manifest(path: Path) -> StudentManifest:
    """Read `config.json`.

    Raises:
        DistillError: the file is missing or no JSON, or a key is missing, unknown, or of another type.
    """
    content = _keys(read_json(path), StudentManifest, path, "")
    config = _keys(content["config"], StudentConfig, path, "config.")
    preprocess = _keys(content["preprocess"], Preprocess, path, "preprocess.")
    thresholds = content["thresholds"]
    try:
        return StudentManifest(
            config=StudentConfig(**config | {"width": float(config["width"]), "resolution": int(config["resolution"])}),
            classes=tuple(_text(name) for name in _list(content["classes"])),
            preprocess=Preprocess(
                int(preprocess["height"]),
                int(preprocess["width"]),
                preprocess["interpolation"],
                _triple(preprocess["mean"]),
                _triple(preprocess["std"]),
                _crop(preprocess["crop"]),
            ),
            picture=_pair(content["picture"]),
            thresholds=None if thresholds is None else tuple(float(value) for value in _list(thresholds)),
            activation=content["activation"],
            seed=int(content["seed"]),
            teacher=_text(content["teacher"]),
            checksum=_text(content["checksum"]),
        )
    except (DistillError, TypeError, ValueError) as error:
        raise DistillError(f"{path}: not a student's config.json: {error}") from error


def _keys(content: Any, kind: type, path: Path, prefix: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DistillError(f"{path}: {prefix}holds a {type(content).__name__}, expected keys and values.")
    expected = [field.name for field in fields(kind)]
    for problem, names in (
        ("missing", [name for name in expected if name not in content]),
        ("unknown", [name for name in content if name not in expected]),
    ):
        if names:
            listed = ", ".join(f"{prefix}{name}" for name in names)
            raise DistillError(f"{path}: {problem} key {listed}. Valid keys: {', '.join(expected)}.")
    return content


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _pair(value: Any) -> tuple[int, int]:
    height, width = _list(value)
    return int(height), int(width)


def _triple(value: Any) -> tuple[float, float, float]:
    red, green, blue = _list(value)
    return float(red), float(green), float(blue)


def _crop(value: Any) -> Crop:
    top, left, height, width = _list(value)
    return float(top), float(left), float(height), float(width)
