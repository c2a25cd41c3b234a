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


def overlap(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of a box (4,) with others (R, 4)."""
    both = (np.minimum(one[2:], others[:, 2:]) - np.maximum(one[:2], others[:, :2])).clip(min=0).prod(axis=1)
    return both / ((one[2:] - one[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - both)


def held_to_the_rule(once: dict[str, np.ndarray], every: dict[str, np.ndarray]) -> int:
    """Check each picture's rows, whichever of equally sure boxes comes first; the number of things found in all."""
    assert once["boxes"].shape[1:] == (100, 4) and once["scores"].shape[1:] == (100, every["scores"].shape[2])
    total = 0
    for boxes, scores, all_boxes, all_scores in zip(*once.values(), *every.values(), strict=True):
        best, classes = scores.max(axis=1), scores.argmax(axis=1)
        count = int((best > 0).sum())
        total += count
        assert (np.diff(best) <= 0).all() and best[count - 1] >= 0.01
        assert not boxes[count:].any() and ((scores > 0).sum(axis=1)[:count] == 1).all()
        for row in range(count):
            # It is one of those that there are, and none of its class at its place is surer.
            there = np.abs(all_boxes - boxes[row]).max(axis=1) <= 1e-5
            assert np.abs(all_scores[there, classes[row]] - best[row]).min() <= 1e-5
            same = classes[:row] == classes[row]
            assert (overlap(boxes[row], boxes[:row][same]) <= 0.6 + 1e-5).all()
        if count < 100:  # whatever was left out lies at the place of what is as sure at least
            for k, c in np.argwhere(all_scores >= 0.01):
                kept = (classes[:count] == c) & (best[:count] >= all_scores[k, c] - 1e-5)
                assert (overlap(all_boxes[k], boxes[:count][kept]) > 0.6 - 1e-5).any()
    return total


def held_to_the_function(once: dict[str, np.ndarray], every: dict[str, np.ndarray]) -> None:
    """Of float files no two scores are equal, so that their order is known."""
    boxes, scores, classes = suppressed(every["boxes"], every["scores"])
    for picture in range(len(every["boxes"])):
        count, kept = len(scores[picture]), once["scores"][picture]
        assert count == (kept > 0).any(axis=1).sum()
        np.testing.assert_allclose(kept.max(axis=1)[:count], scores[picture], atol=1e-5)
        assert kept.argmax(axis=1)[:count].tolist() == classes[picture].tolist()
        np.testing.assert_allclose(once["boxes"][picture][:count], boxes[picture], atol=1e-5)


# The graph is the same of each format; what one class makes of it is seen in one.
@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("onnx", CLASSES),
        ("onnx", ("cat",)),
        ("onnx-int8", CLASSES),
        ("openvino", CLASSES),
        pytest.param("openvino-int8", CLASSES, marks=pytest.mark.long),
        *(pytest.param(name, ("cat",), marks=pytest.mark.long) for name in ("onnx-int8", "openvino", "openvino-int8")),
    ],
)
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
    once = predictor(shown)
    assert 50 < held_to_the_rule(once, every) < 5 * len(every["boxes"][0]) * len(classes)
    for key, values in predictor(shown[:1]).items():  # of any batch
        np.testing.assert_allclose(values, once[key][:1], atol=1e-5)
    if not one.int8:
        held_to_the_function(once, every)


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
