"""Thresholds against a search through every possible one."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from distill.evaluation.thresholds import choose_thresholds, none_below


@pytest.mark.parametrize("levels", [None, 20, 2])
@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_has_a_better_f1(seed: int, levels: int | None) -> None:
    generator = np.random.default_rng(seed)
    labels = (generator.random((80, 3)) < (0.1, 0.5, 0.9)).astype(np.int8)
    labels[0], labels[1] = 0, 1
    labels[2:9, 1] = -1
    scores = (generator.random((80, 3)) * 0.7 + 0.3 * labels.clip(0)).astype(np.float32)
    if levels:
        scores = np.round(scores * levels) / levels
    chosen = choose_thresholds(scores, labels, ("a", "b", "c"))
    assert chosen.unmeasured == ()
    for c in range(3):
        known = labels[:, c] >= 0
        y, s = labels[known, c], scores[known, c].astype(np.float64)
        values = np.unique(s)
        candidates = np.concatenate([[values[0] / 2], (values[1:] + values[:-1]) / 2])
        f1 = np.array([f1_score(y, s >= t) for t in candidates])
        best = candidates[np.flatnonzero(f1 >= f1.max() - 1e-12)].max()
        assert chosen.values[c] == pytest.approx(best, abs=1e-12)


def test_by_hand() -> None:
    # claiming three finds both positives: F1 = 4/5; claiming one: 2/3; claiming all: 4/6
    scores = np.array([[0.9], [0.6], [0.4], [0.1]])
    labels = np.array([[1], [0], [1], [0]], dtype=np.int8)
    assert choose_thresholds(scores, labels, ["bald"]).values[0] == pytest.approx(0.25)


def test_the_lowest_score_of_all_may_have_to_be_accepted() -> None:
    scores = np.array([[0.9], [0.4]])
    labels = np.array([[0], [1]], dtype=np.int8)
    assert choose_thresholds(scores, labels, ["bald"]).values[0] == pytest.approx(0.2)


def test_neighbouring_floats_are_still_told_apart() -> None:
    labels = np.array([[1], [0]], dtype=np.int8)
    low = 0.3
    for _ in range(4):  # halfway between two floats is rounded to either of them in turn
        high = np.nextafter(low, 1)
        threshold = choose_thresholds(np.array([[high], [low]]), labels, ["bald"]).values[0]
        assert low < threshold <= high
        low = high


def test_a_class_that_cannot_be_measured_is_named_and_gets_one_half() -> None:
    scores = np.array([[0.9, 0.9, 0.9], [0.4, 0.8, 0.3]])
    labels = np.array([[0, 1, 1], [0, 1, 0]], dtype=np.int8)
    chosen = choose_thresholds(scores, labels, ("never", "always", "some"))
    assert chosen.unmeasured == ("never", "always")
    np.testing.assert_allclose(chosen.values, [0.5, 0.5, 0.6])


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("pictures", [1, 7, 200])
def test_no_more_pictures_than_the_rate_are_called_none(rate: float, pictures: int) -> None:
    probabilities = np.random.default_rng(pictures).dirichlet(np.ones(4), pictures)
    least = none_below(probabilities, rate)
    called = sum(max(row) < least for row in probabilities.tolist())
    assert called <= rate * pictures
    higher = sum(max(row) < np.nextafter(least, 2) for row in probabilities.tolist())
    assert higher > rate * pictures  # any cut-off above it calls more
