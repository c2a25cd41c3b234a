"""Models held to chance: that see nothing, that see something, and where most pictures are of one class."""

import numpy as np
import pytest

from distill.evaluation.attributes import evaluate_attributes
from distill.evaluation.classification import evaluate_classification
from distill.tasks.attributes.judging import AttributeVerdict
from distill.tasks.classes.judging import ClassVerdict

CLASSES = ("a", "b", "c", "d")


def classes(answers: np.ndarray, truths: np.ndarray) -> ClassVerdict:
    """Of the class answered to each picture."""
    probabilities = np.eye(4, dtype=np.float32)[answers] * 0.6 + 0.1
    labels = np.eye(4, dtype=np.int8)[truths]
    scores = evaluate_classification(probabilities, labels, CLASSES, seed=0, resamples=100)
    return ClassVerdict({"probabilities": probabilities}, CLASSES, scores)


@pytest.mark.parametrize("shares", [(0.25, 0.25, 0.25, 0.25), (0.4, 0.3, 0.2, 0.1), (0.85, 0.05, 0.05, 0.05)])
def test_one_answer_to_all_pictures_is_chance(shares: tuple[float, ...]) -> None:
    truths = np.repeat(np.arange(4), [round(400 * share) for share in shares])
    blind = classes(np.zeros(400, np.int64), truths)
    assert blind.at_chance and blind.by_chance == pytest.approx(shares[0]) == blind.score
    assert "is within chance of" in blind.beside_chance
    assert not classes(truths, truths).at_chance


def test_guesses_are_chance_and_half_of_the_truth_is_not() -> None:
    generator = np.random.default_rng(0)
    truths, guesses = generator.integers(0, 4, (2, 600))
    assert classes(guesses, truths).at_chance
    assert not classes(np.where(generator.random(600) < 0.3, truths, guesses), truths).at_chance


def test_a_good_model_of_rare_classes_is_not_at_chance() -> None:
    truths = np.repeat(np.arange(4), [340, 20, 20, 20])
    answers = truths.copy()
    answers[:40] = 1  # as many mistakes among the frequent as there are rare ones
    found = classes(answers, truths)
    assert found.scores.intervals["top-1"][0] > 0.85 or found.score == pytest.approx(0.9)
    answers[:62] = 1  # now top-1 is that of the most frequent class
    found = classes(answers, truths)
    assert found.score < found.by_chance and not found.at_chance


def attributes(probabilities: np.ndarray, labels: np.ndarray) -> AttributeVerdict:
    scores = evaluate_attributes(probabilities, labels, CLASSES, seed=0, resamples=100, thresholds=None)
    return AttributeVerdict({"probabilities": probabilities}, CLASSES, np.full(4, 0.5), (), 0.0, scores)


def test_attributes_are_held_to_the_share_of_positives() -> None:
    generator = np.random.default_rng(1)
    labels = (generator.random((500, 4)) < [0.1, 0.3, 0.5, 0.7]).astype(np.int8)
    same = attributes(np.full((500, 4), 0.5, np.float32), labels)
    assert same.by_chance == pytest.approx(labels.mean()) and same.at_chance
    noise = generator.random((500, 4)).astype(np.float32)
    assert attributes(noise, labels).at_chance
    assert not attributes((noise + labels) / 2, labels).at_chance
