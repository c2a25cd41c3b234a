"""An objective: its parts, their sum, and what it refuses."""

from typing import Any

import pytest
import torch

from distill.errors import DistillError
from distill.objectives import Objective
from distill.objectives.embedding import cosine, squared_embedding
from distill.objectives.labels import labelled_cross_entropy
from distill.objectives.logits import bernoulli_kl, softmax_kl, squared_logits
from distill.objectives.relational import angle_relations, distance_relations

RANDOM = torch.Generator().manual_seed(0)
STUDENT, TEACHER = torch.randn(4, 3, generator=RANDOM), torch.randn(4, 3, generator=RANDOM)
LABELS = torch.tensor([[1, 0, -1], [0, 0, 1], [-1, -1, -1], [1, 1, 1]])


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (Objective(), bernoulli_kl(STUDENT, TEACHER)),
        (Objective("bernoulli_kl", 2.5), bernoulli_kl(STUDENT, TEACHER, 2.5)),
        (Objective("softmax_kl", 2.5), softmax_kl(STUDENT, TEACHER, 2.5)),
        (Objective("squared_logits"), squared_logits(STUDENT, TEACHER)),
        (Objective("squared_embedding"), squared_embedding(STUDENT, TEACHER)),
        (Objective("cosine"), cosine(STUDENT, TEACHER)),
    ],
)
def test_imitation_alone_needs_no_labels(objective: Objective, expected: torch.Tensor) -> None:
    for labels in (None, LABELS, LABELS[:, :0]):
        parts = objective(STUDENT, TEACHER, labels)
        assert parts.keys() == {objective.name, "loss"}
        assert torch.equal(parts["loss"], expected) and torch.equal(parts[objective.name], expected)


def test_the_label_term_is_weighted_in_the_sum_alone() -> None:
    parts = Objective("bernoulli_kl", 2.0, label_weight=0.3)(STUDENT, TEACHER, LABELS)
    imitation, labels = bernoulli_kl(STUDENT, TEACHER, 2.0), labelled_cross_entropy(STUDENT, LABELS)
    assert parts.keys() == {"bernoulli_kl", "labels", "loss"}
    assert torch.equal(parts["bernoulli_kl"], imitation) and torch.equal(parts["labels"], labels)
    torch.testing.assert_close(parts["loss"], imitation + 0.3 * labels)
    assert float(labels[2]) == 0 and torch.equal(parts["loss"][2], imitation[2])


@pytest.mark.parametrize(("labels", "found"), [(None, "none"), (LABELS[:, :0], r"\(4, 0\)"), (LABELS[:, 0], r"\(4,\)")])
def test_a_label_term_without_labels_is_refused(labels: torch.Tensor | None, found: str) -> None:
    with pytest.raises(
        DistillError, match=rf"label_weight is 0.5, which needs labels of shape \(4, 3\); .* has {found}"
    ):
        Objective(label_weight=0.5)(STUDENT, TEACHER, labels)


def test_a_teacher_of_other_outputs_is_refused() -> None:
    # One output would broadcast, and every attribute imitate it.
    for teacher in (TEACHER[:, :2], TEACHER[:, :1], TEACHER[:3]):
        with pytest.raises(DistillError, match=r"student answers \(4, 3\) and the teacher"):
            Objective()(STUDENT, teacher)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"name": "mse"}, r"objective\.name is 'mse', expected one of bernoulli_kl, softmax_kl, squared_logits"),
        ({"temperature": 0.0}, r"objective\.temperature is 0.0, expected a positive"),
        ({"temperature": -1.0}, r"objective\.temperature"),
        ({"name": "squared_logits", "temperature": 2.0}, r"objective\.temperature: squared_logits has none"),
        ({"label_weight": -0.1}, r"objective\.label_weight is -0.1"),
        ({"name": "cosine", "temperature": 2.0}, r"objective\.temperature: cosine has none"),
        ({"name": "cosine", "angle_weight": -1.0}, r"objective\.angle_weight is -1.0"),
        ({"distance_weight": 1.0}, r"distance_weight, objective\.angle_weight: between embeddings, .* bernoulli_kl"),
    ],
)
def test_impossible_objectives_are_refused_by_key(keys: dict[str, Any], found: str) -> None:
    with pytest.raises(DistillError, match=found):
        Objective(**keys)


def test_relations_of_the_batch_are_added_to_every_picture() -> None:
    parts = Objective("squared_embedding", distance_weight=0.5, angle_weight=2.0)(STUDENT, TEACHER)
    distances, angles = distance_relations(STUDENT, TEACHER), angle_relations(STUDENT, TEACHER)
    assert parts.keys() == {"squared_embedding", "distances", "angles", "loss"}
    assert torch.equal(parts["distances"], distances) and torch.equal(parts["angles"], angles)
    expected = squared_embedding(STUDENT, TEACHER) + 0.5 * distances + 2.0 * angles
    assert parts["loss"].shape == (4,)
    torch.testing.assert_close(parts["loss"], expected)


@pytest.mark.parametrize(
    ("value", "logits", "embeddings"),
    [(1.0, True, True), (float("nan"), False, False), (float("inf"), False, False), (0.0, True, False)],
)
def test_what_can_teach(value: float, logits: bool, embeddings: bool) -> None:
    answers = torch.ones(3, 2)
    answers[1] = value
    assert bool(Objective().can_teach(answers)) is logits
    assert bool(Objective("cosine").can_teach(answers)) is embeddings
