"""Names, configurations, and where a student starts from."""

import logging
from pathlib import Path

import pytest
import timm
import torch

from distill.errors import DistillError
from distill.files.weights import write_weights
from students.mobilenet_v1 import MobilenetV1
from students.naming import student_named, timm_names
from students.student import Student, build_student, create_student
from students.timm_student import TimmStudent


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("mobilenet_v1_0.25_128", MobilenetV1(width=0.25, resolution=128)),
        ("mobilenet_v1_1.0_224", MobilenetV1()),
        ("mobilenet_v1_0.5_96_shallow", MobilenetV1(width=0.5, resolution=96, variant="shallow")),
        ("mobilenet_v1_0.5_96_full_relu6", MobilenetV1("mobilenet_v1", 0.5, 96, "full", "relu6")),
        ("mobilenet_v1_0.75_64_hard_swish", MobilenetV1("mobilenet_v1", 0.75, 64, activation="hard_swish")),
        ("mobilenetv2_100_96", TimmStudent("mobilenetv2_100", resolution=96)),
        ("mobilenetv4_conv_small_050_64", TimmStudent("mobilenetv4_conv_small_050", resolution=64)),
    ],
)
def test_names_are_read_and_printed_back(name: str, config: Student) -> None:
    assert student_named(name) == config
    assert config.full_name == name


def test_every_timm_name_survives_the_round_trip() -> None:
    for name in timm_names():
        for resolution in (32, 100, 224):
            config = TimmStudent(name, resolution=resolution)
            assert student_named(config.full_name) == config


def test_integer_widths_are_read() -> None:
    assert student_named("mobilenet_v1_1_224") == MobilenetV1(width=1.0, resolution=224)


@pytest.mark.parametrize(
    "name", ["mobilenet_v2_0.5", "mobilenet_v1_0.5", "mobilenet_v1_x_96", "resnet18", "", "mobilenetv2_100.none"]
)
def test_unknown_names_list_the_valid_ones(name: str) -> None:
    for named in (student_named, TimmStudent):
        with pytest.raises(DistillError, match="mobilenetv3_small_100") as caught:
            named(name)
        assert repr(name) in str(caught.value)


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(DistillError, match="Did you mean mobilenetv3_small_100"):
        TimmStudent("mobilenetv3_smal_100")


def test_a_full_name_is_not_a_name() -> None:
    with pytest.raises(DistillError, match=r"width: 0\.25, .*resolution: 128"):
        TimmStudent("mobilenet_v1_0.25_128")


@pytest.mark.parametrize("name", ["mobilenetv2_035", "mobilenetv3_small_050", "mobilenetv4_conv_small_035"])
def test_networks_of_timm(name: str) -> None:
    network = create_student(TimmStudent(name, resolution=64), 6).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 6)


def test_preprocess_is_the_one_of_the_pretrained_weights() -> None:
    cfg = timm.get_pretrained_cfg("mobilenetv1_100")
    found = TimmStudent("mobilenetv1_100", resolution=96).preprocess
    assert (found.height, found.width, found.interpolation) == (96, 96, cfg.interpolation)
    assert (found.mean, found.std) == (cfg.mean, cfg.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_weights_from_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = build_student(MobilenetV1(width=0.1), 7)
    file = tmp_path / "start.safetensors"
    write_weights(file, other)
    same = create_student(MobilenetV1(width=0.1, weights=file), 7)
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in same.state_dict().items())
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        create_student(MobilenetV1(width=0.1, weights=str(file)), 5)
    assert "left at random: classifier.weight, classifier.bias" in caplog.text
    with pytest.raises(DistillError, match="weights for another network"):
        create_student(MobilenetV1(width=0.2, weights=file), 7)


def test_timm_has_no_weights_of_the_papers_network() -> None:
    with pytest.raises(DistillError, match="mobilenetv1_100"):
        create_student(MobilenetV1(weights="timm"), 5)
