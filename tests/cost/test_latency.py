"""Turns of timing: everybody has as many, one after another; and the spread over them."""

import numpy as np
import pytest

from distill.cost.latency import Latency, is_wide, latencies, sgemm


def test_ways_take_turns() -> None:
    calls: list[str] = []
    found = latencies({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert found.keys() == {"a", "b"}
    assert all(0 < one.spread[0] <= one.median <= one.spread[1] for one in found.values())
    turns = [name for place, name in enumerate(calls) if place == 0 or calls[place - 1] != name]
    assert turns == ["a", "b"] * 4  # once to know how long they take, then in turns


def test_the_spread_is_that_of_the_quartiles() -> None:
    seconds = np.random.default_rng(0).gamma(2.0, 1e-3, 11).tolist()
    latency = Latency.of(seconds)
    low, median, high = np.percentile(seconds, [25, 50, 75])
    assert (latency.median, *latency.spread) == pytest.approx((median, low, high))
    shown, spread = latency.milliseconds()
    assert shown == pytest.approx(1000 * median) and spread == pytest.approx([1000 * low, 1000 * high])


def test_a_spread_is_wide_by_the_median_it_stands_beside() -> None:
    assert is_wide(1.0, (0.9, 1.2)) and not is_wide(1.0, (0.95, 1.1))
    assert is_wide(0.01, [0.009, 0.012]) and not is_wide(0.01, [0.0095, 0.011])


def test_the_product_is_counted_as_it_is() -> None:
    multiply, operations = sgemm()
    product = multiply()
    assert product.shape == (768, 768) and float(product[0, 0]) == 768  # type: ignore[attr-defined]
    assert operations == 2 * 768**3
