"""Scores of pairs with their intervals, and the paired difference of two models, against resampling the slow way."""

import json

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.folds import fold_accuracy
from distill.evaluation.roc import roc
from distill.evaluation.verification import compare_pairs, evaluate_pairs

FARS = (0.01, 0.1)


def case(seed: int = 0, pairs: int = 300, decimals: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A teacher's scores, those of a student that follows it, same, folds."""
    generator = np.random.default_rng(seed)
    same = np.arange(pairs) % 2 == 0
    folds = np.arange(pairs) % 5
    teacher = np.round(generator.normal(0.6 * same, 0.25), decimals)
    student = np.round(teacher + generator.normal(0, 0.1, pairs), decimals)
    return teacher, student, same, folds


def test_intervals_and_the_difference_equal_naive_resampling() -> None:
    teacher, student, same, folds = case()
    resamples = 60
    mine, theirs = (evaluate_pairs(s, same, folds, fars=FARS, seed=3, resamples=resamples) for s in (student, teacher))
    draws = np.random.Generator(np.random.Philox(3)).integers(0, len(same), size=(resamples, len(same)))

    def accuracies(scores: np.ndarray) -> np.ndarray:
        correct = fold_accuracy(scores, same, folds).correct
        return np.array([np.mean([correct[d][folds[d] == f].mean() for f in range(5)]) for d in draws])

    low_high = (2.5, 97.5)
    np.testing.assert_allclose(mine.accuracy_interval, np.percentile(accuracies(student), low_high), atol=1e-12)
    equal = [roc(student[d][same[d]], student[d][~same[d]]).equal_error().rate for d in draws]
    np.testing.assert_allclose(mine.equal_error_interval, np.percentile(equal, low_high), atol=1e-12)

    difference = compare_pairs(mine, theirs)
    assert difference.difference == pytest.approx(mine.accuracy.mean - theirs.accuracy.mean)
    paired = accuracies(student) - accuracies(teacher)
    np.testing.assert_allclose(difference.interval, np.percentile(paired, low_high), atol=1e-12)
    assert compare_pairs(mine, mine).to_dict() == {"accuracy": 0.0, "interval": [0.0, 0.0]}


def test_pairs_that_are_all_right_leave_an_interval() -> None:
    _, _, same, folds = case()
    scores = evaluate_pairs(same.astype(np.float32), same, folds, fars=FARS, seed=0, resamples=20)
    assert scores.accuracy.mean == 1 and scores.equal_error.rate == 0
    z = 1.96
    assert scores.accuracy_interval == (
        pytest.approx(len(same) / (len(same) + z * z), abs=1e-4),
        1.0,
    )  # Wilson at k = n
    fewest = min(same.sum(), (~same).sum())
    assert scores.equal_error_interval == (0.0, pytest.approx(z * z / (fewest + z * z), abs=1e-4))


def test_to_dict_is_json_with_counts_and_intervals() -> None:
    _, student, same, folds = case()
    result = evaluate_pairs(student, same, folds, fars=FARS, seed=0, resamples=20)
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert list(content["metrics"]) == ["accuracy", "eer", "tar@far=1e-2", "tar@far=1e-1"]
    assert list(content["intervals"]) == list(content["metrics"])
    for name, (low, high) in content["intervals"].items():
        assert low <= content["metrics"][name] <= high
    assert content["counts"] == {"pairs": 300, "genuine": 150, "impostors": 150}
    assert content["folds"]["pairs"] == [60] * 5
    assert np.mean(content["folds"]["accuracies"]) == pytest.approx(content["metrics"]["accuracy"])
    assert content["fars"]["0.1"]["false_accepts"] <= 15


def test_a_far_below_one_impostor_pair_is_refused() -> None:
    _, student, same, folds = case()
    with pytest.raises(DistillError, match=r"FAR 0.001 cannot be measured on 150 impostor pairs"):
        evaluate_pairs(student, same, folds, fars=(0.001,), seed=0, resamples=2)


def test_models_scored_apart_are_not_compared() -> None:
    teacher, student, same, folds = case()
    mine = evaluate_pairs(student, same, folds, fars=(), seed=0, resamples=20)
    for labels, parts, seed, resamples in (
        (~same, folds, 0, 20),
        (same, folds[::-1], 0, 20),
        (same, folds, 1, 20),
        (same, folds, 0, 21),
    ):
        theirs = evaluate_pairs(teacher, labels, parts, fars=(), seed=seed, resamples=resamples)
        with pytest.raises(DistillError, match="paired difference needs the same"):
            compare_pairs(mine, theirs)


def test_draws_that_lack_a_fold_or_a_kind_leave_it_out() -> None:
    """Of twelve pairs in six folds most draws miss a fold, and some have no pair of either kind."""
    generator = np.random.default_rng(5)
    same, folds = np.arange(12) % 6 == 0, np.arange(12) // 2
    scores = np.round(generator.normal(0.3 * same, 0.3), 1)
    draws = np.random.Generator(np.random.Philox(2)).integers(0, 12, size=(200, 12))
    for values, kinds in ((scores, same), (-scores, ~same)):  # few genuine pairs, and few impostors
        correct = fold_accuracy(values, kinds, folds).correct
        accuracies, equal = [], []
        for draw in draws:
            accuracies.append(np.mean([correct[draw][folds[draw] == f].mean() for f in range(6) if f in folds[draw]]))
            if 0 < kinds[draw].sum() < 12:
                equal.append(roc(values[draw][kinds[draw]], values[draw][~kinds[draw]]).equal_error().rate)
        found = evaluate_pairs(values, kinds, folds, fars=(), seed=2, resamples=200)
        assert len(equal) < 190 and found.accuracy.mean < 1
        np.testing.assert_allclose(found.resampled, accuracies, atol=1e-12)
        np.testing.assert_allclose(found.equal_error_interval, np.percentile(equal, (2.5, 97.5)), atol=1e-12)


def test_pairs_that_are_all_right_are_as_sure_as_the_kind_of_which_there_are_fewer() -> None:
    same = np.arange(90) % 9 == 0
    for kinds in (same, ~same):
        found = evaluate_pairs(kinds.astype(float), kinds, np.arange(90) % 2, fars=(), seed=0, resamples=20)
        assert found.equal_error_interval == (0.0, pytest.approx(1.96**2 / (10 + 1.96**2), abs=1e-4))


def test_an_interval_is_of_a_thousand_draws() -> None:
    _, student, same, folds = case(pairs=20)
    assert len(evaluate_pairs(student, same, folds, fars=(), seed=0).resampled) == 1000
