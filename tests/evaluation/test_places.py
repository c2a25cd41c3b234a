"""Scores of guessed places, counted by hand and drawn again in plain Python."""

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.great_circle import RADIUS
from distill.evaluation.places import CHIEF, MEDIAN, METRICS, compare_places, evaluate_places

DEGREE = np.pi / 180 * RADIUS  # of latitude


def away(*kilometres: float) -> tuple[np.ndarray, np.ndarray]:
    """Guesses due north of the truth on the equator by so much, and the truths."""
    truths = np.stack([np.zeros(len(kilometres)), np.linspace(-179, 179, len(kilometres))], axis=1)
    return truths + np.stack([np.array(kilometres) / DEGREE, np.zeros(len(kilometres))], axis=1), truths


def test_shares_and_median() -> None:
    scores = evaluate_places(*away(0, 0.9, 1.1, 24, 199, 201, 749, 751, 2499, 9000), seed=0, resamples=10)
    assert scores.metrics == pytest.approx(
        {
            "within 750 km": 0.7,
            "within 1 km": 0.2,
            "within 25 km": 0.4,
            "within 200 km": 0.5,
            "within 2500 km": 0.9,
            MEDIAN: 200,
        }
    )
    assert tuple(scores.metrics) == METRICS and METRICS[0] == CHIEF


def test_intervals_are_the_middle_of_draws_by_hand() -> None:
    guesses, truths = away(0.5, 10, 100, 500, 600, 700, 800, 1000, 3000)
    scores = evaluate_places(guesses, truths, seed=3, resamples=400)
    generator, shares, medians = np.random.Generator(np.random.Philox(3)), [], []
    for start in range(0, 400, 16):
        for drawn in generator.integers(0, 9, size=(min(16, 400 - start), 9)):
            shares.append(float(np.mean(scores.kilometres[drawn] <= 750)))
            medians.append(float(np.median(scores.kilometres[drawn])))
    assert scores.intervals[CHIEF] == pytest.approx(tuple(np.quantile(shares, (0.025, 0.975))))
    assert scores.intervals[MEDIAN] == pytest.approx(tuple(np.quantile(medians, (0.025, 0.975))))


def test_all_inside_is_not_certain() -> None:
    scores = evaluate_places(*away(*[0.0] * 20), seed=0, resamples=20)
    low, high = scores.intervals[CHIEF]
    assert 0.8 < low < 0.9 and high == 1
    assert scores.intervals[MEDIAN] == pytest.approx((0, 0))


def test_the_difference_is_paired() -> None:
    guesses, truths = away(*np.linspace(0, 3000, 50))
    one = evaluate_places(guesses, truths, seed=0, resamples=100)
    assert compare_places(one, one).to_dict() == {CHIEF: 0, "interval": [0, 0]}
    other = evaluate_places(guesses, truths, seed=1, resamples=100)
    with pytest.raises(DistillError, match="different pictures, seeds"):
        compare_places(one, other)


def test_no_place_is_refused() -> None:
    guesses, truths = away(1, 2)
    with pytest.raises(DistillError, match="NaN"):
        evaluate_places(guesses * np.nan, truths, seed=0, resamples=1)
    with pytest.raises(DistillError, match=r"\(N, 2\)"):
        evaluate_places(guesses[:1], truths, seed=0, resamples=1)
