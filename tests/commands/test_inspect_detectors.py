"""`distill inspect` finds how a detector wants its pictures, and how it writes what it sees."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from distill import cli
from tests.helpers.squares import CLASSES, SIDE, square_detector, voc_of_squares

COCO = ("--teacher.classes", "coco", "--teacher.class_map", "coco_to_voc")


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The pictures, with the grey they lie on: the recipe's own fit is as wrong as another."""
    root = voc_of_squares(tmp_path_factory.mktemp("squares") / "voc")
    size = ["--prepare.height", str(SIDE), "--prepare.width", str(SIDE), "--prepare.fit", "pad"]
    return ["--recipe", "object_detection", "--data", "voc", "--data.root", str(root), *size]


def inspected(file: Path, *arguments: str) -> dict[str, Any]:
    written = file.with_suffix(".json")
    assert cli.main(["inspect", str(file), "--json", str(written), *arguments]) == 0
    content: dict[str, Any] = json.loads(written.read_text())
    return content


def test_a_detector_on_grids_is_found(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = square_detector(tmp_path / "squares.onnx")
    content = inspected(file, *arguments, "--teacher.classes", json.dumps(CLASSES))
    section = yaml.safe_load(content["section"])
    assert section["prepare"] == {"fit": "pad_corner"}
    assert section["teacher"] == {
        "name": "onnx_detector",
        "file": str(file),
        "channels": "bgr",
        "scale": "0..255",
        "interpolation": "bilinear",
        "boxes": "cxcywh",
        "unit": "pixels",
        "scores": "objectness",
        "strides": [8, 16, 32],
        "classes": [*CLASSES],
    }
    best = content["hypotheses"][0]
    assert best["score"] == pytest.approx(1) and content["metric"] == "AP"
    # Kernels do not tell at the detector's own size; all else does.
    assert set(content["undecided"]) <= {"interpolation"}
    for one in content["hypotheses"]:
        if one["fit"] != "pad_corner" or one["teacher"]["channels"] != "bgr":
            assert one["score"] is None or one["score"] < 0.9
    assert content["section"] in capsys.readouterr().out


def test_outputs_apart_are_found_in_their_order_by_the_names_in_the_metadata(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = square_detector(tmp_path / "apart.onnx", "corners", names=str(dict(enumerate(CLASSES))))
    content = inspected(file, *arguments, "--teacher.channels", "bgr", "--teacher.scale", "0..255")
    section = yaml.safe_load(content["section"])["teacher"]
    read = {key: section.get(key) for key in ("outputs", "boxes", "unit", "scores", "strides")}
    assert read == {
        "outputs": ["boxes", "classes"],
        "boxes": "xyxy",
        "unit": "shares",
        "scores": "classes",
        "strides": None,
    }
    assert section["classes"] == [*CLASSES]
    assert "classes by the names in the file's metadata, names" in capsys.readouterr().out


def test_what_it_ends_with_can_be_run(arguments: list[str], tmp_path: Path) -> None:
    """The section as written, in the recipe whose pictures it was asked about."""
    known = ["--teacher.channels", "bgr", "--teacher.scale", "0..255"]
    content = inspected(square_detector(tmp_path / "squares.onnx"), *arguments, *known)  # names in the data's order
    recipe = {
        "task": "boxes",
        "data": {"name": "voc", "root": arguments[5]},
        "prepare": {"height": SIDE, "width": SIDE},
        "student": {"name": "ssd_mobilenet_v1", "width": 0.1, "resolution": SIDE},
        "objective": {"name": "boxes"},
    }
    section = yaml.safe_load(content["section"])
    recipe = recipe | {"teacher": section["teacher"], "prepare": {**recipe["prepare"], **section["prepare"]}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(recipe))
    scores = tmp_path / "scores.json"
    out = ["--model", "teacher", "--out", str(tmp_path / "out"), "--json", str(scores)]
    assert cli.main(["evaluate", str(tmp_path / "mine.yaml"), *out]) == 0
    assert json.loads(scores.read_text())["metrics"]["AP50"] == pytest.approx(1)


def test_what_cannot_be_told_is_asked_for(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = square_detector(tmp_path / "squares.onnx")
    recipe, size = arguments[:2], arguments[6:]
    folder = [*recipe, "--data", "folder", "--data.root", f"{arguments[5]}/JPEGImages", *size]
    for keys, words in (
        ([*arguments, "--teacher.class_map", "coco_to_voc"], "Name them all in their order: --teacher.classes FILE."),
        ([*arguments, "--teacher.classes", '["blue", "red", "c", "d"]'], "no way to read boxes fits what it answers"),
        (folder, "is held to boxes of the data. Give labelled pictures"),
        ([*folder, "--teacher.classes", json.dumps(CLASSES)], "Give labelled pictures"),
    ):
        assert cli.main(["inspect", str(file), *keys]) == 2
        (said,) = capsys.readouterr().err.splitlines()[-1:]
        assert words in said


@pytest.mark.real_data
def test_yolox_nano_is_found_on_200_photographs(tmp_path: Path) -> None:
    """Of the training part of VOC 2007. Where the picture lies on its grey, few photographs tell."""
    root = Path(os.environ["DISTILL_REAL_DATA"])
    written = tmp_path / "found.json"
    size = ["--prepare.height", "300", "--prepare.width", "300"]
    data = ["--recipe", "object_detection", "--data", "voc", "--data.root", str(root / "voc2007"), *size]
    file = root / "weights/yolox_nano.onnx"
    assert cli.main(["inspect", str(file), "--json", str(written), *data, *COCO]) == 0
    content = json.loads(written.read_text())
    section = yaml.safe_load(content["section"])
    teacher, fit = section["teacher"], section["prepare"]["fit"]
    assert content["pictures"] == 200
    assert (teacher["channels"], teacher["scale"]) == ("bgr", "0..255")
    assert (teacher["boxes"], teacher["unit"], teacher["scores"]) == ("cxcywh", "pixels", "objectness")
    assert teacher["strides"] == [8, 16, 32]
    assert "pad_corner" in {fit, *content["undecided"].get("fit", [])}
