"""Bins of confidence, and the gap they leave, picture by picture in plain Python."""

import json
import math

import numpy as np
import pytest

from distill.evaluation.calibration import BINS, calibrate, expected_calibration_error


def plain_bins(confidence: np.ndarray, right: np.ndarray) -> dict[int, list[tuple[float, bool]]]:
    """By bin, each picture's confidence and whether it was right; a bin holds its upper edge."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for value, correct in zip(confidence.tolist(), right.tolist(), strict=True):
        number = next(number for number in range(BINS) if value <= (number + 1) / BINS)
        bins.setdefault(number, []).append((value, correct))
    return bins


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.3, 1.0, 400)
    return confidence, generator.random(400) < confidence**2


def test_bins_hold_mean_confidence_and_accuracy(answers: tuple[np.ndarray, np.ndarray]) -> None:
    curve, bins = calibrate(*answers), plain_bins(*answers)
    assert curve.pictures.tolist() == [len(bins[number]) for number in sorted(bins)]
    for place, number in enumerate(sorted(bins)):
        values, correct = zip(*bins[number], strict=True)
        assert curve.confidence[place] == pytest.approx(math.fsum(values) / len(values))
        assert curve.accuracy[place] == pytest.approx(sum(correct) / len(correct))
    assert json.loads(json.dumps(curve.to_dict())).keys() == {"confidence", "accuracy", "pictures"}


def test_the_error_is_the_gap_of_each_bin_by_its_pictures(answers: tuple[np.ndarray, np.ndarray]) -> None:
    confidence, right = answers
    counts = np.random.default_rng(1).integers(0, 3, (2, len(right)))
    counts[0] = 1
    for row, value in zip(counts, expected_calibration_error(confidence, right, counts), strict=True):
        drawn = np.repeat(np.arange(len(right)), row)
        gaps = [
            abs(math.fsum(correct - value for value, correct in pictures))
            for pictures in plain_bins(confidence[drawn], right[drawn]).values()
        ]
        assert value == pytest.approx(math.fsum(gaps) / len(drawn))


def test_edges() -> None:
    ends = calibrate(np.array([0.0, 1.0, 1 / BINS]), np.array([False, True, True]))
    assert ends.pictures.tolist() == [2, 1] and ends.accuracy.tolist() == [0.5, 1.0]
