"""Students that find boxes: their maps and anchors, what they cost, and where they start from."""

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from distill.answers import Boxes
from distill.cost import count
from distill.errors import DistillError
from distill.files.weights import write_weights
from students.files import load_student, save_student
from students.head import Boxed
from students.manifest import StudentManifest
from students.mobilenet_v1 import MobilenetV1
from students.naming import student_named, timm_names
from students.ssd import Ssd, SsdMobilenetV1
from students.ssdlite import Ssdlite
from students.student import Student, build_student, create_student
from students.timm_student import TimmStudent

SMALL = SsdMobilenetV1(width=0.25, resolution=64)
KIND = Boxes(("cat", "dog"), 105)


def answered(student: Student, classes: int = 2) -> dict[str, torch.Tensor]:
    network = build_student(student, Boxed(classes)).eval()
    with torch.no_grad():
        return network(torch.randn(2, 3, student.resolution, student.resolution))  # type: ignore[no-any-return]


def test_at_300_pixels_there_are_1917_anchors() -> None:
    outputs = answered(SsdMobilenetV1(width=0.1))
    shapes = {name: tuple(tensor.shape) for name, tensor in outputs.items()}
    assert shapes == {"locations": (2, 1917, 4), "logits": (2, 1917, 2), "anchors": (2, 1917, 4)}
    assert torch.equal(outputs["anchors"][0], outputs["anchors"][1])


def test_it_costs_what_table_13_says() -> None:
    with torch.device("meta"):
        network = build_student(SsdMobilenetV1(), Boxed(91))
    cost = count(network, 300, 300)
    assert (round(cost.mult_adds / 1e6), round(cost.parameters / 1e4)) == (1237, 682)


@pytest.mark.parametrize(
    "name", ["ssdlite_mobilenetv2_035", "ssdlite_mobilenetv3_small_050", "ssd_mobilenet_v1_0.1_96"]
)
@pytest.mark.parametrize("resolution", [96, 100])
def test_the_number_of_anchors_is_that_of_the_maps(name: str, resolution: int) -> None:
    outputs = answered(replace(student_named(name), resolution=resolution))  # type: ignore[type-var]
    assert outputs["logits"].shape[1] == outputs["locations"].shape[1] == outputs["anchors"].shape[1]


@pytest.mark.parametrize("name", [name for name in timm_names() if "hybrid" not in name])
def test_every_mobilenet_of_timm_has_the_two_maps(name: str) -> None:
    with torch.device("meta"):
        network = build_student(Ssdlite(f"ssdlite_{name}", 96), Boxed(3)).eval()
        assert isinstance(network, Ssd)
        assert [maps.shape[2] for maps in network.body(torch.zeros(1, 3, 96, 96))] == [6, 3]


def test_the_outputs_of_a_cell_stand_beside_its_anchors() -> None:
    network = build_student(SMALL, Boxed(2)).eval()
    assert isinstance(network, Ssd)
    captured: list[torch.Tensor] = []
    network.predictors[1].classes.register_forward_hook(lambda *given: captured.append(given[-1]))
    with torch.no_grad():
        logits = network(torch.randn(1, 3, 64, 64))["logits"][0]
    first = 4 * 4 * 3  # anchors of the map before
    row, column, anchor, kind = 1, 0, 4, 1
    of_cell = first + (row * 2 + column) * 6 + anchor
    assert logits[of_cell, kind] == captured[0][0, anchor * 2 + kind, row, column]
    centre = network.anchors[0, of_cell, :2].tolist()
    assert centre == pytest.approx([(column + 0.5) / 2, (row + 0.5) / 2])


def test_before_training_every_class_has_a_score_of_a_hundredth() -> None:
    for student in (SMALL, Ssdlite("ssdlite_mobilenetv3_small_050", 64)):
        scores = answered(student)["logits"].sigmoid()
        assert scores.mean().item() == pytest.approx(0.01, rel=0.3)
    network: Any = build_student(SMALL, Boxed(2))
    assert network.predictors[0].classes.bias[0].item() == pytest.approx(math.log(0.01 / 0.99))
    assert not network.predictors[0].places.bias.any()


def test_extra_maps_are_normalised_as_tensorflows() -> None:
    network: Any = build_student(SMALL, Boxed(2))
    norms = [layer for layer in network.extras.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == 8 and {norm.eps for norm in norms} == {1e-3}
    assert [norm.num_features for norm in norms] == [64, 128, 32, 64, 32, 64, 16, 32]


def test_names_are_read_and_printed_back() -> None:
    for name, student in (
        ("ssd_mobilenet_v1_0.25_300", SsdMobilenetV1(width=0.25)),
        ("ssd_mobilenet_v1_0.5_160_shallow_relu6", SsdMobilenetV1("ssd_mobilenet_v1", 0.5, 160, "shallow", "relu6")),
        ("ssdlite_mobilenetv2_100_300", Ssdlite("ssdlite_mobilenetv2_100")),
        ("ssdlite_mobilenetv4_conv_small_050_64", Ssdlite("ssdlite_mobilenetv4_conv_small_050", 64)),
    ):
        assert student_named(name) == student
        assert student.full_name == name
    assert student_named("ssd_mobilenet_v1") == SsdMobilenetV1()
    assert student_named("ssdlite_mobilenetv2_100").resolution == 300
    with pytest.raises(DistillError, match="Did you mean ssd_mobilenet_v1"):
        student_named("ssd_mobilenet_v2")
    with pytest.raises(DistillError, match="no student is called 'ssdlite_resnet18'"):
        Ssdlite("ssdlite_resnet18")


def test_a_plain_student_finds_no_boxes_and_an_ssd_gives_no_classes() -> None:
    with pytest.raises(
        DistillError, match=r"student\.name: mobilenet_v1 answers to whole pictures, .*ssd_mobilenet_v1"
    ):
        build_student(MobilenetV1(), KIND.head())
    with pytest.raises(DistillError, match=r"student\.name: mobilenetv2_050 answers to whole pictures"):
        create_student(TimmStudent("mobilenetv2_050", weights="timm"), KIND.head())
    for head in (3, 1):
        with pytest.raises(DistillError, match=r"student\.name: ssd_mobilenet_v1 finds boxes, .*Take mobilenet_v1"):
            create_student(replace(SMALL, weights="none.pth"), head)


def body_of(network: Any) -> dict[str, torch.Tensor]:
    return dict(network.body.network.state_dict())


@pytest.mark.parametrize(
    "classifier", [MobilenetV1(width=0.25, resolution=64), TimmStudent("mobilenetv3_small_050", 64)]
)
def test_the_body_of_a_classifier_is_taken(
    classifier: Student, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained = build_student(classifier, 5)
    write_weights(tmp_path / "student.safetensors", trained)
    student: Any = SMALL if classifier.name == "mobilenet_v1" else Ssdlite(f"ssdlite_{classifier.name}", 64)
    network = create_student(replace(student, weights=tmp_path), Boxed(2))  # a student's folder
    body, whole = body_of(network), trained.state_dict()
    assert all(torch.equal(tensor, whole[name]) for name, tensor in body.items())
    left = len(network.state_dict()) - len(body)
    (said,) = caplog.messages
    assert said.endswith(f"{len(body)} tensors of {student.full_name} are taken from it, {left} are random.")


def test_a_detector_is_read_back_whole_and_of_other_classes_its_body(tmp_path: Path) -> None:
    network = build_student(SMALL, KIND.head()).eval()
    manifest = StudentManifest(SMALL, KIND, SMALL.preprocess, (64, 64), seed=1, teacher="none")
    save_student(tmp_path, network, manifest)
    again, read = load_student(tmp_path)
    assert read.answers == KIND and read.config == SMALL
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in network.state_dict().items())
    started = create_student(replace(SMALL, weights=tmp_path), Boxed(7))
    assert all(torch.equal(tensor, body_of(network)[name]) for name, tensor in body_of(started).items())


def test_the_body_of_another_width_is_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "narrow.safetensors", build_student(MobilenetV1(width=0.1), 5))
    with pytest.raises(DistillError, match=r"weights for another network; .*body\.network\.conv_stem\.weight is"):
        create_student(replace(SMALL, weights=tmp_path / "narrow.safetensors"), Boxed(2))


def test_the_published_body_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from tests.students.test_published import Published

    published = Published()
    torch.save(
        {f"module.{name}": tensor for name, tensor in published.state_dict().items()}, tmp_path / "published.tar"
    )
    caplog.set_level(logging.WARNING)
    student = replace(SMALL, activation="leaky_relu", weights=tmp_path / "published.tar")
    network: Any = create_student(student, Boxed(2)).eval()
    published.eval()
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        ours = network.body(pixels)
        before = published.stage2(published.stage1(pixels))
        torch.testing.assert_close(ours[0], before)
        torch.testing.assert_close(ours[1], published.stage3(before))
    assert any("are taken from it" in said for said in caplog.messages)
