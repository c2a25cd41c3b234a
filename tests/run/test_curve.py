"""What a curve of a loss says of the training, on curves whose truth is known."""

import math

import numpy as np
import pytest

from distill.run.curve import fault_of, words_of


def decaying(passes: int, half_life: float, floor: float = 0.1) -> list[float]:
    """From 2 towards a floor, halving the rest every so many passes."""
    return [floor + 1.9 * 0.5 ** (number / half_life) for number in range(passes)]


@pytest.mark.parametrize(
    ("losses", "fault"),
    [
        (decaying(40, half_life=3), None),  # done: the last ten passes brought a thousandth
        (decaying(40, half_life=8), None),
        (decaying(40, half_life=30), "still falls"),
        (decaying(3, half_life=3), "still falls"),
        ([2.30, 2.29, 2.28], "still falls"),  # hardly begun: at each pass a little
        (np.linspace(2.3, 1.1, 12).tolist(), "still falls"),
        ([2.3, 2.31, 2.6], "never fell"),
        ([2.3, 2.3], "never fell"),
        ([2.3, 2.31, 2.28, 2.32, 2.29], "never fell"),  # up and down around where it began
        ([2.3, 1.1, math.nan], "never fell"),
        ([2.3, math.inf, 1.0], "never fell"),
        ([2.3], None),
        ([], None),
        ([1.0, 0.4, 0.3, 0.3, 0.3, 0.3, 0.299], None),
        ([-0.2, -0.9, -0.95, -0.95, -0.95], None),  # of a correlation, below zero
        ([-0.2, -0.4, -0.6, -0.8], "still falls"),
    ],
)
def test_curves_whose_truth_is_known(losses: list[float], fault: str | None) -> None:
    assert fault_of(losses) == fault


@pytest.mark.parametrize("seed", range(20))
def test_noise_on_a_flat_end_is_no_fall(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.005, 40)
    assert fault_of((np.array(decaying(40, half_life=3)) + noise).tolist()) is None


@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_the_unit_of_the_loss_does_not_matter(scale: float) -> None:
    for losses in (decaying(40, 3), decaying(40, 30), [2.3, 2.31, 2.6]):
        assert fault_of([scale * loss for loss in losses]) == fault_of(losses)


def test_words_say_what_was_seen_and_what_to_do() -> None:
    said = words_of("still falls", "transfer", [2.3026, 1.9])
    assert said.startswith("transfer is undertrained: the loss still falls, from 2.303 in the first pass to 1.9")
    assert "transfer.epochs" in said
    said = words_of("never fell", "teach", [2.3, 2.6])
    assert "the rate is too high: the loss never fell" in said and "teach.optimization.learning_rate" in said
