"""Bins of confidence and the gap between what is said and what is right, picture by picture in plain Python."""

import numpy as np
import pytest

from distill.evaluation.calibration import BINS, calibrate, expected_calibration_error


def bin_of(confidence: float) -> int:
    """Bins hold their upper edge; the first holds 0 as well."""
    return next(k for k in range(BINS) if confidence <= (k + 1) / BINS)


def case(pictures: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, a third of them at the edge of a bin, and whether each answer was right."""
    generator = np.random.default_rng(0)
    confidence = generator.random(pictures)
    confidence[::3] = generator.choice([0.0, 1.0, *(k / BINS for k in range(BINS + 1))], pictures // 3)
    return confidence, generator.random(pictures) < confidence


def plain_error(confidence: list[float], right: list[bool], counts: list[int]) -> float:
    gaps = [0.0] * BINS
    for sure, is_right, count in zip(confidence, right, counts, strict=True):
        gaps[bin_of(sure)] += count * (is_right - sure)
    return sum(map(abs, gaps)) / sum(counts)


def test_fifteen_bins_as_in_the_paper() -> None:
    assert BINS == 15


def test_a_bin_holds_its_upper_edge() -> None:
    confidence, right = case()
    found = calibrate(confidence, right)
    bins: dict[int, list[int]] = {}
    for picture, sure in enumerate(confidence.tolist()):
        bins.setdefault(bin_of(sure), []).append(picture)
    assert len(bins) > 12
    for place, k in enumerate(sorted(bins)):
        assert found.pictures[place] == len(bins[k])
        assert found.confidence[place] == pytest.approx(confidence[bins[k]].mean())
        assert found.accuracy[place] == pytest.approx(right[bins[k]].mean())


def test_the_error_is_a_mean_over_whatever_counts() -> None:
    confidence, right = case()
    counts = np.random.default_rng(1).integers(0, 4, (3, 90))
    counts[0] = 1
    found = expected_calibration_error(confidence, right, counts)
    expected = [plain_error(confidence.tolist(), right.tolist(), row.tolist()) for row in counts]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
