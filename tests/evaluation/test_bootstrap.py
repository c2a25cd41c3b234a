"""The bootstrap against resampling done the slow way with scikit-learn, and against a known distribution."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from distill.evaluation.average_precision import rank
from distill.evaluation.bootstrap import (
    BLOCK,
    LARGE_BLOCK,
    bootstrap,
    by_blocks,
    percentile_interval,
    precision_interval,
)


def test_draws_are_samples_with_replacement_repeatable_by_seed() -> None:
    resamples = 2 * BLOCK + 3
    first = bootstrap(lambda counts: counts, 50, seed=1, resamples=resamples)
    assert first.shape == (resamples, 50)
    assert (first.sum(axis=1) == 50).all()
    # a picture is drawn Binomial(50, 1/50) times: mean 1, variance 0.98
    many = bootstrap(lambda counts: counts, 50, seed=2, resamples=2000)
    np.testing.assert_allclose(many.mean(axis=0), 1, atol=0.1)
    assert many.var() == pytest.approx(0.98, abs=0.03)
    np.testing.assert_array_equal(first, bootstrap(lambda counts: counts, 50, seed=1, resamples=resamples))
    assert (first != bootstrap(lambda counts: counts, 50, seed=3, resamples=resamples)).any()


def test_an_earlier_resample_does_not_depend_on_how_many_follow() -> None:
    few = bootstrap(lambda counts: counts, 31, seed=5, resamples=BLOCK + 1)
    many = bootstrap(lambda counts: counts, 31, seed=5, resamples=3 * BLOCK)
    np.testing.assert_array_equal(few, many[: BLOCK + 1])


def test_the_draws_do_not_depend_on_how_many_are_made_at_once() -> None:
    few, many = (bootstrap(lambda counts: counts, 61, seed=6, resamples=150, block=b) for b in (BLOCK, LARGE_BLOCK))
    np.testing.assert_array_equal(few, many)


def test_sums_of_fractions_do_not_depend_on_how_many_are_made_at_once() -> None:
    counts, fractions = np.random.default_rng(0).random((2 * BLOCK + 5, 700)), np.random.default_rng(1).random((700, 3))
    whole = by_blocks(lambda some: (some @ fractions).sum(axis=1), counts)
    parts = [(counts[k : k + BLOCK] @ fractions).sum(axis=1) for k in (0, BLOCK, 2 * BLOCK)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_interval_is_the_middle_95_per_cent_without_what_could_not_be_measured() -> None:
    values = np.concatenate([np.arange(1001.0), [np.nan] * 7])
    np.testing.assert_allclose(percentile_interval(values), [25, 975])


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # the mean of 200 normal numbers: the 95 % interval should hold the true mean in 95 of 100 experiments
    generator = np.random.default_rng(0)
    covered = 0
    widths = []
    for experiment in range(200):
        values = generator.normal(3.0, 1.0, 200)
        low, high = percentile_interval(
            bootstrap(lambda counts, v=values: (counts @ v)[:, None] / 200, 200, seed=experiment, resamples=200)[:, 0]
        )
        covered += low <= 3.0 <= high
        widths.append(high - low)
    assert 180 <= covered <= 199
    assert np.mean(widths) == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.1)


def test_average_precision_interval_equals_naive_resampling() -> None:
    generator = np.random.default_rng(4)
    labels = (generator.random(120) < 0.3).astype(np.int8)
    scores = np.round(generator.random(120) + 0.4 * labels, 1)
    ranking = rank(scores, labels)
    fast = bootstrap(lambda counts: ranking.average_precision(counts)[:, None], 120, seed=9, resamples=200)[:, 0]

    draws = np.random.Generator(np.random.Philox(9)).integers(0, 120, size=(200, 120))
    slow = [average_precision_score(labels[draw], scores[draw]) for draw in draws]
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("values", "score", "lowest", "expected"),
    [
        (np.linspace(0.4, 0.8, 201), 0.5, 0.0, (0.21, 0.59)),  # 0.41 and 0.79 less twice the 0.1 of flattery
        (np.append(np.linspace(0.4, 0.8, 201), math.nan), 0.5, 0.0, (0.21, 0.59)),
        (np.linspace(0.0, 0.4, 201), 0.1, 0.0, (0.0, 0.19)),  # a precision is not below 0
        (np.linspace(0.0, 0.4, 201), 0.1, -1.0, (-0.19, 0.19)),  # a difference may be
        (np.linspace(0.6, 1.0, 201), 0.9, 0.0, (0.81, 1.0)),  # neither is above 1
        (np.full(9, 0.6), 0.7, 0.0, (0.7, 0.8)),  # the score is inside
        (np.full(9, 0.8), 0.7, 0.0, (0.6, 0.7)),
    ],
)
def test_a_precision_interval_is_moved_by_twice_what_draws_are_flattered_by(
    values: np.ndarray, score: float, lowest: float, expected: tuple[float, float]
) -> None:
    np.testing.assert_allclose(precision_interval(values, score, lowest), expected, atol=1e-12)
    columns = precision_interval(np.stack([values, values], axis=1), np.array([score, score]), lowest)
    np.testing.assert_allclose(columns, np.transpose([expected, expected]), atol=1e-12)
