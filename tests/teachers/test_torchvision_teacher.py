"""torchvision's detectors as teachers: the boxes that torchvision gives when it is called directly, of the data's
classes."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from distill.answers import Detections, Softmax
from distill.errors import DistillError
from distill.files.weights import write_weights
from teachers.networks.torchvision_detector import limits_of, side_of
from teachers.torchvision_teacher import TorchvisionDetector
from tests.helpers.torchvision_detectors import detector_at_random, renormalised

SMALL = "fasterrcnn_mobilenet_v3_large_320_fpn"
NAMES = ("cat", "dog", "fox")


def pictures_of(side: int) -> Tensor:
    """Float (2, 3, side, side) on 0..1: a few large squares, so that there is something to tell apart."""
    squares = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(squares, size=(side, side), mode="nearest")


def made(model: str, place: Path, resolution: int | None = None) -> tuple[TorchvisionDetector, Any, Tensor]:
    """A recipe's teacher, the network its weights are of, and pictures of its size."""
    sizes = {} if resolution is None else {"min_size": resolution, "max_size": resolution}
    network = detector_at_random(model, 1 + len(NAMES), **sizes)
    pictures = pictures_of(side_of(network))
    renormalised(network, pictures)
    file = place / f"{model}.safetensors"
    write_weights(file, network)
    return TorchvisionDetector(model, file, classes=NAMES, resolution=resolution), network, pictures  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[TorchvisionDetector, Any, Tensor]:
    return made(SMALL, tmp_path_factory.mktemp("torchvision"), 96)


def compare(config: TorchvisionDetector, network: Any, pictures: Tensor) -> None:
    """What torchvision says of a picture, in its own order, is what the teacher says of the classes it is asked for."""
    side = pictures.shape[2]
    teacher = config.teacher(Detections(("fox", "cat")))
    assert (teacher.preprocess.height, teacher.preprocess.width) == (side, side)
    answers = teacher(255 * pictures)
    for picture in range(2):
        with torch.no_grad():
            (direct,) = network([pictures[picture]])
        rows = [
            [*(box / side).tolist(), *((float(score), 0.0) if int(label) == 3 else (0.0, float(score)))]
            for box, label, score in zip(direct["boxes"], direct["labels"], direct["scores"], strict=True)
            if int(label) in (3, 1) and score >= 0.01
        ]
        expected = torch.tensor(sorted(rows, key=lambda row: -max(row[4:]))[:90])
        assert len(expected) >= 5 and bool((expected[:, 4:] > 0).any(dim=0).all())
        found = torch.cat([answers["boxes"][picture], answers["scores"][picture]], dim=1)
        assert int((found[:, 4:] > 0).sum()) == min(100, len(rows))
        # Of scores that are nearly equal the order may differ; each row is there.
        apart = (expected[:, None] - found).abs().amax(dim=2).amin(dim=1)
        assert float(apart.max()) < 1e-3


def test_its_boxes_are_torchvisions(small: tuple[TorchvisionDetector, Any, Tensor]) -> None:
    compare(*small)


def test_one_that_is_bound_to_its_size(tmp_path: Path) -> None:
    config, network, pictures = made("ssdlite320_mobilenet_v3_large", tmp_path)
    compare(config, network, pictures)
    with pytest.raises(DistillError, match=r"teacher\.resolution is 96, and ssdlite320.* takes only 320"):
        replace(config, resolution=96).teacher(Detections(NAMES))


def test_frozen_and_known_by_all_that_its_answers_hang_on(small: tuple[TorchvisionDetector, Any, Tensor]) -> None:
    config, _, _ = small
    teacher = config.teacher(Detections(NAMES))
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert not any(module.training for module in teacher.train().modules())
    assert "NMS at 0.5" in teacher.contract and "3 of 3 classes" in teacher.contract
    others = [
        config.teacher(Detections(("dog", "cat", "fox"))),
        replace(config, resolution=128).teacher(Detections(NAMES)),
        replace(config, classes=("cat", "fox", "dog")).teacher(Detections(NAMES)),
    ]
    assert config.teacher(Detections(NAMES)).fingerprint() == teacher.fingerprint()
    assert len({teacher.fingerprint(), *(other.fingerprint() for other in others)}) == 4


def test_its_cost_is_counted_with_the_proposals_it_may_take(small: tuple[TorchvisionDetector, Any, Tensor]) -> None:
    config, network, _ = small
    size = config.teacher(Detections(NAMES)).size()
    assert size["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    heads = 150 * (256 * 7 * 7 * 1024 + 1024 * 1024 + 1024 * (4 + 16))  # of proposals, which are most of it
    assert size["mult_adds"] is not None and heads < size["mult_adds"] < 1.5 * heads


def test_classes_of_coco_go_by_its_numbers(tmp_path: Path) -> None:
    network = detector_at_random(SMALL, 91, min_size=64, max_size=64)
    write_weights(tmp_path / "coco.safetensors", network)
    config = TorchvisionDetector(
        SMALL, tmp_path / "coco.safetensors", resolution=64, classes="coco", class_map="coco_to_voc"
    )
    teacher = config.teacher(Detections(("person", "tvmonitor", "diningtable")))
    assert teacher.columns == (0, 71, 66)  # COCO's numbers 1, 72 and 67, which have gaps
    with pytest.raises(DistillError, match=r"teacher\.classes: 3 names, and .*coco\.safetensors has 91 outputs"):
        replace(config, classes=NAMES, class_map=None).teacher(Detections(NAMES))


def test_weights_that_are_no_teacher_are_refused(
    small: tuple[TorchvisionDetector, Any, Tensor], tmp_path: Path
) -> None:
    config, network, _ = small
    with pytest.raises(DistillError, match=r"nothing tells the names of its classes\. Give teacher\.classes"):
        replace(config, classes=None).teacher(Detections(NAMES))
    with pytest.raises(DistillError, match=r"weights for another network: ssdlite320.* has head\.classification_head"):
        replace(config, model="ssdlite320_mobilenet_v3_large").teacher(Detections(NAMES))
    with pytest.raises(DistillError, match=r"weights for another network; \d+ tensors do not fit"):
        replace(config, model="fasterrcnn_resnet50_fpn").teacher(Detections(NAMES))
    with pytest.raises(DistillError, match="finds boxes, and this recipe needs prob"):
        config.teacher(Softmax(NAMES))
    with pytest.raises(DistillError, match=r"teacher\.resolution is 0"):
        replace(config, resolution=0)
    tensors = network.state_dict()
    torch.save({"model": tensors, "epoch": torch.tensor(3)}, tmp_path / "checkpoint.pth")
    kept = replace(config, weights=tmp_path / "checkpoint.pth").teacher(Detections(NAMES))
    assert kept.fingerprint() == config.teacher(Detections(NAMES)).fingerprint()


def test_names_and_epsilon_of_the_first_published_weights(tmp_path: Path) -> None:
    """Of COCO weights that torchvision published first, layers are called otherwise, and frozen normalisation has no
    epsilon."""
    config, network, pictures = made("retinanet_resnet50_fpn", tmp_path, 64)
    former = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        name = re.sub(r"^(backbone\.fpn\.\w+_blocks\.\d)\.0\.", r"\1.", name)
        found = re.match(r"^(head\.\w+\.conv)\.(\d)\.0\.(\w+)$", name)
        former[f"{found[1]}.{2 * int(found[2])}.{found[3]}" if found else name] = tensor
    assert {"head.classification_head.conv.6.weight", "backbone.fpn.inner_blocks.0.bias"} <= set(former)
    torch.save(former, tmp_path / "former.pth")
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 0.0
    first = replace(config, weights=tmp_path / "former.pth")
    compare(first, network, pictures)
    epsilons = [limits_of(one.teacher(Detections(NAMES)).network)["epsilon"] for one in (first, config)]
    assert epsilons == [0, 1e-5]
