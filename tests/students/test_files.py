"""A student on disk comes back to the bit, or is refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from distill.errors import DistillError
from distill.export.format import Job
from distill.predictors.open import student_predictor
from distill.preprocess.preprocess import Preprocess
from students.files import load_student, save_student
from students.manifest import StudentManifest
from students.student import StudentConfig, build_student

MANIFEST = StudentManifest(
    config=StudentConfig(width=0.1, resolution=48, variant="shallow", activation="relu6", weights="timm"),
    classes=("Smiling", "Wearing_Hat", "Ängstlich"),
    preprocess=Preprocess(48, 40, "bicubic", (0.5, 0.4, 0.3), (0.2, 0.1, 1 / 3), crop=(0.1, 0.0, 1 / 3, 1.0)),
    picture=(60, 50),
    thresholds=(0.5, 0.1 + 0.2, 0.9),
    activation="sigmoid",
    seed=7,
    teacher="mobilenetv2_100",
)

PREPROCESS = asdict(MANIFEST.preprocess)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, nn.Module, StudentManifest]:
    torch.manual_seed(0)
    network = build_student(MANIFEST.config, len(MANIFEST.classes)).train()
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
    assert sorted(file.name for file in directory.iterdir()) == ["config.json", "student.safetensors"]


def test_where_its_first_weights_lay_is_not_published(tmp_path: Path) -> None:
    config = replace(MANIFEST.config, weights=tmp_path / "of_somebody" / "imagenet.safetensors")
    save_student(tmp_path, build_student(MANIFEST.config, 3), replace(MANIFEST, config=config))
    assert json.loads((tmp_path / "config.json").read_text())["config"]["weights"] == "imagenet.safetensors"
    assert load_student(tmp_path)[1].outputs == 3


def test_how_pictures_are_fitted_travels_with_the_student(tmp_path: Path) -> None:
    save_student(tmp_path, build_student(MANIFEST.config, 3), replace(MANIFEST, fit="pad"))
    network, manifest = load_student(tmp_path)
    assert manifest.fit == student_predictor(network, manifest).fit == "pad"
    assert Job(network, manifest, np.empty(0, np.uint8)).metadata.fit == "pad"
    content = json.loads((tmp_path / "config.json").read_text())
    del content["fit"]  # as of students of before there was a choice
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert load_student(tmp_path)[1].fit == "crop"


def test_without_thresholds(tmp_path: Path) -> None:
    manifest = save_student(tmp_path, build_student(MANIFEST.config, 3), replace(MANIFEST, thresholds=None))
    assert load_student(tmp_path)[1] == manifest


def test_weights_of_another_run_are_refused(saved: tuple[Path, nn.Module, StudentManifest], tmp_path: Path) -> None:
    directory, network, _ = saved
    nn.init.ones_(network.get_parameter("classifier.bias"))
    other = save_student(tmp_path / "other", network, MANIFEST)
    (tmp_path / "other/student.safetensors").replace(directory / "student.safetensors")
    with pytest.raises(DistillError, match=other.checksum[:12]):
        load_student(directory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": None}, "missing key seed"),
        ({"fit": "squeeze"}, r"fit: 'squeeze', expected one of \('crop', 'stretch', 'pad'\)"),
        ({"tempo": 3}, "unknown key tempo"),
        ({"config": {"width": 1.0}}, r"missing key config\.name"),
        ({"preprocess": 3}, r"preprocess\.holds a int"),
        ({"preprocess": PREPROCESS | {"crop": [0.5, 0.0, 0.6, 1.0]}}, r"preprocess: crop is \(0\.5, "),
        ({"preprocess": PREPROCESS | {"crop": [0.0, 1.0]}}, "not enough values"),
        ({"activation": "tanh"}, "activation: 'tanh'"),
        ({"classes": "abc"}, "'abc' is not a list"),
        ({"classes": ["a", "a", "b"]}, "each of them once"),
        ({"thresholds": [0.5]}, "1 for 3 classes"),
        ({"picture": [1]}, "not enough values"),
        ({"teacher": 5}, "5 is not a text"),
    ],
)
def test_broken_manifests(saved: tuple[Path, nn.Module, StudentManifest], change: dict[str, Any], message: str) -> None:
    file = saved[0] / "config.json"
    content = json.loads(file.read_text()) | change
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    with pytest.raises(DistillError, match=message) as caught:
        load_student(file)
    assert str(file) in str(caught.value)


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
