"""What is written beside a student's weights: all that is needed to run it and to know where it came from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

from distill.answers import kind_named
from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.files.atomic import read_json, write_json
from distill.preprocess.preprocess import Crop, Fit, Preprocess
from students.student import StudentConfig

_FINGERPRINTS = ("teacher_fingerprint", "data_fingerprint")
_LATER = (*_FINGERPRINTS, "fit")  # keys that students of an earlier version lack
_FORMER = {"sigmoid": "probabilities", "softmax": "softmax", "unit": "embedding"}
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

    config: StudentConfig
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
    content = {key: value for key, value in asdict(manifest).items() if key != "answers"}
    weights = content["config"]["weights"]
    # The name alone: this file is published, and where the weights lay is nobody's concern.
    content["config"]["weights"] = None if weights is None else Path(weights).name
    kind = manifest.answers
    write_json(path, {"config": content.pop("config"), "answers": kind.name, **kind.facts(), **content})


def read_manifest(path: Path) -> StudentManifest:
    """Read `config.json`.

    Raises:
        DistillError: the file is missing or no JSON, or a key is missing, unknown, or of another type.
    """
    read = read_json(path)
    if isinstance(read, dict) and "activation" in read and "answers" not in read:
        former = str(read.pop("activation"))
        read = {"answers": _FORMER.get(former, former), **read}
    try:
        kind = kind_named(str(read["answers"])) if isinstance(read, dict) and "answers" in read else None
    except DistillError as error:
        raise DistillError(f"{path}: not a student's config.json: answers: {error}") from error
    facts = [field.name for field in fields(kind)] if kind else []
    content = _keys(read, StudentManifest, path, "", more=facts)
    config = _keys(content["config"], StudentConfig, path, "config.")
    preprocess = _keys(content["preprocess"], Preprocess, path, "preprocess.")
    assert kind is not None  # `answers` is among the keys
    try:
        return StudentManifest(
            config=StudentConfig(**config | {"width": float(config["width"]), "resolution": int(config["resolution"])}),
            answers=kind.of_facts({key: content[key] for key in facts}),
            preprocess=Preprocess(
                int(preprocess["height"]),
                int(preprocess["width"]),
                preprocess["interpolation"],
                _triple(preprocess["mean"]),
                _triple(preprocess["std"]),
                _crop(preprocess["crop"]),
            ),
            picture=_pair(content["picture"]),
            seed=int(content["seed"]),
            teacher=_text(content["teacher"]),
            checksum=_text(content["checksum"]),
            **{key: None if content.get(key) is None else _text(content[key]) for key in _FINGERPRINTS},
            fit=content.get("fit", "crop"),
        )
    except (AttributeError, DistillError, TypeError, ValueError) as error:
        raise DistillError(f"{path}: not a student's config.json: {error}") from error


def _keys(content: Any, kind: type, path: Path, prefix: str, more: Sequence[str] = ()) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DistillError(f"{path}: {prefix}holds a {type(content).__name__}, expected keys and values.")
    expected = [*(field.name for field in fields(kind)), *more]
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
