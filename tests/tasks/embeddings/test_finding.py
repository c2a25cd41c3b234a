"""The whole way from photographs: pairs whose face was lost are rejected, and the loss is paired."""

import numpy as np
import pytest

from distill.evaluation.verification import evaluate_pairs
from distill.tasks.embeddings.finding import Lost, finding_scores

FARS = (0.125,)


def cosines(same: np.ndarray, seed: int) -> np.ndarray:
    return np.where(same, 0.5, 0.0) + np.random.default_rng(seed).normal(scale=0.2, size=len(same))


def test_lost_pairs_are_misses_where_one_person_is_shown_and_right_where_two_are() -> None:
    same, folds = np.tile([True, False], 40), np.repeat([1, 2], 40)
    scores = np.where(same, 0.9, 0.1)
    scored = evaluate_pairs(scores, same, folds, fars=FARS, seed=0, resamples=50)
    lost = Lost(90, {"none found": 5}, np.array([True, True, False]), np.array([1, 2, 2]))
    found = finding_scores(lost, scores, scored, None)
    # Fold by fold: 40 of 41, and 41 of 42.
    assert found.whole.accuracy.mean == pytest.approx((40 / 41 + 41 / 42) / 2)
    assert found.whole.points[0.125].tar == pytest.approx(40 / 42)
    content = found.to_dict()
    assert content["pairs_lost"] == 3 and content["unusable"] == {"none found": 5} and "given" not in content
    assert "faces not used in 90 photographs: none found 5; pairs lost 3" in found.summary()[0]


def test_where_nothing_is_lost_the_scores_are_those_of_the_pairs() -> None:
    same, folds = np.tile([True, False], 40), np.repeat([1, 2], 40)
    scores = cosines(same, 0)
    scored = evaluate_pairs(scores, same, folds, fars=FARS, seed=0, resamples=50)
    lost = Lost(90, {}, np.zeros(0, bool), np.zeros(0, np.int64))
    found = finding_scores(lost, scores, scored, None)
    assert found.whole is scored and found.summary()[0].startswith("a face used in each of 90 photographs")


def test_the_loss_is_the_paired_difference_to_the_given_alignment() -> None:
    same, folds = np.tile([True, False], 40), np.repeat([1, 2], 40)
    raw, aligned = cosines(same, 0), cosines(same, 1)
    scored = evaluate_pairs(raw[2:], same[2:], folds[2:], fars=FARS, seed=0, resamples=50)
    lost = Lost(90, {"small": 1}, same[:2], folds[:2])
    found = finding_scores(lost, raw[2:], scored, np.roll(aligned, -2))
    given = evaluate_pairs(np.roll(aligned, -2), np.roll(same, -2), np.roll(folds, -2), fars=FARS, seed=0, resamples=50)
    assert found.given is not None and found.loss is not None
    assert found.given.accuracy.mean == given.accuracy.mean
    assert found.loss.difference == pytest.approx(found.whole.accuracy.mean - given.accuracy.mean)
    assert found.loss.interval[0] <= found.loss.difference <= found.loss.interval[1]
    assert found.to_dict()["loss"]["accuracy"] == found.loss.difference
    assert "finding minus given" in found.summary()[1]
