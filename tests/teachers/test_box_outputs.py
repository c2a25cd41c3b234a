"""What a detector's arrays mean: against plain Python, number by number, and what contradicts itself is told."""

import math

import numpy as np
import pytest

from distill.errors import DistillError
from teachers.box_outputs import BoxOutputs, Corners, Scores, Unit

HEIGHT, WIDTH, CLASSES = 32, 64, 3
RNG = np.random.default_rng(0)


def form(
    boxes: Corners = "xyxy",
    unit: Unit = "pixels",
    scores: Scores = "classes",
    strides: tuple[int, ...] | None = None,
) -> BoxOutputs:
    return BoxOutputs(boxes, unit, scores, strides, "detector.onnx")


def corner_boxes(count: int) -> np.ndarray:
    """float64 (2, count, 4), x1, y1, x2, y2 in pixels."""
    first = RNG.uniform(0, 0.5, (2, count, 2)) * [WIDTH, HEIGHT]
    return np.concatenate([first, first + RNG.uniform(2, 10, (2, count, 2))], axis=2)


def written(corners: np.ndarray, boxes: Corners, unit: Unit) -> np.ndarray:
    """The same boxes as another detector writes them, one by one."""
    rows = []
    for x1, y1, x2, y2 in corners.reshape(-1, 4).tolist():
        if unit == "shares":
            x1, y1, x2, y2 = x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT
        rows.append(
            {
                "xyxy": (x1, y1, x2, y2),
                "xywh": (x1, y1, x2 - x1, y2 - y1),
                "cxcywh": ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
            }[boxes]
        )
    return np.array(rows, np.float32).reshape(corners.shape)


@pytest.mark.parametrize("unit", ["pixels", "shares"])
@pytest.mark.parametrize("boxes", ["xyxy", "xywh", "cxcywh"])
def test_every_way_to_write_a_box_is_the_same_box(boxes: Corners, unit: Unit) -> None:
    corners, scores = corner_boxes(5), RNG.uniform(0, 1, (2, 5, CLASSES)).astype(np.float32)
    rows = np.concatenate([written(corners, boxes, unit), scores], axis=2)
    read, sure = form(boxes, unit)([rows], CLASSES, HEIGHT, WIDTH)
    assert np.allclose(read, corners / [WIDTH, HEIGHT, WIDTH, HEIGHT], atol=1e-6)
    assert np.array_equal(sure, scores)
    turned, _ = form(boxes, unit)([rows.transpose(0, 2, 1)], CLASSES, HEIGHT, WIDTH)
    assert np.array_equal(turned, read)
    apart, beside = form(boxes, unit)([rows[..., :4], scores], CLASSES, HEIGHT, WIDTH)
    assert np.array_equal(apart, read) and np.array_equal(beside, scores)


def test_objectness_is_multiplied_with_each_class() -> None:
    rows = np.concatenate([corner_boxes(4), RNG.uniform(0, 1, (2, 4, 1 + CLASSES))], axis=2).astype(np.float32)
    _, scores = form(scores="objectness")([rows], CLASSES, HEIGHT, WIDTH)
    for picture, box, c in np.ndindex(2, 4, CLASSES):
        assert scores[picture, box, c] == rows[picture, box, 4] * rows[picture, box, 5 + c]


def test_the_best_class_and_its_score_stand_in_that_class_alone() -> None:
    score, number = np.float32([[0.9, 0.2, 0.0]]), np.float32([[2, 0, -1]])
    corners = corner_boxes(3)[:1].astype(np.float32)
    expected = [[0, 0, 0.9], [0.2, 0, 0], [0, 0, 0]]
    for outputs in (
        [np.concatenate([corners, score[..., None], number[..., None]], axis=2)],
        [corners, score, number],
        [corners, score[..., None], number.astype(np.int64)],
    ):
        _, scores = form(scores="class_and_score")(outputs, CLASSES, HEIGHT, WIDTH)
        assert np.array_equal(scores[0], np.float32(expected))
    with pytest.raises(DistillError, match=r"class 7 of a box, expected whole numbers below 3"):
        form(scores="class_and_score")([corners, score, number + 5], CLASSES, HEIGHT, WIDTH)


def test_boxes_on_grids_are_taken_off_cell_by_cell() -> None:
    strides = (8, 16)
    cells = [(s, x, y) for s in strides for y in range(HEIGHT // s) for x in range(WIDTH // s)]
    raw = RNG.normal(0, 0.5, (1, len(cells), 4)).astype(np.float32)
    rows = np.concatenate([raw, np.full((1, len(cells), CLASSES), 0.5, np.float32)], axis=2)
    read, _ = form("cxcywh", strides=strides)([rows], CLASSES, HEIGHT, WIDTH)
    for (stride, x, y), numbers, box in zip(cells, raw[0].tolist(), read[0].tolist(), strict=True):
        cx, cy = (numbers[0] + x) * stride, (numbers[1] + y) * stride
        w, h = math.exp(numbers[2]) * stride, math.exp(numbers[3]) * stride
        expected = [(cx - w / 2) / WIDTH, (cy - h / 2) / HEIGHT, (cx + w / 2) / WIDTH, (cy + h / 2) / HEIGHT]
        assert box == pytest.approx(expected, abs=1e-5)
    with pytest.raises(DistillError, match=r"40 boxes a picture, and grids of strides \[8\] on 32 x 64 pixels have 32"):
        form("cxcywh", strides=(8,))([rows], CLASSES, HEIGHT, WIDTH)


def test_boxes_in_another_unit_are_noticed() -> None:
    corners, scores = corner_boxes(6), np.full((2, 6, CLASSES), 0.8, np.float32)
    shares = written(corners, "xyxy", "shares")
    with pytest.raises(DistillError, match="100% of its boxes lie inside one pixel"):
        form()([shares, scores], CLASSES, HEIGHT, WIDTH)
    with pytest.raises(DistillError, match=r"lie beyond the picture\. teacher.unit is shares"):
        form(unit="shares")([corners.astype(np.float32), scores], CLASSES, HEIGHT, WIDTH)


def test_boxes_beside_the_picture_are_noticed() -> None:
    corners, scores = corner_boxes(6), np.full((2, 6, CLASSES), 0.8, np.float32)
    beside = written(corners, "xyxy", "shares") + np.float32([1.5, 0, 1.5, 0])
    with pytest.raises(DistillError, match="100% of its boxes lie beyond the picture"):
        form(unit="shares")([beside, scores], CLASSES, HEIGHT, WIDTH)


def test_boxes_that_end_before_they_begin_are_none() -> None:
    corners, scores = corner_boxes(6).astype(np.float32), np.full((2, 6, CLASSES), 0.8, np.float32)
    swapped = corners[..., [2, 3, 0, 1]]
    with pytest.raises(DistillError, match="100% of its boxes end before they begin"):
        form()([swapped, scores], CLASSES, HEIGHT, WIDTH)
    corners[0, 2], scores[0, 2] = swapped[0, 2], 0.2  # one of which the detector is not sure
    _, read = form()([corners, scores], CLASSES, HEIGHT, WIDTH)
    assert not read[0, 2].any() and (np.delete(read.reshape(12, -1), 2, axis=0) > 0.7).all()


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([np.zeros((2, 5, 9), np.float32)], r"shapes \(2, 5, 9\), expected \(N, K, 7\)"),
        ([np.zeros((2, 5, 4), np.float32), np.zeros((2, 6, 3), np.float32)], "scores of 3 classes for each box"),
        ([np.zeros((2, 5, 4), np.float32), np.full((2, 5, 3), 4.0, np.float32)], "scores from 0 to 4, expected 0 to 1"),
        ([np.full((2, 5, 7), np.nan, np.float32)], "scores from nan to nan"),
    ],
)
def test_what_is_no_such_output_is_refused(outputs: list[np.ndarray], said: str) -> None:
    with pytest.raises(DistillError, match=said):
        form()(outputs, CLASSES, HEIGHT, WIDTH)


def test_scores_and_classes_of_other_boxes_are_refused() -> None:
    boxes, beside = np.zeros((2, 5, 4), np.float32), np.zeros((2, 5), np.float32)
    with pytest.raises(DistillError, match="expected boxes, scores and classes"):
        form(scores="class_and_score")([boxes, beside, beside[:, :4]], CLASSES, HEIGHT, WIDTH)


def test_grids_are_of_centres_in_pixels() -> None:
    with pytest.raises(DistillError, match=r"teacher\.boxes is xyxy in pixels, and teacher\.strides says"):
        form("xyxy", strides=(8,))
    with pytest.raises(DistillError, match=r"teacher\.strides is"):
        form("cxcywh", strides=())
