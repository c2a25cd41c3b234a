"""The scores of one model and the paired difference of two, against resampling done the slow way."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from distill.errors import DistillError
from distill.evaluation.attributes import compare_attributes, evaluate_attributes

CLASSES = ("Bald", "Smiling", "Young", "Never", "Always")
MEASURED = (0, 1, 2)


def case(seed: int = 0, pictures: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels with unknowns and two unmeasurable classes, a teacher's probabilities and a student's that follows it."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((pictures, 5)) < (0.1, 0.5, 0.8, 0, 1)).astype(np.int8)
    evidence = labels + generator.normal(0, 0.8, labels.shape)
    teacher = 1 / (1 + np.exp(-4 * (evidence - 0.5)))
    student = 1 / (1 + np.exp(-4 * (evidence + generator.normal(0, 0.3, labels.shape) - 0.5)))
    labels[:20, 1] = -1
    return labels, np.round(student, 2).astype(np.float32), np.round(teacher, 2).astype(np.float32)


def naive(scores: np.ndarray, labels: np.ndarray, thresholds: np.ndarray) -> tuple[list[float], float, float]:
    """AP per measured class, mAP and accuracy of a set of pictures, one class after the other."""
    precisions, accuracies = [], []
    for c in MEASURED:
        known = labels[:, c] >= 0
        y, s = labels[known, c], scores[known, c]
        precisions.append(average_precision_score(y, s) if 0 < y.sum() < len(y) else np.nan)
        accuracies.append(np.mean((s >= thresholds[c]) == y))
    return precisions, float(np.nanmean(precisions)), float(np.mean(accuracies))


def test_values_and_intervals_equal_naive_resampling() -> None:
    labels, student, teacher = case()
    thresholds = np.array([0.6, 0.4, 0.5, 0.5, 0.5])
    mine = evaluate_attributes(student, labels, CLASSES, seed=3, resamples=120, thresholds=thresholds)
    theirs = evaluate_attributes(teacher, labels, CLASSES, seed=3, resamples=120, thresholds=thresholds)

    precisions, mean, accuracy = naive(student, labels, thresholds)
    np.testing.assert_allclose(mine.average_precision[list(MEASURED)], precisions, rtol=0, atol=1e-9)
    assert mine.mean_average_precision == pytest.approx(mean, abs=1e-9)
    assert mine.accuracy == pytest.approx(accuracy, abs=1e-9)

    draws = np.random.Generator(np.random.Philox(3)).integers(0, len(labels), size=(120, len(labels)))
    of_student = [naive(student[d], labels[d], thresholds) for d in draws]
    of_teacher = [naive(teacher[d], labels[d], thresholds) for d in draws]
    low_high = (2.5, 97.5)

    def unflattered(values: list[float], score: float, lowest: float = 0.0) -> tuple[float, float]:
        low, high = (end - 2 * (sum(values) / len(values) - score) for end in np.percentile(values, low_high))
        return max(lowest, min(low, score)), max(high, score)

    for k, c in enumerate(MEASURED):
        expected = unflattered([values[0][k] for values in of_student], precisions[k])
        np.testing.assert_allclose(mine.class_intervals[:, c], expected, atol=1e-9)
    np.testing.assert_allclose(mine.interval, unflattered([v[1] for v in of_student], mean), atol=1e-9)
    np.testing.assert_allclose(mine.accuracy_interval, np.percentile([v[2] for v in of_student], low_high), atol=1e-9)

    difference = compare_attributes(mine, theirs)
    assert difference.difference == pytest.approx(mean - naive(teacher, labels, thresholds)[1], abs=1e-9)
    paired = [s[1] - t[1] for s, t in zip(of_student, of_teacher, strict=True)]
    np.testing.assert_allclose(difference.interval, unflattered(paired, difference.difference, -1.0), atol=1e-9)
    assert difference.interval[0] < 0


def test_intervals_hold_the_precision_of_all_pictures_as_often_as_they_say() -> None:
    generator, classes = np.random.default_rng(0), [str(c) for c in range(40)]
    shares = np.linspace(0.03, 0.3, len(classes))

    def shown(pictures: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a good model says, what a poor one does, and the labels."""
        labels = generator.random((pictures, len(classes))) < shares
        good, poor = (generator.normal(size=labels.shape) + evidence * labels for evidence in (2.0, 0.5))
        return good, poor, labels.astype(np.int8)

    *scores, labels = shown(100_000)
    good, poor = (
        np.mean([average_precision_score(labels[:, c], one[:, c]) for c in range(len(classes))]) for one in scores
    )
    missed = {"mAP": 0, "difference": 0}
    for seed in range(60):
        *scores, labels = shown(200)
        mine, theirs = (evaluate_attributes(one, labels, classes, seed=seed, resamples=100) for one in scores)
        difference = compare_attributes(mine, theirs)
        for name, value, truth, (low, high) in (
            ("mAP", mine.mean_average_precision, good, mine.interval),
            ("difference", difference.difference, good - poor, difference.interval),
        ):
            assert low <= value <= high
            missed[name] += not low <= truth <= high
    assert max(missed.values()) <= 9, missed  # 3 are to be expected; percentiles alone miss 19 and 26


def test_a_class_missing_from_a_resample_is_left_out_of_its_mean() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random((12, 2)) < 0.5).astype(np.int8)
    labels[:, 0] = 0
    labels[4, 0] = 1  # drawn by about 65 % of the resamples
    scores = generator.random((12, 2))
    result = evaluate_attributes(scores, labels, ("Rare", "Common"), seed=0, resamples=60)
    draws = np.random.Generator(np.random.Philox(0)).integers(0, 12, size=(60, 12))
    absent = 0
    for draw, resampled in zip(draws, result.resampled, strict=True):
        parts = [c for c in range(2) if 0 < labels[draw, c].sum() < 12]
        absent += 0 not in parts
        expected = np.mean([average_precision_score(labels[draw, c], scores[draw, c]) for c in parts])
        assert resampled == pytest.approx(expected, abs=1e-9)
    assert 0 < absent < 60


def test_the_paired_interval_is_narrower_than_two_apart_and_zero_for_a_model_against_itself() -> None:
    labels, student, teacher = case(pictures=400)
    mine = evaluate_attributes(student, labels, CLASSES, seed=0, resamples=300)
    theirs = evaluate_attributes(teacher, labels, CLASSES, seed=0, resamples=300)
    difference = compare_attributes(mine, theirs)
    paired = difference.interval[1] - difference.interval[0]
    apart = np.hypot(np.ptp(mine.interval), np.ptp(theirs.interval))
    assert paired < 0.7 * apart
    assert difference.interval[0] <= difference.difference <= difference.interval[1]
    assert compare_attributes(mine, mine).to_dict() == {"mAP": 0.0, "interval": [0.0, 0.0]}


def test_to_dict_is_json_with_counts_and_intervals_and_names_what_was_not_measured() -> None:
    labels, student, _ = case()
    result = evaluate_attributes(student, labels, CLASSES, seed=0, resamples=50, thresholds=np.full(5, 0.5))
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert content["unmeasured"] == ["Never", "Always"]
    assert list(content["per_class"]) == ["Bald", "Smiling", "Young"]
    assert list(content["metrics"]) == list(content["intervals"]) == ["mAP", "accuracy"]
    assert content["counts"]["pictures"] == 150
    assert content["counts"]["positives"] == {
        name: sum(int(row[c] == 1) for row in labels) for c, name in enumerate(CLASSES)
    }
    smiling = content["per_class"]["Smiling"]
    assert smiling["positives"] + smiling["negatives"] == 130
    assert smiling["interval"][0] < smiling["ap"] < smiling["interval"][1]


def test_accuracy_is_measured_only_with_thresholds() -> None:
    labels, student, _ = case()
    content = evaluate_attributes(student, labels, CLASSES, seed=0, resamples=20).to_dict()
    assert list(content["metrics"]) == list(content["intervals"]) == ["mAP"]


def test_a_score_at_its_threshold_is_a_yes() -> None:
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.int8)
    scores = np.array([[0.5, 0.2], [0.4, 0.25], [0.5, 0.25], [0.5, 0.25]])
    found = evaluate_attributes(scores, labels, ("a", "b"), seed=0, resamples=2, thresholds=np.array([0.5, 0.25]))
    assert found.accuracy == 0.75  # of each attribute the last picture alone is wrong


def test_an_attribute_of_which_a_draw_knows_nothing_is_left_out_of_its_accuracy() -> None:
    labels = np.array([[1, 0] * 6, [1, 0, *[-1] * 10]], np.int8).T
    scores = np.tile([[0.9, 0.9]], (12, 1))  # half of the decisions are wrong
    found = evaluate_attributes(scores, labels, ("a", "b"), seed=1, resamples=200, thresholds=np.full(2, 0.5))
    accuracies, unknown = [], 0
    for draw in np.random.Generator(np.random.Philox(1)).integers(0, 12, size=(200, 12)):
        known = [labels[draw, c][labels[draw, c] >= 0] for c in range(2)]
        unknown += len(known[1]) == 0
        accuracies.append(np.mean([column.mean() for column in known if len(column)]))
    assert unknown > 10 and found.accuracy == 0.5
    np.testing.assert_allclose(found.accuracy_interval, np.percentile(accuracies, (2.5, 97.5)), atol=1e-12)


def test_an_interval_is_of_a_thousand_draws() -> None:
    labels, student, _ = case(pictures=30)
    assert len(evaluate_attributes(student, labels, CLASSES, seed=0).resampled) == 1000


def test_decisions_that_are_all_right_leave_an_interval() -> None:
    labels, _, _ = case()
    scores = evaluate_attributes(
        (labels == 1).astype(np.float32), labels, CLASSES, seed=0, resamples=10, thresholds=np.full(5, 0.5)
    )
    known = [130 if c == 1 else 150 for c in MEASURED]
    assert scores.accuracy == 1 and scores.accuracy_interval is not None
    low, high = scores.accuracy_interval
    assert high == 1 and low == pytest.approx(np.mean([count / (count + 1.96**2) for count in known]), abs=1e-4)


def test_models_scored_apart_are_not_compared() -> None:
    labels, student, teacher = case()
    mine = evaluate_attributes(student, labels, CLASSES, seed=0, resamples=20)
    shuffled = labels[::-1]
    for scores, others, seed, resamples in (
        (teacher, labels, 1, 20),
        (teacher, shuffled, 0, 20),
        (teacher, labels, 0, 30),
        (teacher[:100], labels[:100], 0, 20),
    ):
        theirs = evaluate_attributes(scores, others, CLASSES, seed=seed, resamples=resamples)
        with pytest.raises(DistillError, match="paired difference needs the same"):
            compare_attributes(mine, theirs)
    renamed = evaluate_attributes(teacher, labels, ("Hat", *CLASSES[1:]), seed=0, resamples=20)
    with pytest.raises(DistillError, match="paired difference needs the same"):
        compare_attributes(mine, renamed)
