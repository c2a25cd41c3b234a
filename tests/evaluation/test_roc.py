"""TAR at FAR and the equal error rate of 1,000 random score sets against plain Python, threshold by threshold."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.roc import Roc, points_at, roc


def score_set(seed: int) -> tuple[list[float], list[float]]:
    """Genuine and impostor scores, a few of each, with many ties in two sets of three."""
    generator = random.Random(seed)
    levels = generator.choice([3, 12, None])

    def draw(mean: float) -> float:
        score = generator.gauss(mean, 1)
        return score if levels is None else round(score * levels / 4) / levels

    genuine = [draw(1.0) for _ in range(generator.randint(1, 25))]
    impostors = [draw(0.0) for _ in range(generator.randint(1, 40))]
    return genuine, impostors


def share(scores: list[float], threshold: float) -> Fraction:
    return Fraction(sum(score >= threshold for score in scores), len(scores))


def plain_thresholds(genuine: list[float], impostors: list[float]) -> list[float]:
    return [math.inf, *sorted({*genuine, *impostors}, reverse=True)]


def plain_tar(genuine: list[float], impostors: list[float], far: float) -> Fraction:
    """The best TAR of all thresholds whose FAR is at most what was asked."""
    candidates = plain_thresholds(genuine, impostors)
    return max(share(genuine, t) for t in candidates if float(share(impostors, t)) <= far)


def plain_equal_error(genuine: list[float], impostors: list[float]) -> float:
    best = None
    for t in plain_thresholds(genuine, impostors):
        far, frr = share(impostors, t), 1 - share(genuine, t)
        if best is None or abs(far - frr) < best[0]:
            best = abs(far - frr), (far + frr) / 2
    assert best is not None
    return float(best[1])


@pytest.mark.parametrize("thousandth", range(10))
def test_equals_plain_python_on_random_score_sets(thousandth: int) -> None:
    for seed in range(100 * thousandth, 100 * thousandth + 100):
        genuine, impostors = score_set(seed)
        curve = roc(np.array(genuine), np.array(impostors))
        assert (curve.genuine, curve.impostors) == (len(genuine), len(impostors))
        for far in {0.01, 0.1, 0.3, 1.0, 1 / len(impostors), 2 / len(impostors), 3 / len(impostors)}:
            if not 1 / len(impostors) <= far <= 1:
                continue
            point = curve.at_far(far)
            assert point.tar == float(plain_tar(genuine, impostors, far))
            # conservative, and what the point says of itself is what its threshold does
            assert point.far <= far
            assert point.far == float(share(impostors, point.threshold))
            assert point.tar == float(share(genuine, point.threshold))
            assert (point.false_accepts, point.true_accepts) == (
                sum(score >= point.threshold for score in impostors),
                sum(score >= point.threshold for score in genuine),
            )
        equal = curve.equal_error()
        assert equal.rate == pytest.approx(plain_equal_error(genuine, impostors), abs=1e-15)
        assert equal.far == float(share(impostors, equal.threshold))
        assert equal.frr == pytest.approx(float(1 - share(genuine, equal.threshold)), abs=1e-15)
        for threshold in (-9.0, 0.0, 1 / 3, genuine[0], impostors[0], 9.0):
            given = curve.at_threshold(threshold)
            assert (given.far, given.tar) == (float(share(impostors, threshold)), float(share(genuine, threshold)))


def test_never_at_the_nearest_far() -> None:
    # FAR can be 0.1 or 0.2; 0.19 is nearer to 0.2, where TAR would be 1
    curve = roc(np.array([0.7, 0.5]), np.array([0.6, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]))
    assert (curve.at_far(0.19).far, curve.at_far(0.19).tar) == (0.1, 1.0)
    curve = roc(np.array([0.7, 0.3]), np.array([0.6, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]))
    assert (curve.at_far(0.19).far, curve.at_far(0.19).tar) == (0.1, 0.5)
    assert (curve.at_far(0.2).far, curve.at_far(0.2).tar) == (0.2, 1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_enter_together_or_not_at_all(dtype: type) -> None:
    # two impostors share the highest score: FAR is 0 or 1/2, never 1/4
    curve = roc(np.array([0.9, 0.9, 0.2], dtype), np.array([0.9, 0.9, 0.1, 0.1], dtype))
    point = curve.at_far(0.25)
    assert (point.far, point.tar, point.true_accepts) == (0, 0, 0)
    # the threshold accepts nothing also where it is read back in the precision of the scores
    assert dtype(point.threshold) > dtype(0.9)
    assert (curve.at_far(0.5).far, curve.at_far(0.5).false_accepts) == (0.5, 2)


def test_a_far_that_rounds_is_met_exactly() -> None:
    # 0.29 * 100 is 28.999999999999996 in floating point, and yet 29 of 100 are 0.29
    impostors = np.arange(100) / 100
    for accepts in range(1, 101):
        assert roc(impostors, impostors).at_far(accepts / 100).false_accepts == accepts


@pytest.mark.parametrize("far", [0.0, -0.1, 0.0099, 1e-9, 1.01, float("nan")])
def test_a_far_below_resolution_is_refused(far: float) -> None:
    curve = roc(np.ones(3), np.zeros(100))
    assert curve.resolution == 0.01
    assert curve.at_far(0.01).tar == 1
    with pytest.raises(DistillError, match=r"cannot be measured on 100 impostor pairs, expected 0.01"):
        curve.at_far(far)


def test_intervals_hold_the_rates_and_narrow_with_more_pairs() -> None:
    few, many = (roc(np.tile([0.1, 0.5, 0.9], n), np.tile([0.0, 0.3, 0.6], n)).at_far(0.34) for n in (5, 500))
    for point in (few, many):
        assert point.tar_interval is not None and point.far_interval is not None
        assert point.tar_interval[0] < point.tar < point.tar_interval[1]
        assert point.far_interval[0] < point.far < point.far_interval[1]
    assert np.ptp(many.tar_interval) < np.ptp(few.tar_interval) / 5


def test_the_curve_is_made_of_points_that_thresholds_reach() -> None:
    generator = np.random.default_rng(0)
    genuine, impostors = generator.normal(1, 1, 500), generator.normal(0, 1, 3000)
    curve: Roc = roc(genuine, impostors)
    far, tar = curve.curve(points=50)
    assert len(far) <= 50 and (np.diff(far) > 0).all() and (np.diff(tar) >= 0).all()
    assert (far[0], far[-1], tar[-1]) == (1 / 3000, 1, 1)
    for x, y in zip(far, tar, strict=True):
        assert curve.at_far(x).tar == y


def test_the_curve_is_spread_over_a_log_axis() -> None:
    """Each FAR asked for is as many times the one before; of several met by one point of the curve, it stands once."""
    generator = np.random.default_rng(1)
    curve = roc(generator.normal(1, 1, 200), generator.normal(0, 1, 5000))
    for options, count in (({"points": 30}, 30), ({}, 400)):
        asked = [5000 ** (place / (count - 1) - 1) for place in range(count)]
        reached = sorted({math.floor(5000 * far + 1e-6) for far in asked})
        far, _ = curve.curve(**options)
        np.testing.assert_allclose(far * 5000, reached, rtol=0, atol=1e-6)


def test_points_stand_by_far() -> None:
    curve = roc(np.array([0.9, 0.4]), np.array([0.5, 0.3]))
    assert {far: point.tar for far, point in points_at(curve, (0.5, 1.0)).items()} == {0.5: 1.0, 1.0: 1.0}


@pytest.mark.parametrize(
    ("genuine", "impostors", "message"),
    [
        ([], [1.0], "0 genuine and 1 impostor cases"),
        ([1.0], [], "1 genuine and 0 impostor cases"),
        ([np.nan, 1.0], [1.0], "1 of 2 genuine scores are NaN"),
        ([1.0], [np.inf, -np.inf, 0], "2 of 3 impostor scores"),
    ],
)
def test_scores_that_say_nothing_are_refused(genuine: list[float], impostors: list[float], message: str) -> None:
    with pytest.raises(DistillError, match=message):
        roc(np.array(genuine), np.array(impostors))


def test_a_threshold_that_is_nan_is_refused() -> None:
    with pytest.raises(DistillError, match="threshold is NaN"):
        roc(np.ones(1), np.zeros(1)).at_threshold(float("nan"))
