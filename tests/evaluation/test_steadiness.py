"""Steadiness against counts by hand."""

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.steadiness import Steadiness, own_nearest


def test_a_version_counts_where_its_own_answer_is_the_nearest() -> None:
    answers = np.array([[1.0, 0.0], [-1.0, 0.1], [0.0, 2.0]])
    turned = answers[[0, 2, 1]]  # the second and third swapped: only the first stays its own
    np.testing.assert_array_equal(own_nearest(answers, [answers, turned]), [1.0, 0.5, 0.5])


def test_by_a_loop_over_pictures() -> None:
    generator = np.random.default_rng(0)
    answers = generator.normal(3, 1, (20, 5))
    version = answers + generator.normal(0, 1, answers.shape)
    centre = answers.mean(axis=0)
    expected = []
    for k in range(20):
        cosines = [
            (version[k] - centre)
            @ (other - centre)
            / np.linalg.norm(version[k] - centre)
            / np.linalg.norm(other - centre)
            for other in answers
        ]
        expected.append(float(np.argmax(cosines) == k))
    np.testing.assert_array_equal(own_nearest(answers, [version]), expected)
    assert 0 < np.mean(expected) < 1


def test_a_network_that_answers_the_same_to_everything_is_not_steady() -> None:
    same = np.ones((6, 4))
    np.testing.assert_array_equal(own_nearest(same, [same, same]), np.zeros(6))


def test_intervals_are_of_the_mean_and_of_the_paired_difference() -> None:
    values = np.random.default_rng(1).random(400)
    one, other = Steadiness(values, 0, 500), Steadiness(values - 0.1, 0, 500)
    low, high = one.interval()
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.005)
    assert one.interval(other) == pytest.approx((0.1, 0.1))


def test_one_picture_or_another_shape_is_refused() -> None:
    with pytest.raises(DistillError, match="two or more"):
        own_nearest(np.ones((1, 3)), [np.ones((1, 3))])
    with pytest.raises(DistillError, match="of that shape"):
        own_nearest(np.ones((2, 3)), [np.ones((2, 4))])
