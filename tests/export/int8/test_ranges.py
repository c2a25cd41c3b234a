"""The range that 256 levels cover, against trying every one and plain numpy."""

import numpy as np
import pytest

from distill.export.int8.ranges import Histogram, least_error_range, percentile_range

GENERATOR = np.random.default_rng(0)


def histogram(values: np.ndarray, bins: int = 2048) -> Histogram:
    low, high = min(0.0, values.min()), max(0.0, values.max())
    return Histogram(np.histogram(values, bins, (low, high))[0].astype(np.float64), low, high)


def error(values: np.ndarray, bounds: tuple[float, float], slope: float) -> float:
    """Of rounding each value to the nearest of 256 levels, after a leaky ReLU."""
    levels = np.linspace(*bounds, 256)
    levels -= levels[np.abs(levels).argmin()]  # zero is one of them
    rounded = levels[np.abs(values[:, None] - levels).argmin(axis=1)]
    leaky = [np.where(one < 0, slope * one, one) for one in (values, rounded)]
    return float(((leaky[0] - leaky[1]) ** 2).sum())


@pytest.mark.parametrize("slope", [1.0, 0.1, 0.0])
def test_least_error_beats_the_whole_range_and_a_narrow_one(slope: float) -> None:
    values = np.concatenate([GENERATOR.normal(size=4000), [-40.0, 9.0]])
    found = least_error_range(histogram(values), slope)
    best = error(values, found, slope)
    assert best < error(values, (values.min(), values.max()), slope)
    assert best < error(values, (-1.0, 1.0), slope)


def test_what_a_relu_drops_takes_no_levels() -> None:
    values = np.concatenate([GENERATOR.uniform(-10, 0, 1000), GENERATOR.uniform(0, 1, 1000)])
    low, high = least_error_range(histogram(values), slope=0.0)
    assert low == pytest.approx(-2.0, abs=0.1) and high == pytest.approx(1.0, abs=0.1)  # the smallest share tried
    assert least_error_range(histogram(values))[0] < -8


def test_percentiles_are_those_of_numpy() -> None:
    values = GENERATOR.normal(size=100_000)
    low, high = percentile_range(histogram(values), percentile=99.9)
    assert low == pytest.approx(np.percentile(values, 0.1), abs=0.02)
    assert high == pytest.approx(np.percentile(values, 99.9), abs=0.02)


def test_zero_is_always_inside() -> None:
    for values in (GENERATOR.uniform(3, 4, 100), GENERATOR.uniform(-4, -3, 100)):
        for bounds in (percentile_range(histogram(values)), least_error_range(histogram(values))):
            assert bounds[0] <= 0 <= bounds[1] and bounds[0] < bounds[1]


def test_a_percentile_of_few_bins_is_the_outer_edge_of_one() -> None:
    found = Histogram(np.array([1.0, 4.0, 90.0, 4.0, 1.0]), -2.0, 3.0)
    assert percentile_range(found, percentile=98.0) == (-1.0, 2.0)
    assert percentile_range(found, percentile=90.0) == (0.0, 1.0)
    assert percentile_range(found, percentile=100.0) == (-2.0, 3.0)


def test_of_ten_thousand_values_one_on_either_side_is_cut_off_by_default() -> None:
    values = GENERATOR.normal(size=400_000)
    expected = np.percentile(values, (0.01, 99.99))
    assert percentile_range(histogram(values)) == pytest.approx(expected, abs=0.02)


def test_a_bin_stands_for_the_value_in_its_middle() -> None:
    assert Histogram(np.ones(4), -1.0, 3.0).centers.tolist() == [-0.5, 0.5, 1.5, 2.5]


@pytest.mark.parametrize("slope", [1.0, 0.1])
@pytest.mark.parametrize("seed", [0, 5, 26, 38])  # in the last three a zero between two levels would do better
def test_the_least_error_is_that_of_trying_all_shares_of_the_range(seed: int, slope: float) -> None:
    """From a fifth of either side to all of it in steps of a twentieth, zero always one of the 256 levels."""
    generator = np.random.default_rng(seed)
    found = histogram(np.concatenate([generator.normal(size=500), generator.uniform(-9, 6, 5)]), bins=64)
    values = np.repeat(found.centers, found.counts.astype(int))
    shares = np.arange(4, 21) / 20

    def tried(low: float, high: float) -> float:
        zero = round(-low * 255 / (high - low))  # the level that stands for 0
        levels = (np.arange(256) - zero) * (high - low) / 255
        nearest = levels[np.abs(values[:, None] - levels).argmin(axis=1)]
        leaky = [np.where(one < 0, slope * one, one) for one in (values, nearest)]
        return float(((leaky[0] - leaky[1]) ** 2).sum())

    errors = {(low, high): tried(low, high) for low in found.low * shares for high in found.high * shares}
    assert least_error_range(found, slope) == pytest.approx(min(errors, key=errors.__getitem__))
