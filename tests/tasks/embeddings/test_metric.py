"""What validation measures, against plain counting."""

from itertools import combinations

import numpy as np
import pytest

from distill.errors import DistillError
from distill.modules.metrics import ANSWERS
from distill.tasks.embeddings.metric import CosineToTeacher, TarAtFar


def test_tar_at_far_counts_pairs_of_people() -> None:
    generator = np.random.default_rng(0)
    people = generator.integers(0, 6, 30)
    embeddings = (generator.normal(size=(6, 8))[people] + generator.normal(size=(30, 8))).astype(np.float32)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    genuine, impostors = [], []
    for a, b in combinations(range(30), 2):
        (genuine if people[a] == people[b] else impostors).append(float(unit[a] @ unit[b]))
    threshold = sorted(impostors)[-int(0.1 * len(impostors)) - 1]
    expected = sum(score > threshold for score in genuine) / len(genuine)
    metric = TarAtFar(0.1)
    assert metric.name == "tar@far=1e-1" and metric({"embedding": embeddings}, {"identities": people}) == pytest.approx(
        expected, abs=1e-9
    )
    outputs = {"embedding": np.concatenate([embeddings, embeddings[:3]])}  # the last three of strangers
    assert metric(outputs, {"identities": np.concatenate([people, [-1, -1, -1]])}) == metric(
        {"embedding": embeddings}, {"identities": people}
    )


def test_the_first_person_is_known_and_counts() -> None:
    embeddings = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]], np.float32)
    assert (
        TarAtFar(0.5)({"embedding": embeddings}, {"identities": np.array([0, 0, 1])}) == 1
    )  # without person 0 there is no pair


def test_the_cosine_to_a_teacher_does_not_see_length() -> None:
    outputs = {"embedding": np.array([[3.0, 0.0], [0.0, 2.0]])}
    assert CosineToTeacher()(outputs, {ANSWERS: np.array([[1.0, 0.0], [5.0, 5.0]])}) == pytest.approx(
        (1 + 0.5**0.5) / 2
    )


def test_what_is_not_known_of_the_pictures_is_named() -> None:
    with pytest.raises(DistillError, match="pictures come with labels, count, and identities is needed to score them"):
        TarAtFar(0.1)({"embedding": np.zeros((2, 3))}, {"labels": np.zeros((2, 3)), "count": np.zeros(2)})
