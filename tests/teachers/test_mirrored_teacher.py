"""A teacher that sees a picture and its mirror image: one answer to both, and honest about its cost."""

from pathlib import Path

import pytest
import timm
import torch

from distill.errors import DistillError
from distill.files.weights import write_weights
from teachers.class_map import load_classifier
from teachers.mirrored_teacher import MirroredTeacher
from teachers.timm_teacher import Timm
from tests.helpers.running import TINY, read, write_recipe

CLASSES = ("a", "b", "c")


def recipe(folder: Path, mirror: bool = True) -> Timm:
    torch.manual_seed(0)
    write_weights(folder / "teacher.safetensors", timm.create_model("test_resnet", num_classes=3))
    return Timm("test_resnet", weights=folder / "teacher.safetensors", height=48, width=40, mirror=mirror)


def test_the_mean_of_two_answers_and_blind_to_a_mirror(tmp_path: Path) -> None:
    config = recipe(tmp_path)
    plain, teacher = config.load(3), load_classifier(config, CLASSES)
    pixels = torch.rand(4, 3, 48, 40, generator=torch.Generator().manual_seed(0)) * 255
    mirrored = torch.stack([picture[:, :, torch.arange(39, -1, -1)] for picture in pixels])
    straight, other = plain(pixels)["logits"], plain(mirrored)["logits"]
    assert (straight - other).abs().max() > 1e-3
    torch.testing.assert_close(teacher(pixels)["logits"], (straight + other) / 2)
    torch.testing.assert_close(teacher(mirrored)["logits"], teacher(pixels)["logits"])


def test_stays_frozen_and_is_another_teacher(tmp_path: Path) -> None:
    plain, teacher = (load_classifier(recipe(tmp_path, mirror), CLASSES) for mirror in (False, True))
    assert isinstance(teacher, MirroredTeacher) and teacher.preprocess == plain.preprocess
    assert not any(module.training for module in teacher.train().modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert teacher.fingerprint() != plain.fingerprint()


def test_its_cost_is_that_of_two_passes(tmp_path: Path) -> None:
    plain, teacher = (load_classifier(recipe(tmp_path, mirror), CLASSES).size() for mirror in (False, True))
    assert plain["mult_adds"] and teacher["mult_adds"] == 2 * plain["mult_adds"]
    assert teacher["parameters"] == plain["parameters"]


def test_embeddings_are_not_mirrored(tmp_path: Path) -> None:
    content = TINY | {"task": "embeddings", "objective": {"name": "squared_embedding"}}
    with pytest.raises(DistillError, match=r"teacher\.mirror: of a teacher of classes, and the task is embeddings"):
        read(write_recipe(tmp_path, content), ["--teacher.mirror", "true"])
