"""Outputs of every layout, decoded row by row in plain Python."""

import math

import numpy as np
import pytest

from distill.faces.decoding import RETINAFACE, SCRFD, YUNET, layout_of

HEIGHT, WIDTH = 64, 96
LEAST = 0.7


def noise(rows: int, columns: int, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(scale=0.4, size=(rows, columns)).astype(np.float32)
    return np.abs(values).clip(0, 1) if columns == 1 else values


def cells(stride: int) -> list[tuple[int, int]]:
    return [(row, column) for row in range(HEIGHT // stride) for column in range(WIDTH // stride)]


def test_yunet() -> None:
    strides = (8, 16, 32)
    cls, obj, box, points = (
        {s: noise(len(cells(s)), columns, 10 * k + s) for s in strides} for k, columns in enumerate((1, 1, 4, 10))
    )
    outputs = [*cls.values(), *obj.values(), *box.values(), *points.values()]
    assert layout_of(outputs, HEIGHT, WIDTH) is YUNET
    found, best = YUNET.decode(outputs, HEIGHT, WIDTH, LEAST)
    expected, scores = [], []
    for stride in strides:
        for number, (row, column) in enumerate(cells(stride)):
            score = math.sqrt(float(cls[stride][number, 0]) * float(obj[stride][number, 0]))
            scores.append(score)
            if score < LEAST:
                continue
            dx, dy, dw, dh = map(float, box[stride][number])
            x, y, w, h = (column + dx) * stride, (row + dy) * stride, math.exp(dw) * stride, math.exp(dh) * stride
            marks = points[stride][number].astype(float)
            places = [[(column + marks[2 * k]) * stride, (row + marks[2 * k + 1]) * stride] for k in range(5)]
            expected.append((score, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], places))
    assert best == pytest.approx(max(scores)) and len(expected) > 1
    for values, column in zip(found, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(values, column, rtol=1e-6)


@pytest.mark.parametrize(("strides", "anchors"), [((8, 16, 32), 2), ((8, 16, 32, 64, 128), 1)])
def test_scrfd(strides: tuple[int, ...], anchors: int) -> None:
    def count(stride: int) -> int:
        return anchors * math.ceil(HEIGHT / stride) * math.ceil(WIDTH / stride)

    score, box, points = (
        {s: noise(count(s), columns, 10 * k + s) for s in strides} for k, columns in enumerate((1, 4, 10))
    )
    outputs = [*score.values(), *box.values(), *points.values()]
    assert layout_of(outputs, HEIGHT, WIDTH) is SCRFD
    found, best = SCRFD.decode(outputs, HEIGHT, WIDTH, LEAST)
    expected = []
    for stride in strides:
        for number in range(count(stride)):
            row, column = divmod(number // anchors, math.ceil(WIDTH / stride))
            if score[stride][number, 0] < LEAST:
                continue
            x, y = column * stride, row * stride
            left, top, right, bottom = box[stride][number].astype(float) * stride
            marks = points[stride][number].astype(float) * stride
            places = [[x + marks[2 * k], y + marks[2 * k + 1]] for k in range(5)]
            expected.append((float(score[stride][number, 0]), [x - left, y - top, x + right, y + bottom], places))
    assert best == pytest.approx(max(float(values.max()) for values in score.values())) and len(expected) > 1
    for values, column in zip(found, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(values, column, rtol=1e-6)


@pytest.mark.parametrize("activated", [True, False])
def test_retinaface(activated: bool) -> None:
    strides = (8, 16, 32)
    rows = sum(2 * len(cells(stride)) for stride in strides)
    box, points, logits = noise(rows, 4, 1), noise(rows, 10, 2), 4 * noise(rows, 2, 3)
    shares = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(axis=1, keepdims=True)
    outputs = [box, shares.astype(np.float32) if activated else logits, points]
    assert layout_of(outputs, HEIGHT, WIDTH) is RETINAFACE
    found, best = RETINAFACE.decode(outputs, HEIGHT, WIDTH, LEAST)
    expected, number = [], 0
    for stride, sizes in zip(strides, [(16, 32), (64, 128), (256, 512)], strict=True):  # as its authors train it
        for row, column in cells(stride):
            for size in sizes:
                score = float(shares[number, 1])
                if score >= LEAST:
                    x, y = (column + 0.5) * stride, (row + 0.5) * stride
                    dx, dy, dw, dh = map(float, box[number])
                    a, b, w, h = (
                        x + 0.1 * dx * size,
                        y + 0.1 * dy * size,
                        size * math.exp(dw / 5),
                        size * math.exp(dh / 5),
                    )
                    marks = points[number].astype(float) * 0.1 * size
                    places = [[x + marks[2 * k], y + marks[2 * k + 1]] for k in range(5)]
                    expected.append((score, [a - w / 2, b - h / 2, a + w / 2, b + h / 2], places))
                number += 1
    assert best == pytest.approx(float(shares[:, 1].max()), rel=1e-5) and len(expected) > 1
    for values, wanted in zip(found, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_outputs_of_other_shapes_have_no_layout() -> None:
    assert layout_of([noise(96, 4, 0), noise(96, 2, 1)], HEIGHT, WIDTH) is None
    assert layout_of([noise(8, 10, 0)], HEIGHT, WIDTH) is None
