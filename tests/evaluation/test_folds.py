"""Accuracy by folds of 1,000 random score sets against plain Python; a fold never chooses its own threshold."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.folds import fold_accuracy

Pairs = list[tuple[float, bool, int]]


def pair_set(seed: int) -> Pairs:
    """Score, same, fold: folds of unequal sizes, every second set with many ties."""
    generator = random.Random(seed)
    ties = generator.random() < 0.5
    folds = generator.randint(2, 5)
    pairs = []
    for fold in range(folds):
        for same in (True, False):
            for _ in range(generator.randint(1, 7)):
                score = generator.gauss(1 if same else 0, 1)
                pairs.append((round(score * 2) / 2 if ties else score, same, fold + 1))
    generator.shuffle(pairs)
    return pairs


def arrays(pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores, same, folds = zip(*pairs, strict=True)
    return np.array(scores), np.array(same), np.array(folds)


def accuracy(pairs: Pairs, threshold: float) -> float:
    return sum((score >= threshold) == same for score, same, _ in pairs) / len(pairs)


def plain_threshold(pairs: Pairs) -> float:
    """Of the thresholds between neighbouring scores, and one beyond either end, the highest of the best."""
    scores = sorted({score for score, _, _ in pairs}, reverse=True)
    middles = [(a + b) / 2 for a, b in pairwise(scores)]
    best, chosen = -1.0, math.nan
    for threshold in (math.nextafter(scores[0], math.inf), *middles, scores[-1]):
        if accuracy(pairs, threshold) > best:
            best, chosen = accuracy(pairs, threshold), threshold
    return chosen


@pytest.mark.parametrize("hundred", range(10))
def test_equals_plain_python_on_random_score_sets(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        pairs = pair_set(seed)
        found = fold_accuracy(*arrays(pairs))
        numbers = sorted({fold for _, _, fold in pairs})
        assert found.folds == tuple(numbers)
        expected = []
        for f, number in enumerate(numbers):
            tested = [pair for pair in pairs if pair[2] == number]
            threshold = plain_threshold([pair for pair in pairs if pair[2] != number])
            assert found.thresholds[f] == threshold
            assert found.accuracies[f] == pytest.approx(accuracy(tested, threshold), abs=1e-15)
            assert found.pairs[f] == len(tested)
            expected.append(accuracy(tested, threshold))
        mean = sum(expected) / len(expected)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in expected) / (len(expected) - 1))
        assert found.mean == pytest.approx(mean, abs=1e-12)
        assert found.standard_deviation == pytest.approx(deviation, abs=1e-12)
        assert found.standard_error == pytest.approx(deviation / math.sqrt(len(expected)), abs=1e-12)


def test_a_fold_is_not_tested_on_a_threshold_of_its_own() -> None:
    # Fold 2's scores are shifted by 10: every threshold of its own would be right for all its pairs, while the other
    # folds' threshold of 0.5 accepts its impostors. A leak gives accuracy 1.
    pairs: Pairs = []
    for fold, shift in ((1, 0.0), (2, 10.0), (3, 0.0)):
        pairs += [(shift + 1, True, fold), (shift + 0, False, fold)] * 5
    found = fold_accuracy(*arrays(pairs))
    assert found.thresholds[1] == 0.5
    assert found.accuracies[1] == 0.5


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_of_a_fold_does_not_move_with_its_pairs(seed: int) -> None:
    scores, same, folds = arrays(pair_set(seed))
    before = fold_accuracy(scores, same, folds)
    changed = np.where(folds == 2, np.random.default_rng(seed).normal(size=len(scores)), scores)
    after = fold_accuracy(changed, same, folds)
    assert after.thresholds[1] == before.thresholds[1]


def test_folds_count_equally_whatever_their_size() -> None:
    right, wrong = [(1.0, True), (0.0, False)], [(0.0, True), (1.0, False)]
    pairs = [(*pair, fold) for fold, kinds in ((1, right * 50), (2, wrong), (3, right * 2)) for pair in kinds]
    found = fold_accuracy(*arrays(pairs))
    assert found.accuracies.tolist() == [1.0, 0.0, 1.0] and found.mean == pytest.approx(2 / 3)
    assert found.pairs.tolist() == [100, 2, 4]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbouring_floats_keep_a_threshold_that_separates_them(dtype: type) -> None:
    low = dtype(0.5)
    for _ in range(4):  # halfway between two floats is rounded to either of them in turn
        high = np.nextafter(low, dtype(1))
        scores = np.array([high, low] * 2, dtype)
        assert fold_accuracy(scores, np.array([True, False] * 2), np.array([0, 0, 1, 1])).mean == 1
        low = high


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(1.0, True, 1), (0.0, False, 1)], "stand in 1 fold"),
        ([(1.0, True, 1), (0.0, False, 2)], "beside fold 1 there are 0 genuine and 1 impostor"),
        ([(1.0, True, 1), (0.0, False, 1), (1.0, True, 2)], "beside fold 1 there are 1 genuine and 0 impostor"),
        ([(np.nan, True, 1), (0.0, False, 1), (1.0, True, 2), (0.0, False, 2)], "NaN"),
    ],
)
def test_pairs_that_cannot_be_split_are_refused(pairs: Pairs, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        fold_accuracy(*arrays(pairs))


def test_arrays_that_do_not_fit_are_refused() -> None:
    scores, same, folds = arrays(pair_set(0))
    for wrong in (
        (scores[1:], same, folds),
        (scores, same.astype(int), folds),
        (scores[:, None], same, folds),
        (np.round(scores).astype(int), same, folds),
    ):
        with pytest.raises(DistillError, match="expected one float score, one bool and one fold number a pair"):
            fold_accuracy(*wrong)
