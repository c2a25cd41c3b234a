"""What is written beside a student's weights: all that is needed to run it and to know where it came from."""

from argparse import ArgumentError
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast, get_args

from distill.answers.kind import Kind
from distill.errors import DistillError, few
from distill.files.atomic import read_json, write_json
from distill.preprocess.preprocess import Crop, Fit, Preprocess
from distill.registries import ANSWERS, STUDENTS
from distill.registry import UnknownNameError
from students.student import Student
from students.timm_student import TimmStudent

_FINGERPRINTS = ("teacher_fingerprint", "data_fingerprint")
_LATER = (*_FINGERPRINTS, "fit", "channels")  # keys that students may lack: those of an earlier version, and RGB ones

FORMAT = 2
"""Of `config.json`. In 1, which did not say so, `config` had the keys of mobilenet_v1 whatever the student was."""
_FORMER = {"width": 1.0, "variant": "separable", "activation": "relu"}  # of a network of timm's in format 1
_ACTIVATIONS = {"sigmoid": "probabilities", "softmax": "softmax", "unit": "embedding"}
"""What students of the first version say of their answers, under `activation`, and the kind's name."""


@dataclass(frozen=True)
class StudentManifest:
    """The contents of `config.json`.

    Args:
        answers: their kind; in the file, `answers` has its name, and each of its facts a key of its own.
        preprocess: crop, size, resize kernel and normalisation of what the network eats.
        picture: (height, width) of the prepared picture before that resize.
        fit: how a picture of another shape becomes a prepared one.
        teacher: the teacher's name.
        checksum: sha256 of `student.safetensors`; empty until it is saved.
        teacher_fingerprint: a checksum of what the teacher answers with; None without a teacher.
        data_fingerprint: a checksum of the pictures learnt from, their labels and splits.
    """

    config: Student
    answers: Kind
    preprocess: Preprocess
    picture: tuple[int, int]
    seed: int
    teacher: str
    checksum: str = ""
    teacher_fingerprint: str | None = None
    data_fingerprint: str | None = None
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        self.answers.check()
        if len(self.picture) != 2 or min(self.picture) < 1:
            raise DistillError(f"picture: {self.picture}, expected (height, width) in pixels.")
        if self.fit not in get_args(Fit):
            raise DistillError(f"fit: {self.fit!r}, expected one of {get_args(Fit)}.")


def write_manifest(path: Path, manifest: StudentManifest) -> None:
    """Write `config.json`."""
    kind = manifest.answers
    content = {"format": FORMAT, **asdict(manifest), "answers": kind.name, **kind.facts()}
    content["preprocess"] = manifest.preprocess.facts()
    if (weights := manifest.config.weights) is not None:
        # The name alone: this file is published, and where the weights lay is nobody's concern.
        content["config"]["weights"] = Path(weights).name
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
    if former and isinstance(read, dict) and "activation" in read and "answers" not in read:
        activation = str(read.pop("activation"))
        read = {"answers": _ACTIVATIONS.get(activation, activation), **read}
    try:
        kind: type[Kind] | None = (
            ANSWERS.get(str(read["answers"])) if isinstance(read, dict) and "answers" in read else None
        )
    except DistillError as error:
        raise DistillError(f"{path}: not a student's config.json: answers: {error}") from error
    facts = [field.name for field in fields(kind)] if kind else []
    content = _keys(read, StudentManifest, path, "", more=facts)
    config = _student(content["config"], path, former)
    preprocess = _keys(content["preprocess"], Preprocess, path, "preprocess.")
    assert kind is not None  # `answers` is among the keys
    try:
        return StudentManifest(
            config=config,
            answers=kind.of_facts({key: content[key] for key in facts}),
            preprocess=Preprocess(
                int(preprocess["height"]),
                int(preprocess["width"]),
                preprocess["interpolation"],
                _triple(preprocess["mean"]),
                _triple(preprocess["std"]),
                _crop(preprocess["crop"]),
                preprocess.get("channels", "rgb"),
            ),
            picture=_pair(content["picture"]),
            seed=int(content["seed"]),
            teacher=_text(content["teacher"]),
            checksum=_text(content["checksum"]),
            **{key: None if content.get(key) is None else _text(content[key]) for key in _FINGERPRINTS},
            fit=content.get("fit", "crop"),
        )
    except (AttributeError, DistillError, OverflowError, TypeError, ValueError) as error:
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
    except (ArgumentError, DistillError, OverflowError, TypeError, ValueError) as error:
        raise DistillError(f"{path}: not a student's config.json: {' '.join(str(error).split())}") from error


def _keys(content: Any, kind: type, path: Path, prefix: str, more: Sequence[str] = ()) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DistillError(f"{path}: {prefix}holds a {type(content).__name__}, expected keys and values.")
    expected = [*(field.name for field in fields(kind)), *more]
    for problem, names in (
        ("missing", [name for name in expected if name not in content and name not in _LATER]),
        ("unknown", [name for name in content if name not in expected]),
    ):
        if names:
            listed = few(f"{prefix}{name}" for name in names)
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
