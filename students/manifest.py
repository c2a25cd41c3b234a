"""What is written beside a student's weights: all that is needed to run it and to know where it came from."""

from argparse import ArgumentError
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast, get_args

from distill.errors import DistillError
from distill.files.atomic import read_json, write_json
from distill.predictors.torch_predictor import Activation
from distill.preprocess.preprocess import Crop, Preprocess
from distill.registries import STUDENTS
from distill.registry import UnknownNameError
from students.student import Student
from students.timm_student import TimmStudent

# Keys of students of one kind of output alone.
_OF_CLASSES, _OF_EMBEDDINGS = ("classes", "thresholds"), ("dimensions", "far_thresholds")
_LATER = ("teacher_fingerprint", "data_fingerprint")  # keys that students of an earlier version lack

FORMAT = 2
"""Of `config.json`. In 1, which did not say so, `config` had the keys of mobilenet_v1 whatever the student was."""
_FORMER = {"width": 1.0, "variant": "separable", "activation": "relu"}  # of a network of timm's in format 1


@dataclass(frozen=True)
class StudentManifest:
    """The contents of `config.json`.

    Args:
        classes: the name of each output, in order; None of an embedding.
        preprocess: crop, size, resize kernel and normalisation of what the network eats.
        picture: (height, width) of the prepared picture before that resize.
        thresholds: per class, the probability from which it counts as present; None where none was chosen.
        activation: from logits to probabilities, `sigmoid` a class or `softmax` over them; or `unit`, to an embedding
            of length 1.
        teacher: the teacher's name.
        checksum: sha256 of `student.safetensors`; empty until it is saved.
        dimensions: of an embedding.
        far_thresholds: of an embedding: the cosine from which two pictures count as one person, by the FAR that was
            asked for and is not exceeded there, such as "0.01"; None where none was measured.
        teacher_fingerprint: a checksum of what the teacher answers with; None without a teacher.
        data_fingerprint: a checksum of the pictures learnt from, their labels and splits.
    """

    config: Student
    classes: tuple[str, ...] | None
    preprocess: Preprocess
    picture: tuple[int, int]
    thresholds: tuple[float, ...] | None
    activation: Activation
    seed: int
    teacher: str
    checksum: str = ""
    dimensions: int | None = None
    far_thresholds: dict[str, float] | None = None
    teacher_fingerprint: str | None = None
    data_fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.activation not in get_args(Activation):
            raise DistillError(f"activation: {self.activation!r}, expected one of {get_args(Activation)}.")
        if self.activation == "unit":
            if self.classes is not None or self.thresholds is not None or not (self.dimensions and self.dimensions > 0):
                raise DistillError(
                    f"dimensions: {self.dimensions}, expected those of an embedding, which has no class."
                )
        elif not self.classes or len(set(self.classes)) != len(self.classes):
            raise DistillError("classes: expected at least one name, each of them once.")
        elif self.thresholds is not None and len(self.thresholds) != len(self.classes):
            raise DistillError(
                f"thresholds: {len(self.thresholds)} for {len(self.classes)} classes, expected one each."
            )
        if len(self.picture) != 2 or min(self.picture) < 1:
            raise DistillError(f"picture: {self.picture}, expected (height, width) in pixels.")

    @property
    def outputs(self) -> int:
        """C, or D of an embedding."""
        return len(self.classes) if self.classes is not None else int(self.dimensions or 0)


def write_manifest(path: Path, manifest: StudentManifest) -> None:
    """Write `config.json`."""
    content = {"format": FORMAT, **asdict(manifest)}
    if (weights := manifest.config.weights) is not None:
        # The name alone: this file is published, and where the weights lay is nobody's concern.
        content["config"]["weights"] = Path(weights).name
    for key in _OF_CLASSES if manifest.activation == "unit" else _OF_EMBEDDINGS:
        del content[key]
    write_json(path, content)


def read_manifest(path: Path) -> StudentManifest:
    """Read `config.json`.

    Raises:
        DistillError: the file is missing or no JSON, a key is missing, unknown, or of another type, no such student is
            known here, or another version of this package wrote it and what it says is not certain.
    """
    read = read_json(path)
    format_ = read.pop("format", 1) if isinstance(read, dict) else FORMAT
    if format_ not in range(1, FORMAT + 1):
        raise DistillError(
            f"{path}: a student of format {format_!r}, and this version of distill reads 1 to {FORMAT}. Update distill."
        )
    try:
        return _read(read, path, format_ < FORMAT)
    except DistillError as error:
        if format_ == FORMAT:
            raise
        raise DistillError(
            f"{error} It has format {format_}, of a former version of distill, and is not read otherwise than that one "
            f"wrote it. Use that version, or run the recipe again: this one writes format {FORMAT}."
        ) from error


def _read(read: Any, path: Path, former: bool) -> StudentManifest:
    embeds = isinstance(read, dict) and read.get("activation") == "unit"
    content = _keys(read, StudentManifest, path, "", absent=_OF_CLASSES if embeds else _OF_EMBEDDINGS)
    config = _student(content["config"], path, former)
    preprocess = _keys(content["preprocess"], Preprocess, path, "preprocess.")
    thresholds, far_thresholds = content.get("thresholds"), content.get("far_thresholds")
    try:
        return StudentManifest(
            config=config,
            classes=None if embeds else tuple(_text(name) for name in _list(content["classes"])),
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
            dimensions=int(content["dimensions"]) if embeds else None,
            far_thresholds=None if far_thresholds is None else {far: float(at) for far, at in far_thresholds.items()},
            **{key: None if content.get(key) is None else _text(content[key]) for key in _LATER},
        )
    except (AttributeError, DistillError, TypeError, ValueError) as error:
        raise DistillError(f"{path}: not a student's config.json: {error}") from error


def _student(content: Any, path: Path, former: bool) -> Student:
    """Of any family that is known here, each value as its field wants it."""
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(name, str):
        name = "mobilenet_v1"  # for its keys to be told
    try:
        kind: type[Student] = STUDENTS.get(name)
    except UnknownNameError as error:
        raise DistillError(f"{path}: config.name: {error} Install the package that brings it.") from error
    if former and issubclass(kind, TimmStudent) and content.items() >= _FORMER.items():
        content = {key: value for key, value in content.items() if key not in _FORMER}
    _keys(content, kind, path, "config.")
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind, "config")
    try:
        return cast(Student, parser.instantiate(parser.parse_object({"config": content})).config)
    except (ArgumentError, DistillError, TypeError, ValueError) as error:
        raise DistillError(f"{path}: not a student's config.json: {' '.join(str(error).split())}") from error


def _keys(content: Any, kind: type, path: Path, prefix: str, absent: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DistillError(f"{path}: {prefix}holds a {type(content).__name__}, expected keys and values.")
    expected = [field.name for field in fields(kind) if field.name not in absent]
    for problem, names in (
        ("missing", [name for name in expected if name not in content and name not in _LATER]),
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
