"""The front and the smallest student, held against their definitions tried out on every pair."""

import numpy as np
import pytest

from distill.sweep.front import pareto_front, smallest_within


def dominated(i: int, costs: list[float], scores: list[float]) -> bool:
    """Whether another one is at least as good in both, and better in one."""
    return any(
        costs[j] <= costs[i] and scores[j] >= scores[i] and (costs[j] < costs[i] or scores[j] > scores[i])
        for j in range(len(costs))
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_nothing_dominates(seed: int) -> None:
    draws = np.random.default_rng(seed)
    # few different values, so that some cost or score the same
    costs, scores = (draws.integers(0, 6, 15).astype(float).tolist() for _ in range(2))
    front = pareto_front(costs, scores)
    assert sorted(front) == [i for i in range(15) if not dominated(i, costs, scores)]
    assert [costs[i] for i in front] == sorted(costs[i] for i in front)


@pytest.mark.parametrize("seed", range(20))
def test_the_smallest_within_so_many_points(seed: int) -> None:
    draws = np.random.default_rng(seed)
    costs, scores = draws.integers(1, 9, 12).astype(float).tolist(), draws.uniform(0.5, 0.8, 12).round(3).tolist()
    for points in (0, 1, 2, 5):
        near = [i for i in range(12) if (0.7 - scores[i]) * 100 <= points + 1e-9]
        found = smallest_within(points, 0.7, costs, scores)
        if found is None:
            assert not near
        else:
            assert found in near and costs[found] == min(costs[i] for i in near)
            assert scores[found] == max(scores[i] for i in near if costs[i] == costs[found])


def test_nothing_has_no_front() -> None:
    assert pareto_front([], []) == [] and smallest_within(5, 0.7, [], []) is None
