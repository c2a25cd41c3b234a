"""Who is taken for whom, counted picture by picture."""

import numpy as np
import pytest

from distill.evaluation.confusion import confusion_matrix, most_confused
from distill.evaluation.intervals import wilson_interval


def test_pairs_are_counted_in_both_directions() -> None:
    generator = np.random.default_rng(0)
    truths, answers = generator.integers(0, 5, (2, 300))
    found = most_confused(confusion_matrix(truths, answers, 5), 4)
    assert len(found) == 4

    def mistakes(a: int, b: int) -> tuple[int, int]:
        return tuple(
            sum(1 for t, s in zip(truths, answers, strict=True) if (t, s) == pair) for pair in ((a, b), (b, a))
        )

    every = sorted((sum(mistakes(a, b)) for a in range(5) for b in range(a)), reverse=True)
    assert [sum(one.mistaken) for one in found] == every[:4]
    for one in found:
        assert one.mistaken == mistakes(*one.classes) and one.mistaken[0] >= one.mistaken[1]
        assert one.pictures == np.isin(truths, one.classes).sum()
        assert one.share == pytest.approx(sum(one.mistaken) / one.pictures)
        assert one.interval == wilson_interval(sum(one.mistaken), one.pictures)


def test_classes_that_are_never_confused_are_not_listed() -> None:
    matrix = np.array([[7, 0, 0], [2, 5, 0], [0, 0, 0]])  # the last shows nobody
    (only,) = most_confused(matrix, 10)
    assert only.classes == (1, 0) and only.mistaken == (2, 0) and only.pictures == 14
    assert only.to_dict(["a", "b", "c"])["classes"] == ["b", "a"]


def test_of_equally_many_mistakes_the_lower_numbers_come_first() -> None:
    found = most_confused(np.ones((12, 12), np.int64), 200)
    assert [one.classes for one in found] == [(a, b) for a in range(12) for b in range(a + 1, 12)]
