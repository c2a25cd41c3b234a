"""A student on disk comes back to the bit, or is refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from distill.answers import Embedding, Probabilities, Softmax
from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.preprocess.preprocess import Channels, Preprocess
from distill.registry import Registry
from students.files import load_student, save_student
from students.manifest import StudentManifest
from students.mobilenet_v1 import MobilenetV1
from students.student import build_student
from students.timm_student import TimmStudent
from tests.helpers.toy_package import install

MANIFEST = StudentManifest(
    config=MobilenetV1(width=0.1, resolution=48, variant="shallow", activation="relu6", weights="timm"),
    answers=Probabilities(("Smiling", "Wearing_Hat", "Ängstlich"), (0.5, 0.1 + 0.2, 0.9)),
    preprocess=Preprocess(48, 40, "bicubic", (0.5, 0.4, 0.3), (0.2, 0.1, 1 / 3), crop=(0.1, 0.0, 1 / 3, 1.0)),
    picture=(60, 50),
    seed=7,
    teacher="mobilenetv2_100",
)

TINY_STUDENT = """
from dataclasses import dataclass
from typing import Literal

from torch import nn

from students.body import Body
from students.student import Student


class Dots(Body):
    def __init__(self, channels):
        super().__init__()
        self.map_channels = self.channels = channels
        self.see = nn.Conv2d(3, channels, 3, stride=4)

    def forward(self, pixels):
        return self.see(pixels).relu()


@dataclass(frozen=True)
class TinyDots(Student):
    name: Literal["tiny_dots"] = "tiny_dots"
    resolution: int = 32
    channels: int = 8
    dots: tuple[str, ...] = ()

    def body(self):
        return Dots(self.channels)
"""
TINY_ENTRY = {"distill.students": {"tiny_dots": "tiny_students:TinyDots"}}

PREPROCESS = MANIFEST.preprocess.facts()


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, nn.Module, StudentManifest]:
    torch.manual_seed(0)
    network = build_student(MANIFEST.config, MANIFEST.answers.outputs).train()
    return tmp_path, network, save_student(tmp_path, network, MANIFEST)


@pytest.mark.parametrize("place", [".", "student.safetensors", "config.json"])
def test_comes_back_to_the_bit(saved: tuple[Path, nn.Module, StudentManifest], place: str) -> None:
    directory, network, manifest = saved
    found, read = load_student(directory / place)
    assert read == manifest
    assert replace(read, checksum="") == MANIFEST
    assert not any(module.training for module in found.modules())
    pixels = torch.randn(2, 3, 48, 40, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(found(pixels), network.eval()(pixels))
    assert sorted(file.name for file in directory.iterdir()) == ["SHA256SUMS", "config.json", "student.safetensors"]


def test_where_its_first_weights_lay_is_not_published(tmp_path: Path) -> None:
    config = replace(MANIFEST.config, weights=tmp_path / "of_somebody" / "imagenet.safetensors")
    save_student(tmp_path, build_student(MANIFEST.config, 3), replace(MANIFEST, config=config))
    assert json.loads((tmp_path / "config.json").read_text())["config"]["weights"] == "imagenet.safetensors"
    assert load_student(tmp_path)[1].answers.outputs == 3


@pytest.mark.parametrize(
    "answers",
    [Probabilities(("a", "b", "c")), Softmax(("a", "b", "c")), Embedding(3), Embedding(3, {"0.01": 0.1 + 0.2})],
    ids=lambda answers: answers.name,
)
def test_answers_of_every_kind(tmp_path: Path, answers: Kind) -> None:
    manifest = save_student(tmp_path, build_student(MANIFEST.config, 3), replace(MANIFEST, answers=answers))
    assert load_student(tmp_path)[1] == manifest
    assert json.loads((tmp_path / "config.json").read_text())["answers"] == answers.name


@pytest.mark.parametrize(
    ("answers", "former"),
    [
        (MANIFEST.answers, {"activation": "sigmoid"}),
        (Softmax(("a", "b", "c")), {"activation": "softmax"}),
        (Embedding(3, {"0.01": 0.6}), {"activation": "unit"}),
    ],
)
def test_a_student_of_before_answers_had_names_is_the_same(
    tmp_path: Path, answers: Kind, former: dict[str, str]
) -> None:
    manifest = save_student(tmp_path, build_student(MANIFEST.config, 3), replace(MANIFEST, answers=answers))
    content = json.loads((tmp_path / "config.json").read_text())
    del content["format"], content["answers"], content["teacher_fingerprint"], content["data_fingerprint"]
    (tmp_path / "config.json").write_text(json.dumps(content | former))
    (tmp_path / "SHA256SUMS").unlink()  # there was none
    assert load_student(tmp_path)[1] == manifest


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_a_student_that_eats_bgr_says_so(tmp_path: Path, channels: Channels) -> None:
    preprocess = replace(MANIFEST.preprocess, channels=channels)
    manifest = save_student(tmp_path, build_student(MANIFEST.config, 3), replace(MANIFEST, preprocess=preprocess))
    assert load_student(tmp_path)[1] == manifest
    content = json.loads((tmp_path / "config.json").read_text())["preprocess"]
    assert content.get("channels") == (None if channels == "rgb" else channels)  # files of before have no such key


def test_weights_of_another_run_are_refused(saved: tuple[Path, nn.Module, StudentManifest], tmp_path: Path) -> None:
    directory, network, _ = saved
    nn.init.ones_(network.get_parameter("classifier.bias"))
    other = save_student(tmp_path / "other", network, MANIFEST)
    (tmp_path / "other/student.safetensors").replace(directory / "student.safetensors")
    with pytest.raises(DistillError, match=r"student\.safetensors: is not the file SHA256SUMS beside it"):
        load_student(directory)
    (directory / "SHA256SUMS").unlink()  # as where both files alone were copied
    with pytest.raises(DistillError, match=other.checksum[:12]):
        load_student(directory)


def test_a_bit_of_the_manifest_that_was_flipped_is_noticed(saved: tuple[Path, nn.Module, StudentManifest]) -> None:
    file = saved[0] / "config.json"
    file.write_text(file.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(DistillError, match=r"config\.json: is not the file SHA256SUMS beside it has the checksum of"):
        load_student(saved[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": None}, "missing key seed"),
        ({"fit": "squeeze"}, r"fit: 'squeeze', expected one of \('crop', 'stretch', 'pad', 'pad_corner'\)"),
        ({"tempo": 3}, "unknown key tempo"),
        ({"config": {"width": 1.0}}, r"missing key config\.name"),
        ({"preprocess": 3}, r"preprocess\.holds a int"),
        ({"preprocess": PREPROCESS | {"crop": [0.5, 0.0, 0.6, 1.0]}}, r"preprocess: crop is \(0\.5, "),
        ({"preprocess": PREPROCESS | {"crop": [0.0, 1.0]}}, "not enough values"),
        ({"answers": "tanh"}, "answers: no kind of answers is called 'tanh'"),
        ({"format": None, "answers": None, "activation": "tanh"}, "no kind of answers is called 'tanh'"),
        ({"answers": ["softmax"]}, "answers"),
        ({"format": None, "answers": None, "activation": ["sigmoid"]}, "answers"),
        ({"answers": None}, "missing key answers"),
        ({"answers": "embedding"}, "missing key dimensions, far_thresholds"),
        ({"dimensions": 3}, "unknown key dimensions"),
        ({"classes": "abc"}, "classes: 'abc', expected a list of names"),
        ({"classes": ["a", "a", "b"]}, "classes: .* each of them once"),
        ({"classes": ["a", "b", 3]}, "classes: .*expected a list of names"),
        ({"thresholds": [0.5]}, "thresholds: 1 for 3 classes"),
        ({"thresholds": ["0.5", "0.5", "0.5"]}, "thresholds: .*expected a list of numbers"),
        ({"picture": [1]}, "not enough values"),
        ({"teacher": 5}, "5 is not a text"),
        ({"seed": float("inf")}, "cannot convert float infinity"),
        ({"picture": [10**400, float("inf")]}, "cannot convert float infinity"),
    ],
)
def test_broken_manifests(saved: tuple[Path, nn.Module, StudentManifest], change: dict[str, Any], message: str) -> None:
    file = saved[0] / "config.json"
    content = json.loads(file.read_text()) | change
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    (saved[0] / "SHA256SUMS").unlink()
    with pytest.raises(DistillError, match=message) as caught:
        load_student(file)
    assert str(file) in str(caught.value)


def former(directory: Path, **config: Any) -> Path:
    """The manifest as the first format had it: the keys of mobilenet_v1 for any student, and no word of the format."""
    file = directory / "config.json"
    content = json.loads(file.read_text())
    del content["format"]
    content["config"] |= {"width": 1.0, "variant": "separable", "activation": "relu"} | config
    file.write_text(json.dumps(content))
    (directory / "SHA256SUMS").unlink()
    return file


def test_a_student_of_the_first_format_is_read_as_it_was(tmp_path: Path) -> None:
    for number, config in enumerate((MANIFEST.config, TimmStudent("mobilenetv2_035", 32))):
        place = tmp_path / str(number)
        manifest = save_student(place, build_student(config, 3), replace(MANIFEST, config=config))
        former(place, **asdict(config))
        assert load_student(place)[1] == manifest


def test_what_the_first_format_does_not_make_certain_is_refused(tmp_path: Path) -> None:
    config = TimmStudent("mobilenetv2_035", 32)
    save_student(tmp_path, build_student(config, 3), replace(MANIFEST, config=config))
    file = former(tmp_path, width=0.5)
    with pytest.raises(DistillError, match=r"unknown key config\.width.* It has format 1, .*this one writes format 2"):
        load_student(tmp_path)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 3}))
    with pytest.raises(DistillError, match=r"a student of format 3, and this version of distill reads 1 to 2\. Update"):
        load_student(tmp_path)


def test_a_family_of_somebody_elses_is_written_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "package", monkeypatch, {"tiny_students": TINY_STUDENT}, TINY_ENTRY)
    monkeypatch.setattr("students.manifest.STUDENTS", registry := Registry("student", "distill.students", {}))
    config = registry.get("tiny_dots")(channels=4, dots=("a", "b"))
    torch.manual_seed(0)
    network = build_student(config, 3)
    manifest = save_student(tmp_path / "student", network, replace(MANIFEST, config=config))
    found, read = load_student(tmp_path / "student")
    assert read == manifest and read.config.full_name == "tiny_dots_32"
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(found(pixels), network.eval()(pixels)) and found(pixels).shape == (2, 3)
    monkeypatch.setattr("students.manifest.STUDENTS", Registry("student", "distill.nobodys", {"a": "b:c"}))
    with pytest.raises(DistillError, match=r"config\.name: no student is called 'tiny_dots'.* Install the"):
        load_student(tmp_path / "student")


def test_a_file_beside_the_students_is_not_taken_for_it(saved: tuple[Path, nn.Module, StudentManifest]) -> None:
    other = saved[0] / "other.safetensors"
    other.write_bytes((saved[0] / "student.safetensors").read_bytes())
    with pytest.raises(DistillError, match=r"other\.safetensors: no student's file; expected student\.safetensors or"):
        load_student(other)


def test_missing_files(saved: tuple[Path, nn.Module, StudentManifest]) -> None:
    directory = saved[0]
    for name in ("student.safetensors", "config.json"):
        (directory / name).unlink()
        with pytest.raises(DistillError, match=f"{name}: no such"):
            load_student(directory)
