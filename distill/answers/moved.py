"""How far two networks' rows of boxes are apart, where one may have them at other places than the other.

Which boxes a detector of two stages looks at hangs on comparisons: where two are alike to the last digit, a runtime
that rounds otherwise takes the other one, and the rows between move on by one. They are still the same boxes.

Shapes: N pictures, K rows, M numbers of each.
"""

import numpy as np
from scipy.spatial import KDTree

SAME = 1e-4
"""The difference up to which two rows are one that has moved."""
UNSURE = 0.01
"""Nobody looks at a row of a smaller score (`distill.answers.suppression`): one network may have it, the other not."""


def rows_apart(given: np.ndarray, expected: np.ndarray, scores: int) -> float:
    """The largest difference of a number. In a picture in which rows have moved, each is held to the row that it is,
    and one that the other network has not counts by its score.

    Args:
        given, expected: float (N, K, M).
        scores: how many of the M, the last ones, say how sure a row is.
    """
    apart = np.abs(given - expected).max(axis=2)
    largest = [float(apart.max(initial=0))]
    if largest[0] > SAME:
        largest = [_apart(*rows, scores) for rows in zip(given, expected, apart, strict=True)]
    return max(largest)


def _apart(given: np.ndarray, expected: np.ndarray, apart: np.ndarray, scores: int) -> float:
    """Of one picture: rows (K, M) each, and how far those at the same place are apart (K,)."""
    elsewhere = [_nearest(rows, others) for rows, others in ((given, expected), (expected, given))]
    if not (np.isfinite(elsewhere[1]) & (apart > SAME)).any():
        return float(apart.max())
    lone = [rows[np.isinf(nearest), -scores:] for rows, nearest in zip((given, expected), elsewhere, strict=True)]
    sure = np.concatenate([rows[rows >= UNSURE] for rows in lone])
    return float(max(sure.max(initial=0), *(nearest[np.isfinite(nearest)].max() for nearest in elsewhere)))


def _nearest(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(K,), how far each row is from the one that it is; infinity where there is none."""
    distances, _ = KDTree(others).query(rows, p=np.inf, distance_upper_bound=SAME)
    return distances
