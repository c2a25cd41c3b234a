"""Which pictures int8 is calibrated on: evenly from all, as the student sees them, and enough of them."""

from typing import Any

import numpy as np
import pytest
import torch

from distill.errors import DistillError
from distill.export.int8.calibration import calibration_pictures
from distill.preprocess.preprocess import Preprocess


class Numbered:
    """Pictures of one colour, which is their number modulo 256 and beyond."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def gather(self, index: np.ndarray) -> np.ndarray:
        colours = np.stack([index % 256, index // 256, 0 * index], axis=1).astype(np.uint8)
        return np.broadcast_to(colours[:, None, None], (len(index), 8, 6, 3)).copy()


def chosen(count: int) -> list[int]:
    pictures: Any = Numbered(count)
    found = calibration_pictures(pictures, Preprocess.imagenet(4, 5))
    assert found.dtype == np.uint8 and found.shape[1:] == (4, 5, 3)
    return [int(row[0]) + 256 * int(row[1]) for row in found[:, 0, 0]]


def test_256_from_the_first_to_the_last_of_all() -> None:
    assert chosen(32) == list(range(32)) and chosen(256) == list(range(256))
    found = chosen(1021)
    assert len(found) == 256 and found == [1020 * place // 255 for place in range(256)]


def test_less_than_32_are_too_few() -> None:
    with pytest.raises(DistillError, match="there are 31, expected 32 or more"):
        chosen(31)


def test_they_are_resized_as_the_student_sees_them() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 9, 7, 3)).astype(np.uint8)
    pictures: Any = type("Noise", (), {"__len__": lambda _: 40, "gather": lambda _, index: noise[index]})()
    preprocess = Preprocess.imagenet(4, 5, "bicubic", crop=(0.1, 0.0, 0.8, 0.9))
    expected = preprocess.resize(torch.from_numpy(noise)).numpy()
    assert np.array_equal(calibration_pictures(pictures, preprocess), expected)
