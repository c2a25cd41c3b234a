"""An SSD as a teacher: it answers its network's boxes, none of them twice, and what is no teacher is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distill.answers import Boxes, Detections, Softmax
from distill.answers.suppression import suppressed
from distill.errors import DistillError
from distill.files.weights import write_weights
from teachers.ssd_teacher import SsdTeacher

CLASSES = ("blue", "red")
KIND = Detections(CLASSES)
PICTURES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32)).astype(np.float32))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[SsdTeacher, Any]:
    """A recipe with weights, and the network they are of."""
    torch.manual_seed(0)
    config = SsdTeacher(width=0.1, resolution=32)
    network: Any = config.trainable(Boxes(CLASSES))[0].eval()
    with torch.no_grad():
        network.predictors[0].classes.bias.add_(4.5)  # from a hundredth to about one half
    file = tmp_path_factory.mktemp("ssd") / "teacher.safetensors"
    write_weights(file, network)
    return replace(config, weights=file), network


def test_it_answers_its_surest_boxes_once(taught: tuple[SsdTeacher, Any]) -> None:
    config, network = taught
    teacher = config.teacher(KIND)
    assert (teacher.classes, teacher.shapes, teacher.preprocess.height) == (CLASSES, KIND.shapes, 32)
    assert not any(parameter.requires_grad for parameter in teacher.parameters()) and not teacher.train().training
    answers = teacher(PICTURES)
    with torch.no_grad():
        raw = Boxes(CLASSES).activate(network(teacher.preprocess.normalize(PICTURES)))
    boxes, scores, classes = suppressed(raw["boxes"].numpy(), raw["scores"].numpy(), 0.6, 100)
    for picture in range(2):
        count = len(scores[picture])
        assert 1 < count <= 100
        np.testing.assert_allclose(answers["boxes"][picture, :count], boxes[picture], atol=1e-5)
        found = answers["scores"][picture, torch.arange(count), torch.from_numpy(classes[picture]).long()]
        np.testing.assert_allclose(found, scores[picture], atol=1e-5)
        # A row is of one class, and those that are none are empty.
        assert int((answers["scores"][picture] > 0).sum()) == count and not answers["boxes"][picture, count:].any()


def test_its_fingerprint_is_of_weights_and_of_classes(taught: tuple[SsdTeacher, Any], tmp_path: Path) -> None:
    config, network = taught
    prints = {config.teacher(KIND).fingerprint(), config.with_weights(KIND, Path(config.weights)).fingerprint()}
    assert len(prints) == 1
    prints.add(config.teacher(Detections(("cat", "dog"))).fingerprint())
    with torch.no_grad():
        network.predictors[0].classes.bias[0] += 1
        write_weights(tmp_path / "other.safetensors", network)
        network.predictors[0].classes.bias[0] -= 1
    prints.add(config.with_weights(KIND, tmp_path / "other.safetensors").fingerprint())
    assert len(prints) == 3


def test_what_it_costs_is_its_network(taught: tuple[SsdTeacher, Any]) -> None:
    config, network = taught
    size = config.teacher(KIND).size()
    assert size["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert size["mult_adds"] and size["mult_adds"] > 0


def test_what_is_no_teacher_is_refused(taught: tuple[SsdTeacher, Any], tmp_path: Path) -> None:
    config, _ = taught
    with pytest.raises(DistillError, match=r"teacher\.weights: scratch is no teacher; teach it first"):
        SsdTeacher(width=0.1, resolution=32).teacher(KIND)
    with pytest.raises(DistillError, match="teacher ssd_mobilenet_v1: finds boxes, and this recipe needs prob"):
        config.teacher(Softmax(CLASSES))
    with pytest.raises(DistillError, match="teacher ssd_mobilenet_v1: finds boxes, and this recipe needs the boxes"):
        config.teacher(Detections())  # of which nobody knows the classes
    with pytest.raises(DistillError, match=r"teacher\.safetensors"):
        config.teacher(Detections(("a", "b", "c")))
    with pytest.raises(DistillError, match=r"none\.safetensors"):
        config.with_weights(KIND, tmp_path / "none.safetensors")
    for rates in ({"drop_rate": 0.1}, {"drop_path_rate": 0.1}):
        with pytest.raises(
            DistillError, match=r"teach\.drop_rate, teach\.drop_path_rate: ssd_mobilenet_v1 has neither"
        ):
            config.trainable(Boxes(CLASSES), **rates)
