"""A student of two stages: what it costs, what it looks at, where it starts from, and its file."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torchvision.ops import box_convert
from torchvision.ops import roi_align as cut_out

from distill.answers import Boxes
from distill.audit.detectors import faster_rcnn_mobilenet
from distill.cost import count
from distill.cost.onnx_graph import count_onnx
from distill.errors import DistillError
from distill.export.deployed import Deployed
from distill.export.int8.folding import fold
from distill.export.onnx import export_onnx
from distill.files.weights import write_weights
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.torch_predictor import TorchPredictor
from students.anchors import map_anchors
from students.faster_rcnn import CELL, LEARNT_FROM, FasterRcnn, FasterRcnnMobilenetV1
from students.files import load_student, save_student
from students.head import Boxed
from students.manifest import StudentManifest
from students.mobilenet_v1 import MobilenetV1
from students.naming import student_named
from students.student import build_student, create_student

SMALL = FasterRcnnMobilenetV1(width=0.1, resolution=64, proposals=10)
KIND = Boxes(("cat", "dog"), 10)


def network_of(student: FasterRcnnMobilenetV1 = SMALL, classes: int = 2) -> FasterRcnn:
    """With layers that say more than at the beginning, when all of them say nothing."""
    torch.manual_seed(0)
    network = build_student(student, Boxed(classes)).train()
    assert isinstance(network, FasterRcnn)
    with torch.no_grad():
        for _ in range(10):  # statistics of its own
            network(torch.randn(8, 3, student.resolution, student.resolution) * 2 + 1)
    for layer in (network.sought, network.said):
        nn.init.normal_(layer.weight, std=0.5)
        nn.init.zeros_(layer.bias)
    return network.eval()


@pytest.mark.parametrize(("resolution", "billions"), [(300, 25.22), (600, 30.49)])
def test_it_costs_what_table_13_says_and_the_audit_counts(resolution: int, billions: float) -> None:
    student = student_named(f"faster_rcnn_mobilenet_v1_1.0_{resolution}")
    with torch.device("meta"):
        network, audited = build_student(student, Boxed(student.counted_outputs)), faster_rcnn_mobilenet(91)
    cost, expected = (count(one, resolution, resolution) for one in (network, audited))
    assert (round(cost.mult_adds / 1e9, 2), round(cost.parameters / 1e6, 2)) == (billions, 6.07)
    assert (cost.mult_adds, cost.parameters) == (expected.mult_adds, expected.parameters)


def test_a_proposal_costs_two_layers_of_49_places() -> None:
    costs = [count(network_of(replace(SMALL, width=0.5, proposals=many)), 64, 64).mult_adds for many in (7, 8)]
    layers = 49 * (9 * 256 + 256 * 512 + 9 * 512 + 512 * 512) + 512 * (1 + 2 + 8)
    assert costs[1] - costs[0] == layers


@pytest.mark.parametrize("resolution", [64, 70])
def test_what_is_said_is_said_of_the_crops(resolution: int) -> None:
    """The second stage once more: from its proposals, one crop at a time, with numbers picked out by hand."""
    network, pixels = network_of(replace(SMALL, resolution=resolution)), torch.randn(2, 3, resolution, resolution)
    with torch.no_grad():
        network.said.bias[1:3] -= network(pixels)["logits"].flatten(0, 1).median(dim=0).values  # both classes are said
        outputs, maps = network(pixels), network.body(pixels)
        shapes = {name: tuple(tensor.shape) for name, tensor in outputs.items()}
        assert shapes == {"locations": (2, 10, 4), "logits": (2, 10, 2), "anchors": (2, 10, 4)}
        corners = box_convert(outputs["anchors"], "cxcywh", "xyxy")
        assert (corners >= -1e-6).all() and (corners <= 1 + 1e-6).all()
        picked = set()
        for picture, number in itertools.product(range(2), range(10)):
            place = corners[picture, number] * maps.shape[2]
            crop = cut_out(maps[picture : picture + 1], [place[None]], 7, sampling_ratio=2, aligned=True)
            said = network.said(network.body.network.blocks[-1](crop).mean(dim=(2, 3)))[0].tolist()
            logits = [said[1] - said[0], said[2] - said[0]]
            assert outputs["logits"][picture, number].tolist() == pytest.approx(logits, abs=1e-4)
            surest = logits.index(max(logits))
            box = said[3 + 4 * surest : 7 + 4 * surest]
            assert outputs["locations"][picture, number].tolist() == pytest.approx(box, abs=1e-4)
            picked.add(surest)
    assert picked == {0, 1}


def test_in_training_it_gives_where_it_sought_and_looks_at_fewer() -> None:
    network = network_of(replace(SMALL, proposals=40)).train()
    outputs = network(torch.randn(2, 3, 64, 64))
    anchors = 4 * 4 * 12
    assert outputs["logits"].shape == (2, LEARNT_FROM, 2)
    assert {name: tuple(outputs[name].shape[1:]) for name in outputs if name.startswith("proposed_")} == {
        "proposed_locations": (anchors, 4),
        "proposed_logits": (anchors, 1),
        "proposed_anchors": (anchors, 4),
    }
    assert torch.equal(outputs["proposed_anchors"][1], map_anchors(4, CELL))
    assert not outputs["anchors"].requires_grad  # what a box is away from its proposal teaches the proposal nothing
    outputs["logits"].sum().backward()
    assert network.sought.weight.grad is None and network.body.network.conv_stem.weight.grad is not None


def test_the_numbers_of_a_place_stand_beside_its_anchors() -> None:
    network = network_of().train()
    captured: list[torch.Tensor] = []
    network.sought.register_forward_hook(lambda *given: captured.append(given[-1]))
    outputs = network(torch.randn(1, 3, 64, 64))
    row, column, anchor = 2, 1, 5
    six = captured[0][0, anchor * 6 : anchor * 6 + 6, row, column]
    number = (row * 4 + column) * 12 + anchor
    assert torch.equal(outputs["proposed_locations"][0, number], six[:4])
    assert outputs["proposed_logits"][0, number, 0] == six[4] - six[5]
    anchors = outputs["proposed_anchors"][0, number]
    assert anchors.tolist() == pytest.approx([1.5 / 4, 2.5 / 4, 0.2 / 2**0.5, 0.2 * 2**0.5])


def test_before_training_every_score_is_a_hundredth() -> None:
    torch.manual_seed(0)
    outputs = build_student(SMALL, Boxed(2)).train()(torch.randn(2, 3, 64, 64))
    for name in ("logits", "proposed_logits"):
        assert outputs[name].sigmoid().mean().item() == pytest.approx(0.01, rel=0.3)


def test_the_last_two_layers_have_no_stride_and_the_weights_of_a_classifier(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained: Any = build_student(MobilenetV1(width=0.1), 5).eval()
    write_weights(tmp_path / "student.safetensors", trained)
    network: Any = create_student(replace(SMALL, weights=tmp_path), Boxed(2)).eval()
    whole = trained.state_dict()
    body = {name: tensor for name, tensor in whole.items() if not name.startswith("classifier.")}
    assert all(torch.equal(network.body.network.state_dict()[name], tensor) for name, tensor in body.items())
    assert caplog.messages[0].endswith(f"{len(body)} tensors of {SMALL.full_name} are taken from it, 6 are random.")
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        (before,) = trained.forward_intermediates(pixels, indices=[3], intermediates_only=True)
        torch.testing.assert_close(network.body(pixels), before)
        assert network.body.network.blocks[-1](torch.randn(3, before.shape[1], 7, 7)).shape[2:] == (7, 7)


def test_it_is_read_back_and_of_other_classes_its_body(tmp_path: Path) -> None:
    network = network_of()
    save_student(tmp_path, network, StudentManifest(SMALL, KIND, SMALL.preprocess, (64, 64), seed=1, teacher="none"))
    again, read = load_student(tmp_path)
    assert (read.config, read.answers) == (SMALL, KIND)
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert all(torch.equal(tensor, again(pixels)[name]) for name, tensor in network(pixels).items())
    started: Any = create_student(replace(SMALL, weights=tmp_path), Boxed(7))
    own = network.body.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in started.body.state_dict().items())


def test_names_are_read_and_wrong_keys_refused() -> None:
    assert student_named("faster_rcnn_mobilenet_v1_0.5_160_shallow") == FasterRcnnMobilenetV1(
        width=0.5, resolution=160, variant="shallow"
    )
    assert SMALL.full_name == "faster_rcnn_mobilenet_v1_0.1_64"
    with pytest.raises(DistillError, match=r"student\.proposals: 0, expected at least 1"):
        replace(SMALL, proposals=0)
    with pytest.raises(DistillError, match="faster_rcnn_mobilenet_v1 finds boxes"):
        build_student(SMALL, 3)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "student.onnx"
    export_onnx(path, fold(network_of()), SMALL.preprocess, KIND, picture=(64, 64))
    return path


@pytest.mark.parametrize("batch", [1, 3])
def test_its_file_answers_as_torch_does(file: Path, batch: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        boxes, scores = Deployed(network_of(), SMALL.preprocess, KIND)(torch.from_numpy(pictures))
    predictor, answers = OnnxPredictor(file, threads=1), []
    for start in range(0, len(pictures), batch):
        answers.append(predictor(pictures[start : start + batch]))
    given = {name: np.concatenate([one[name] for one in answers]) for name in ("boxes", "scores")}
    assert KIND.apart(given, {"boxes": boxes.numpy(), "scores": scores.numpy()}) < 1e-4
    assert scores.std() > 0.05


def test_its_file_costs_what_it_costs(file: Path) -> None:
    assert "RoiAlign" in {node.op_type for node in onnx.load(file).graph.node}
    assert count_onnx(file).mult_adds == count(network_of(), 64, 64).mult_adds


def test_so_many_pictures_are_shown_at_once_that_their_crops_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        many = build_student(FasterRcnnMobilenetV1(), Boxed(20))
    assert isinstance(many, FasterRcnn)
    largest = many.at_once * 300 * 1024 * 7 * 7 * 4  # bytes of the last layer's map
    assert 0.4e9 < largest <= 0.54e9

    network, shown = network_of(), np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    predictor = TorchPredictor(network, SMALL.preprocess, KIND, normalize=True, name="small")
    whole, sizes = predictor(shown), []
    network.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    monkeypatch.setattr(network, "at_once", 2)
    for name, values in predictor(shown).items():
        np.testing.assert_allclose(values, whole[name], atol=1e-5)
    assert sizes == [2, 2, 1]
