"""Calibration: of the pictures a network is 80 % sure of, are 80 % right?

Pictures are binned by confidence, the probability of the class that is answered (Guo et al. 2017, arXiv 1706.04599);
the expected calibration error is the gap between accuracy and mean confidence of a bin, averaged over the pictures.

Shapes: N pictures, B weightings of them, K bins.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 15


@dataclass(frozen=True)
class CalibrationCurve:
    """Accuracy by confidence, of each bin that holds a picture.

    Attributes:
        confidence: float64 (K,), mean probability of the class answered.
        accuracy: float64 (K,), share of right answers.
        pictures: int64 (K,).
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    pictures: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ("confidence", "accuracy", "pictures")}


def calibrate(confidence: np.ndarray, right: np.ndarray) -> CalibrationCurve:
    """The bins of confidences (N,) in 0..1 and of whether each answer was right, bool (N,)."""
    member = _members(confidence)
    pictures = member.sum(axis=0)
    used = pictures > 0
    means = [(member * values[:, None]).sum(axis=0)[used] / pictures[used] for values in (confidence, right)]
    return CalibrationCurve(means[0], means[1], pictures[used].astype(np.int64))


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """sum_k |right_k - confidence_k| / N, over bins k, with the sums of a bin taken over its pictures.

    Args:
        confidence: float (N,) in 0..1.
        right: bool (N,).
        counts: (B, N), how often each picture counts.

    Returns:
        float64 (B,).
    """
    weights = counts.astype(np.float64)
    gaps = weights @ (_members(confidence) * (right.astype(np.float64) - confidence)[:, None])
    return np.abs(gaps).sum(axis=1) / weights.sum(axis=1)


def _members(confidence: np.ndarray) -> np.ndarray:
    """float64 (N, BINS), 1 in a picture's bin: bin k holds confidences above k / BINS, up to (k + 1) / BINS."""
    place = np.clip(np.ceil(confidence.astype(np.float64) * BINS) - 1, 0, BINS - 1).astype(np.int64)
    return np.eye(BINS)[place]
