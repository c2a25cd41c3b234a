"""Non-maximum suppression inside a file: what the function behind every other file gives, picture by picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.answers import Boxes, Detections
from distill.answers.suppression import suppressed
from distill.export.format import Job
from distill.export.formats import FORMATS
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.open import open_predictor
from students.manifest import StudentManifest
from students.ssd import SsdMobilenetV1
from students.student import build_student
from tests.helpers.students import pictures

CLASSES, SIDE = ("cat", "dog", "owl"), 64


def job_of(classes: tuple[str, ...] = CLASSES) -> Job:
    """Of a detector at random whose scores lie far apart."""
    config = SsdMobilenetV1(width=0.1, resolution=SIDE)
    torch.manual_seed(0)
    network = build_student(config, Boxes(classes).head()).eval()
    with torch.no_grad():
        for predictor in network.get_submodule("predictors").children():
            predictor.get_parameter("classes.weight").mul_(150)
            predictor.get_parameter("places.weight").mul_(20)
    anchors = network.get_buffer("anchors").shape[1]
    manifest = StudentManifest(config, Boxes(classes, anchors), config.preprocess, (SIDE, SIDE), seed=0, teacher="none")
    return Job(network, manifest, pictures(32, seed=1))


def held_to_the_function(once: dict[str, np.ndarray], every: dict[str, np.ndarray], close: float) -> int:
    """Check each picture's rows; the number of things found in all."""
    boxes, scores, classes = suppressed(every["boxes"], every["scores"])
    assert once["boxes"].shape[1:] == (100, 4) and once["scores"].shape[1:] == (100, every["scores"].shape[2])
    for picture in range(len(every["boxes"])):
        count = len(scores[picture])
        kept, places = once["scores"][picture], once["boxes"][picture]
        assert not kept[count:].any() and not places[count:].any()  # rows that are none
        assert ((kept > 0).sum(axis=1)[:count] == 1).all()  # of one class each
        np.testing.assert_allclose(kept.max(axis=1)[:count], scores[picture], atol=close)
        assert kept.argmax(axis=1)[:count].tolist() == classes[picture].tolist()
        np.testing.assert_allclose(places[:count], boxes[picture], atol=close)
    return len(scores.rows)


@pytest.mark.parametrize("classes", [CLASSES, ("cat",)])
@pytest.mark.parametrize("name", ["onnx", "onnx-int8", "openvino", "openvino-int8"])
def test_a_file_gives_each_thing_once(name: str, classes: tuple[str, ...], tmp_path: Path) -> None:
    one = FORMATS[name]
    for module in one.modules:
        pytest.importorskip(module)
    job, shown = job_of(classes), pictures(5, seed=2)
    one.write(job, tmp_path / one.file)
    every = open_predictor(tmp_path / one.file)(shown)
    (tmp_path / "once").mkdir()
    one.write(replace(job, once=True), tmp_path / "once" / one.file)
    predictor = open_predictor(tmp_path / "once" / one.file)
    assert predictor.kind == Detections(classes)
    found = held_to_the_function(predictor(shown), every, 1e-5)
    assert 100 < found < 5 * len(every["boxes"][0]) * len(classes)
    held_to_the_function(predictor(shown[:1]), {key: values[:1] for key, values in every.items()}, 1e-5)


def test_what_is_found_of_a_file_is_what_is_found_of_all_its_boxes(tmp_path: Path) -> None:
    """Suppressed a second time, as whoever scores files does, nothing is lost."""
    job, shown = job_of(), pictures(3, seed=3)
    FORMATS["onnx"].write(job, tmp_path / "every.onnx")
    FORMATS["onnx"].write(replace(job, once=True), tmp_path / "once.onnx")
    every, once = (OnnxPredictor(tmp_path / f"{name}.onnx")(shown) for name in ("every", "once"))
    for ours, theirs in zip(
        suppressed(once["boxes"], once["scores"]), suppressed(every["boxes"], every["scores"]), strict=True
    ):
        np.testing.assert_allclose(ours.rows, theirs.rows, atol=1e-6)
        assert ours.offsets.tolist() == theirs.offsets.tolist()
