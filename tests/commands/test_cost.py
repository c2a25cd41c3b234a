"""`distill cost`: what it prints, draws and writes, and what it refuses."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from distill import cli, formatting
from tests.helpers.table_1 import by_hand, layers


def test_a_student_in_print_picture_and_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--picture", str(tmp_path / "cost.png"), "--json", str(tmp_path / "cost.json")]
    assert cli.main(["cost", "mobilenet_v1_0.25_128", *files]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    found = layers(0.25, 128, 1000, "separable")
    mult_adds, parameters = by_hand(0.25, 128, 1000, "separable")
    pointwise = sum(layer.mult_adds for layer in found if layer.kind == "conv 1x1")
    row = f"conv 1x1 {formatting.count(pointwise)} {100 * pointwise / mult_adds:.2f}"
    assert " ".join(row.split()) in shown
    assert "conv/s2 3x3x3x8 128x128x3" in shown and "dw/s1 3x3x256 4x4x256" in shown
    assert f"{1 / 16 + 1 / 9:.4f} {1 / 16 + 1 / 9:.4f}" in shown
    written = json.loads((tmp_path / "cost.json").read_text(encoding="utf-8"))
    assert (written["mult_adds"], written["parameters"]) == (mult_adds, parameters)
    assert [layer["mult_adds"] for layer in written["layers"]] == [layer.mult_adds for layer in found]
    assert written["memory"]["peak"] == 4 * max(layer.values_in + layer.values_out for layer in found)
    assert len(written["separable_blocks"]) == 13
    with Image.open(tmp_path / "cost.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 500


def test_the_resolution_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cost", "mobilenet_v1_0.25_128", "--resolution", "96"]) == 0
    assert capsys.readouterr().out.startswith("mobilenet_v1_0.25_96: ")
    assert cli.main(["cost", "vit_tiny_patch16_224", "--resolution", "64"]) == 0  # told to timm, or it would be refused
    shown = capsys.readouterr().out
    assert shown.startswith("vit_tiny_patch16_224 at 64 x 64: ") and "products of two activations" in shown


def test_an_onnx_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 64, 5)).eval()
    file = tmp_path / "network.onnx"
    torch.onnx.export(network, (torch.zeros(1, 3, 8, 8),), file, dynamo=True, external_data=False, verbose=False)
    assert cli.main(["cost", str(file), "--json", str(tmp_path / "cost.json")]) == 0
    written = json.loads((tmp_path / "cost.json").read_text(encoding="utf-8"))
    assert written["mult_adds"] == 8 * 27 * 64 + 8 * 64 * 5
    assert "conv/s1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mobilenet_v1_0_128"], "expected a width multiplier above 0"),
        (["mobilenet_v1_1.5_128"], "expected a width multiplier above 0 and at most 1"),
        (["mobilenet_v1_0.5_16"], "expected a resolution of at least 32"),
        (["mobilenet_v1_0.5_128", "--resolution", "31"], "--resolution is 31, expected at least 32"),
        (["resnet81"], "called 'resnet81'. Close to it: resnet"),
        (["resnet18.no_such_weights"], "called 'resnet18.no_such_weights'. Close to it: "),
        (["inception_v3", "--resolution", "40"], "inception_v3: cannot take pictures of 40 x 40 pixels"),
        (["xcit_nano_12_p8_224", "--resolution", "100"], "xcit_nano_12_p8_224: cannot be built for 100 x 100 pixels"),
        (["lowformer_b0"], "upsampling: its mult-adds cannot be counted: transposed convolution"),
        (["no/such.onnx"], "no/such.onnx: no such file"),
        (["mobilenet_v1_0.5_128", "--picture", "cost.gif"], "cost.gif: cannot be drawn"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cost", *arguments]) == 2
    shown = capsys.readouterr()
    assert message in shown.err and not shown.out


def test_a_detector_is_counted_as_table_13_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cost", "ssd_mobilenet_v1_1.0_300"]) == 0
    shown = capsys.readouterr().out.replace("\u202f", " ")
    assert shown.startswith("ssd_mobilenet_v1_1.0_300: 1.24 G mult-adds, 6.82 M parameters")
