"""Scores of exclusive classes against scikit-learn, torchmetrics and resampling done the slow way."""

import json
import tracemalloc
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, balanced_accuracy_score, confusion_matrix, top_k_accuracy_score
from torchmetrics.functional.classification import multiclass_calibration_error

from distill.errors import DistillError
from distill.evaluation.bootstrap import LARGE_BLOCK
from distill.evaluation.classification import compare_classification, evaluate_classification, truths_of

CLASSES = tuple(f"breed {c}" for c in range(8))
ABSENT = 5


def case(pictures: int = 160, noise: float = 1.6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truths of which none is `ABSENT`, and the probabilities of a teacher and of a worse student."""
    generator = np.random.default_rng(1)
    truths = generator.choice([c for c in range(8) if c != ABSENT], pictures)
    evidence = 2.5 * np.eye(8)[truths] + generator.normal(0, 1, (pictures, 8))
    worse = evidence + generator.normal(0, noise, evidence.shape)
    both = [np.exp(one) / np.exp(one).sum(axis=1, keepdims=True) for one in (worse, evidence)]
    return truths, both[0].astype(np.float32), both[1].astype(np.float32)


def one_hot(truths: np.ndarray) -> np.ndarray:
    return np.eye(8, dtype=np.int8)[truths]


def naive(p: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """The metrics of one set of pictures by other people's code."""
    shown = np.unique(truths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of answers among classes nobody shows
        mean_accuracy = balanced_accuracy_score(truths, p.argmax(axis=1))
    return {
        "top-1": float((p.argmax(axis=1) == truths).mean()),
        "top-5": top_k_accuracy_score(truths, p, k=5, labels=np.arange(8)),
        "mean class accuracy": mean_accuracy,
        "mAP": float(np.mean([average_precision_score(truths == c, p[:, c]) for c in shown])),
        "calibration error": float(
            multiclass_calibration_error(torch.tensor(p), torch.tensor(truths), num_classes=8, n_bins=15, norm="l1")
        ),
    }


def test_values_and_intervals_equal_naive_resampling() -> None:
    truths, student, teacher = case()
    mine = evaluate_classification(student, one_hot(truths), CLASSES, seed=3, resamples=60)
    expected = naive(student, truths)
    assert mine.metrics == pytest.approx(expected, abs=1e-6) and list(mine.metrics) == list(expected)
    np.testing.assert_array_equal(mine.confusion, confusion_matrix(truths, student.argmax(axis=1), labels=np.arange(8)))

    draws = np.random.Generator(np.random.Philox(3)).integers(0, len(truths), size=(60, len(truths)))
    resampled = [naive(student[d], truths[d]) for d in draws]
    for name, interval in mine.intervals.items():
        values = np.array([one[name] for one in resampled])
        if name == "calibration error":
            assert values.mean() > expected[name] + 0.005  # why its draws are moved
            values = values - values.mean() + expected[name]
        low, high = np.percentile(values, (2.5, 97.5))
        if name == "mAP":
            flattered = values.mean() - expected[name]
            low, high = min(low - 2 * flattered, expected[name]), max(high - 2 * flattered, expected[name])
        np.testing.assert_allclose(interval, (low, high), atol=1e-6, err_msg=name)
        assert interval[0] < mine.metrics[name] <= interval[1]

    difference = compare_classification(
        mine, evaluate_classification(teacher, one_hot(truths), CLASSES, seed=3, resamples=60)
    )
    of_teacher = [naive(teacher[d], truths[d])["top-1"] for d in draws]
    paired = [one["top-1"] - other for one, other in zip(resampled, of_teacher, strict=True)]
    assert difference.difference == pytest.approx(expected["top-1"] - naive(teacher, truths)["top-1"])
    np.testing.assert_allclose(difference.interval, np.percentile(paired, (2.5, 97.5)), atol=1e-9)


def test_pictures_that_are_all_right_leave_an_interval() -> None:
    truths, _, _ = case()
    perfect = (0.9 * np.eye(8)[truths] + 0.1 / 8).astype(np.float32)
    scores = evaluate_classification(perfect, one_hot(truths), CLASSES, seed=3, resamples=10)
    wilson = len(truths) / (len(truths) + 1.96**2)
    one_by_one = [count / (count + 1.96**2) for count in np.bincount(truths) if count]
    low, high = scores.intervals["mean class accuracy"]
    assert (low, high) == (pytest.approx(np.mean(one_by_one), abs=1e-4), 1.0) and low < wilson - 0.05
    for name in ("top-1", "top-5"):
        assert scores.metrics[name] == 1 and scores.intervals[name] == (pytest.approx(wilson, abs=1e-4), 1.0)
    wrong = evaluate_classification((1 - perfect) / 7, one_hot(truths), CLASSES, seed=3, resamples=10)
    assert wrong.metrics["top-1"] == 0 and wrong.intervals["top-1"] == (0.0, pytest.approx(1 - wilson, abs=1e-4))


def test_a_class_nobody_shows_is_named_and_in_no_mean() -> None:
    truths, student, _ = case()
    scores = evaluate_classification(student, one_hot(truths), CLASSES, seed=0, resamples=5)
    assert scores.unmeasured == (CLASSES[ABSENT],) and np.isnan(scores.average_precision[ABSENT])
    written = scores.to_dict()
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert written["per_class"].keys() == set(CLASSES) - {CLASSES[ABSENT]}
    assert written["counts"] == {"pictures": 160, "classes": 7}
    for c, name in enumerate(CLASSES):
        if c != ABSENT:
            here = truths == c
            assert written["per_class"][name]["pictures"] == here.sum()
            assert written["per_class"][name]["accuracy"] == pytest.approx((student[here].argmax(axis=1) == c).mean())


def test_bins_of_confidence_hold_every_picture() -> None:
    truths, student, _ = case()
    bins = evaluate_classification(student, one_hot(truths), CLASSES, seed=0, resamples=2).calibration
    assert bins.pictures.sum() == 160 and (np.diff(bins.confidence) > 0).all()
    confidence, right = student.max(axis=1), student.argmax(axis=1) == truths
    in_last = confidence > 14 / 15
    assert bins.pictures[-1] == in_last.sum()
    assert bins.confidence[-1] == pytest.approx(confidence[in_last].mean())
    assert bins.accuracy[-1] == pytest.approx(right[in_last].mean())


def test_of_five_classes_and_of_one_nothing_is_claimed_that_cannot_fail() -> None:
    p = np.full((4, 5), 0.2, np.float32)
    labels = np.eye(5, dtype=np.int8)[[0, 0, 0, 0]]
    scores = evaluate_classification(p, labels, CLASSES[:5], seed=0, resamples=2)
    assert scores.metrics.keys() == {"top-1", "mean class accuracy", "calibration error"}  # no top-5, no mAP
    assert scores.metrics["top-1"] == 1 and scores.metrics["calibration error"] == pytest.approx(0.8)  # ties: the first


def test_the_interval_of_a_network_that_is_as_sure_as_it_is_right_begins_at_zero() -> None:
    """Half sure and half right: every draw is off by more, and none of them by less than nothing."""
    p = np.full((40, 2), 0.5, np.float32)
    scores = evaluate_classification(p, np.eye(2, dtype=np.int8)[np.arange(40) % 2], CLASSES[:2], seed=0, resamples=60)
    draws = np.random.Generator(np.random.Philox(0)).integers(0, 40, size=(60, 40))
    errors = np.abs((draws % 2 == 0).mean(axis=1) - 0.5)
    assert scores.metrics["calibration error"] == 0
    low, high = scores.intervals["calibration error"]
    assert low == 0 and high == pytest.approx(np.percentile(errors - errors.mean(), 97.5), abs=1e-9)


def test_what_rounding_carried_beyond_one_is_one() -> None:
    p = np.array([[np.float32(1 + 9e-6), 0.0], [0.0, 1.0]], np.float32)
    scores = evaluate_classification(p, np.eye(2, dtype=np.int8), CLASSES[:2], seed=0, resamples=2)
    assert scores.metrics["calibration error"] == 0 and scores.calibration.confidence.tolist() == [1.0]


def test_of_equal_probabilities_the_class_that_comes_first_is_the_answer() -> None:
    """However many: of 200 classes a sort that does not keep the order of equal ones mixes them up."""
    names, generator = [f"class {c}" for c in range(200)], np.random.default_rng(0)
    p = generator.integers(1, 3, (30, 200)).astype(np.float32)
    truths = np.array([int(np.flatnonzero(row == row.max())[place % 8]) for place, row in enumerate(p)])
    labels = np.eye(200, dtype=np.int8)[truths]
    scores = evaluate_classification(p / p.sum(axis=1, keepdims=True), labels, names, seed=0, resamples=2)
    assert scores.metrics["top-1"] == pytest.approx(4 / 30)  # 0, 8, 16, 24
    assert scores.metrics["top-5"] == pytest.approx(20 / 30)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.array([[1, 1, 0], [0, 1, 0]], np.int8)}, "1 pictures are not of one class, .* 2 of 3 present"),
        ({"labels": np.array([[0, 0, 0], [0, 1, 0]], np.int8)}, "1 pictures are not of one class, .* 0 of 3 present"),
        ({"labels": np.array([[1, 0, -1], [0, 1, 0]], np.int8)}, "1 pictures are not of one class"),
        ({"labels": np.array([[-1, -1, -1], [0, 1, 0]], np.int8)}, "1 rows are unknown"),
        ({"labels": np.array([[0, 1, 0]], np.int8)}, r"answers are \(2, 3\) and labels \(1, 3\)"),
        ({"probabilities": np.array([[3, -1, 0], [0, 1, 0]], np.float32)}, "from -1 to 3, expected probabilities"),
        ({"probabilities": np.array([[1, -0.5, 0.5], [0, 1, 0]], np.float32)}, r"from -0\.5 to 1, expected probab"),
        ({"probabilities": np.array([[1.01, 0, 0], [0, 1, 0]], np.float32)}, r"from 0 to 1\.01, expected probab"),
        ({"probabilities": np.array([[np.nan, 0, 1], [0, 1, 0]], np.float32)}, "NaN or infinity for class 'breed 0'"),
    ],
)
def test_what_cannot_be_scored(change: dict[str, np.ndarray], message: str) -> None:
    given = {
        "probabilities": np.array([[0.5, 0.25, 0.25], [0, 1, 0]], np.float32),
        "labels": np.array([[1, 0, 0], [0, 1, 0]], np.int8),
    } | change
    with pytest.raises(DistillError, match=message):
        evaluate_classification(given["probabilities"], given["labels"], CLASSES[:3], seed=0, resamples=2)


def test_scores_of_other_pictures_are_not_compared() -> None:
    truths, student, teacher = case()
    mine = evaluate_classification(student, one_hot(truths), CLASSES, seed=0, resamples=4)
    for other in (
        evaluate_classification(teacher, one_hot(truths), CLASSES, seed=1, resamples=4),
        evaluate_classification(teacher[:-1], one_hot(truths[:-1]), CLASSES, seed=0, resamples=4),
    ):
        with pytest.raises(DistillError, match="different pictures"):
            compare_classification(mine, other)


def test_truths_of_one_hot_rows() -> None:
    labels = np.array([[0, 1], [-1, -1], [1, 0]], np.int8)
    assert truths_of(labels).tolist() == [1, -1, 0]


def test_many_pictures_of_many_classes_take_no_matrix_of_doubles() -> None:
    """20,000 of 400: 32 MB of probabilities, of which doubles for pictures and classes would be 64 MB each."""
    pictures, classes = 20_000, 400
    generator = np.random.default_rng(0)
    truths = generator.integers(0, classes, pictures)
    scores = generator.random((pictures, classes), dtype=np.float32)
    scores[np.arange(pictures), truths] += 0.5
    scores /= scores.sum(axis=1, keepdims=True)
    labels = np.zeros((pictures, classes), np.int8)
    labels[np.arange(pictures), truths] = 1
    tracemalloc.start()
    evaluate_classification(scores, labels, [str(c) for c in range(classes)], seed=0, resamples=LARGE_BLOCK)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 150e6
