"""Detectors seen from inside: maps by stride, and of an SSD what each anchor says."""

from pathlib import Path

import torch

from distill.answers import Boxes, Detections
from distill.files.weights import write_weights
from teachers.ssd_teacher import SsdTeacher
from teachers.torchvision_teacher import TorchvisionDetector
from tests.helpers.torchvision_detectors import detector_at_random

KIND = Detections(("blue", "red"))
PICTURES = torch.randint(0, 256, (2, 3, 64, 64), generator=torch.Generator().manual_seed(0)).float()


def test_an_ssd_shows_what_its_boxes_are_made_of(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = SsdTeacher(width=0.1, resolution=64, weights=tmp_path / "teacher.safetensors")
    network = SsdTeacher(width=0.1, resolution=64).trainable(Boxes(("blue", "red")))[0].eval()
    write_weights(tmp_path / "teacher.safetensors", network)
    teacher = config.teacher(KIND)
    seen = teacher.inside(PICTURES)
    assert [tuple(seen[f"map_{stride}"].shape[2:]) for stride in (16, 32, 64)] == [(4, 4), (2, 2), (1, 1)]
    with torch.no_grad():
        answers = network(teacher.preprocess.normalize(PICTURES))
    for name in ("locations", "logits", "anchors"):
        torch.testing.assert_close(seen[name], answers[name])


def test_torchvisions_show_the_maps_of_their_backbones(tmp_path: Path) -> None:
    model = "fasterrcnn_mobilenet_v3_large_320_fpn"
    write_weights(tmp_path / "teacher.safetensors", detector_at_random(model, 3))
    config = TorchvisionDetector(model, tmp_path / "teacher.safetensors", resolution=64, classes=("blue", "red"))  # type: ignore[arg-type]
    teacher = config.teacher(KIND)
    seen = teacher.inside(PICTURES)
    with torch.no_grad():
        pixels = teacher.preprocess.normalize(PICTURES).contiguous(memory_format=torch.channels_last)
        maps = teacher.network.backbone(pixels)
    assert list(seen) == ["map_32", "map_64"]  # two of its three maps have a stride of 32
    torch.testing.assert_close(seen["map_32"], maps["0"])
    torch.testing.assert_close(seen["map_64"], maps["pool"])
