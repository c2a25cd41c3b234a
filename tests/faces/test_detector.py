"""Detectors of every layout see what is drawn for them where it is, at any size, and say so of files of none."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from distill.errors import DistillError
from distill.faces.detector import Detector
from tests.helpers.detectors import (
    BLUE,
    OFFSETS,
    RED,
    SIZE,
    middle,
    photograph,
    retinaface_graph,
    scrfd_graph,
    yunet_graph,
)

LAYOUTS = [
    ("yunet", yunet_graph, BLUE, 0.0),
    ("scrfd", scrfd_graph, RED, -4.0),
    ("retinaface", retinaface_graph, BLUE, 0),
]


@pytest.mark.parametrize(("name", "graph", "channel", "shift"), LAYOUTS)
@pytest.mark.parametrize("side", ["", 128])
def test_a_face_is_found_where_it_is(
    name: str, graph: Callable[..., Path], channel: int, shift: float, side: int | str, tmp_path: Path
) -> None:
    detector = Detector(graph(tmp_path / "detector.onnx", side), 640)
    faces = detector(photograph(100, 90, [(3, 4, 255), (9, 8, 200)], channel))
    assert detector.layout == name
    assert (faces.height, faces.width, len(faces)) == (100, 90, 2)
    np.testing.assert_allclose(faces.scores, [1, 200 / 255], atol=0.01)
    for number, cell in enumerate([(3, 4), (9, 8)]):
        np.testing.assert_allclose(faces.landmarks[number], middle(*cell) + shift + OFFSETS, atol=0.01)
        corners = np.concatenate([middle(*cell) + shift - SIZE / 2, middle(*cell) + shift + SIZE / 2])
        np.testing.assert_allclose(faces.boxes[number], corners, atol=0.01)


def test_outputs_with_an_axis_for_the_batch_are_the_same(tmp_path: Path) -> None:
    picture = photograph(64, 64, [(3, 4, 255)], RED)
    plain, batched = (Detector(scrfd_graph(tmp_path / f"{b}.onnx", batched=b), 640)(picture) for b in (False, True))
    np.testing.assert_array_equal(plain.landmarks, batched.landmarks)


def test_a_large_photograph_is_reduced_and_its_faces_lie_where_they_do(tmp_path: Path) -> None:
    detector = Detector(yunet_graph(tmp_path / "detector.onnx"), 64)
    small = photograph(64, 40, [(3, 2, 255)])
    large = small.repeat(3, axis=0).repeat(3, axis=1)
    found = detector(large)
    # The middle of a pixel of the reduced picture is that of nine of the large one.
    np.testing.assert_allclose(found.landmarks[0], (middle(3, 2) + OFFSETS + 0.5) * 3 - 0.5, atol=0.05)
    assert (found.height, found.width) == (192, 120)
    assert len(Detector(yunet_graph(tmp_path / "whole.onnx"), 640)(small)) == 1  # which is not enlarged


def test_a_file_of_one_size_is_shown_all_of_a_larger_photograph(tmp_path: Path) -> None:
    detector = Detector(yunet_graph(tmp_path / "detector.onnx", 64), 640)
    large = photograph(64, 64, [(3, 2, 255)]).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_allclose(detector(large).landmarks[0], (middle(3, 2) + OFFSETS + 0.5) * 2 - 0.5, atol=0.05)


def test_of_overlapping_boxes_the_surest_is_kept(tmp_path: Path) -> None:
    faces = Detector(yunet_graph(tmp_path / "detector.onnx"), 640)(photograph(96, 96, [(3, 4, 220), (3, 5, 250)]))
    assert len(faces) == 1
    np.testing.assert_allclose(faces.scores, [250 / 255], atol=0.01)


def test_nothing_is_found_in_black_and_the_best_score_is_said(tmp_path: Path) -> None:
    detector = Detector(yunet_graph(tmp_path / "detector.onnx"), 640)
    assert len(detector(photograph(33, 50, []))) == 0
    faint = detector(photograph(40, 40, [(1, 1, 51)]))
    assert len(faint) == 0 and faint.best == pytest.approx(0.2)


def test_it_can_be_sent_to_another_process_once_it_is_open(tmp_path: Path) -> None:
    detector = Detector(yunet_graph(tmp_path / "detector.onnx"), 640)
    picture = photograph(64, 64, [(3, 4, 255)])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(detector))(picture).boxes, detector(picture).boxes)


def test_another_file_or_size_has_another_fingerprint(tmp_path: Path) -> None:
    one, other = yunet_graph(tmp_path / "one.onnx"), yunet_graph(tmp_path / "other.onnx", 64)
    prints = {Detector(one, 640).fingerprint(), Detector(one, 320).fingerprint(), Detector(other, 640).fingerprint()}
    assert len(prints) == 3


def test_a_file_of_unknown_layout_is_refused_with_its_outputs(tmp_path: Path) -> None:
    nodes = [helper.make_node("GlobalAveragePool", ["pictures"], ["pooled"])]
    shape = (1, 3, "H", "W")
    graph = helper.make_graph(
        nodes,
        "other",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, None)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "a.onnx")
    with pytest.raises(
        DistillError, match=r"a\.onnx: is no face detector of a known layout.*pooled \[1, 3, 1, 1\].*YuNet"
    ):
        Detector(tmp_path / "a.onnx", 640)(photograph(64, 64, []))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="no such ONNX file"):
        Detector(tmp_path / "none.onnx", 640)(photograph(64, 64, []))


def test_no_pixel_is_skipped_where_a_photograph_is_reduced(tmp_path: Path) -> None:
    board = np.zeros((192, 192, 3), np.uint8)
    board[::2, ::2], board[1::2, 1::2] = 255, 255
    assert Detector(yunet_graph(tmp_path / "detector.onnx"), 64)(board).best == pytest.approx(0.5, abs=0.02)
