"""Wilson's interval against scipy's."""

import pytest
from scipy.stats import binomtest

from distill.evaluation.intervals import wilson_interval


@pytest.mark.parametrize("trials", [1, 2, 7, 300, 100_000_000])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99, 1.0])
def test_equals_scipy(trials: int, share: float) -> None:
    successes = round(share * trials)
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_the_ends_are_never_outside_what_a_share_can_be() -> None:
    for trials in range(1, 400):
        assert wilson_interval(0, trials)[0] == 0 and 0 < wilson_interval(0, trials)[1] < 1
        assert 0 < wilson_interval(trials, trials)[0] < 1 and wilson_interval(trials, trials)[1] == 1
