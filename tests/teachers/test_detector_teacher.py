"""An ONNX detector as a teacher: what its graph does not say is asked for, and its boxes are of the data's classes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from distill.answers import Detections, Softmax
from distill.errors import DistillError
from teachers.detector_teacher import OnnxDetector

SIDE = 40
NAMES = ("car", "tv", "dog")  # as the detector has them
BOXES = np.float32([[4, 8, 24, 28], [4, 8, 24, 26], [10, 10, 40, 40], [0, 0, 10, 4]])  # the second lies on the first
SCORES = np.float32([[0.9, 0, 0], [0.8, 0, 0.7], [0, 0.6, 0], [0.1, 0, 0.2]])  # of a white picture
KEYS: dict[str, Any] = {
    "outputs": ("boxes", "scores"),
    "boxes": "xyxy",
    "unit": "pixels",
    "scores": "classes",
    "scale": "0..255",
    "interpolation": "bilinear",
    "classes": NAMES,
}


def graph(path: Path) -> Path:
    """The boxes are always the same, scores are in proportion to the brightness of the first channel; a third output
    is of no use."""
    nodes = [
        helper.make_node("Gather", ["pictures", "channel"], ["first"], axis=1),  # (N, 1, h, w)
        helper.make_node("ReduceMean", ["first", "axes"], ["bright"], keepdims=0),
        helper.make_node("Unsqueeze", ["bright", "last"], ["column"]),  # (N, 1, 1), which multiplies rows
        helper.make_node("Mul", ["column", "white"], ["share"]),
        helper.make_node("Mul", ["share", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "places"], ["boxes"]),
        helper.make_node("Mul", ["share", "certain"], ["scores"]),
        helper.make_node("Identity", ["share"], ["more"]),
    ]
    floats = {"white": 1 / 255, "nothing": 0.0, "places": BOXES[None], "certain": SCORES[None]}
    integers = {"channel": [0], "axes": [2, 3], "last": [1]}
    weights = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in floats.items()]
    weights += [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in integers.items()]
    made = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ("N", 3, SIDE, SIDE))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("boxes", "scores", "more")],
        weights,
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> OnnxDetector:
    return OnnxDetector(graph(tmp_path_factory.mktemp("detector") / "finds.onnx"), **KEYS)


def white(red: float = 255.0) -> torch.Tensor:
    """(2, 3, h, w): one of that red, and one of half of it."""
    pictures = torch.full((2, 3, SIDE, SIDE), 255.0)
    pictures[:, 0] = torch.tensor([red, red / 2]).view(2, 1, 1)
    return pictures


def test_boxes_of_the_datas_classes_come_back_as_shares(config: OnnxDetector) -> None:
    teacher = config.teacher(Detections(("dog", "car")))
    assert teacher.classes == ("dog", "car") and teacher.shapes == {"boxes": (100, 4), "scores": (100, 2)}
    answers = teacher(white())
    # The tv is no class of the data; of the two cars at one place the surer is left; each class by itself.
    rows = [(0, 1, 0.9), (1, 0, 0.7), (3, 0, 0.2), (3, 1, 0.1)]
    for picture, share in enumerate((1.0, 0.5)):
        for at, (box, number, score) in enumerate(rows):
            np.testing.assert_allclose(answers["boxes"][picture, at], BOXES[box] / SIDE, atol=1e-6)
            wanted = [0.0, 0.0]
            wanted[number] = score * share
            np.testing.assert_allclose(answers["scores"][picture, at], wanted, atol=1e-6)
        assert not answers["scores"][picture, len(rows) :].any() and not answers["boxes"][picture, len(rows) :].any()


def test_without_suppression_every_box_is_one(config: OnnxDetector) -> None:
    answers = replace(config, nms=None).teacher(Detections(("car",)))(white())
    np.testing.assert_allclose(answers["scores"][0, :4, 0], [0.9, 0.8, 0.1, 0], atol=1e-6)
    with pytest.raises(DistillError, match=r"teacher\.nms is 0, expected an IoU above 0 and at most 1, or null"):
        replace(config, nms=0)


def test_colours_come_in_the_order_it_was_told(config: OnnxDetector) -> None:
    red_alone = torch.zeros(1, 3, SIDE, SIDE)
    red_alone[:, 0] = 255
    sure = [
        float(replace(config, channels=channels).teacher(Detections(("car",)))(red_alone)["scores"].max())
        for channels in ("rgb", "bgr")
    ]
    assert sure == [pytest.approx(0.9), 0.0]  # the graph looks at its first channel


def test_classes_go_by_their_names_and_a_map_renames_them(config: OnnxDetector, tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"does not know 1 of the data's 2 classes: tvmonitor.*teacher\.class_map"):
        config.teacher(Detections(("tvmonitor", "dog")))
    (tmp_path / "names.csv").write_text("teacher,data\ntv,tvmonitor\n", encoding="utf-8")
    mapped = replace(config, class_map=tmp_path / "names.csv").teacher(Detections(("tvmonitor", "dog")))
    assert float(mapped(white())["scores"][0, :, 0].max()) == pytest.approx(0.6)
    with pytest.raises(
        DistillError, match=r"finds\.onnx: nothing tells the names of its classes\. Give teacher\.classes"
    ):
        replace(config, classes=None).teacher(Detections(("dog",)))


def test_several_outputs_and_none_named(config: OnnxDetector) -> None:
    with pytest.raises(DistillError, match=r"has several outputs: boxes, scores, more\. Give teacher\.outputs"):
        replace(config, outputs=None).teacher(Detections(("dog",)))
    with pytest.raises(
        DistillError, match=r"teacher\.outputs: .*finds\.onnx has no output places\. It has boxes, scor"
    ):
        replace(config, outputs=("places", "scores")).teacher(Detections(("dog",)))
    for outputs in ((), ("boxes", "boxes")):
        with pytest.raises(DistillError, match=r"teacher\.outputs is \[.*, expected names of outputs, each once"):
            replace(config, outputs=outputs)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("boxes", "unit", "scores"), "tells teacher.boxes, teacher.unit, teacher.scores. Give them."),
        (("unit",), "tells teacher.unit. Give them."),
        (("scale",), "teacher.scale (or mean and std)"),
        (("interpolation",), "tells teacher.interpolation"),
    ],
)
def test_keys_that_nothing_tells_are_named(config: OnnxDetector, missing: tuple[str, ...], said: str) -> None:
    with pytest.raises(DistillError) as caught:
        replace(config, **dict.fromkeys(missing)).teacher(Detections(("dog",)))
    assert said in str(caught.value) and str(config.file) in str(caught.value)


def test_it_teaches_boxes_alone(config: OnnxDetector) -> None:
    for kind in (Softmax(("dog",)), Detections()):
        with pytest.raises(DistillError, match=r"finds boxes, and this recipe needs"):
            config.teacher(kind)


def test_how_it_is_read_is_part_of_who_it_is_and_is_told(config: OnnxDetector) -> None:
    kind = Detections(("dog", "car"))
    changed = [config, replace(config, nms=0.5), replace(config, channels="bgr"), replace(config, unit="shares")]
    teachers = [one.teacher(kind) for one in changed] + [config.teacher(Detections(("car", "dog")))]
    assert len({teacher.fingerprint() for teacher in teachers}) == 5
    assert config.teacher(kind).fingerprint() == teachers[0].fingerprint()
    assert "boxes xyxy in pixels, scores classes, NMS at 0.6, 2 of 3 classes" in teachers[0].contract
    assert "assumed, for nothing says it: channels rgb" in teachers[0].contract
    assert "assumed" not in teachers[2].contract
    # A copy of the file elsewhere is the same detector.
    copy = config.file.with_name("copy.onnx")
    copy.write_bytes(config.file.read_bytes())
    assert replace(config, file=copy).teacher(kind).fingerprint() == teachers[0].fingerprint()
