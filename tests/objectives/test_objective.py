"""An objective: its parts, their sum, and what it refuses."""

from dataclasses import fields

import pytest
import torch

from distill.errors import DistillError
from distill.objectives import (
    BernoulliKl,
    Cosine,
    Dist,
    Dkd,
    Objective,
    SoftmaxKl,
    SquaredEmbedding,
    SquaredLogits,
)
from distill.objectives.correlation import correlation_distance, standardized
from distill.objectives.decoupled import decoupled_kl
from distill.objectives.embedding import cosine, squared_embedding
from distill.objectives.labels import labelled_cross_entropy, softmax_cross_entropy
from distill.objectives.logits import bernoulli_kl, softmax_kl, squared_logits
from distill.objectives.relational import angle_relations, distance_relations
from distill.objectives.top import TopAnswers
from distill.registries import OBJECTIVES

RANDOM = torch.Generator().manual_seed(0)
STUDENT, TEACHER = torch.randn(4, 3, generator=RANDOM), torch.randn(4, 3, generator=RANDOM)
ONE_HOT = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=torch.int8)
LABELS = torch.tensor([[1, 0, -1], [0, 0, 1], [-1, -1, -1], [1, 1, 1]])


def scored(
    objective: Objective,
    student: torch.Tensor,
    teacher: torch.Tensor | TopAnswers,
    labels: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """With something else beside what it compares."""
    name, beside = objective.compares, torch.zeros(1)
    targets = {} if labels is None else {"labels": labels}
    return objective({"beside": beside, name: student}, {name: teacher, "beside": beside}, targets)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (BernoulliKl(), bernoulli_kl(STUDENT, TEACHER)),
        (BernoulliKl(temperature=2.5), bernoulli_kl(STUDENT, TEACHER, 2.5)),
        (SoftmaxKl(temperature=2.5), softmax_kl(STUDENT, TEACHER, 2.5)),
        (Dist(temperature=2.5), correlation_distance(STUDENT, TEACHER, 2.5)),
        (Dist(standardize=True), correlation_distance(standardized(STUDENT), standardized(TEACHER))),
        (SoftmaxKl(temperature=2, standardize=True), softmax_kl(standardized(STUDENT), standardized(TEACHER), 2)),
        (SquaredLogits(), squared_logits(STUDENT, TEACHER)),
        (SquaredEmbedding(), squared_embedding(STUDENT, TEACHER)),
        (Cosine(), cosine(STUDENT, TEACHER)),
    ],
)
def test_imitation_alone_needs_no_labels(objective: Objective, expected: torch.Tensor) -> None:
    for labels in (None, LABELS, LABELS[:, :0]):
        parts = scored(objective, STUDENT, TEACHER, labels)
        assert parts.keys() == {objective.name, "loss"}
        assert torch.equal(parts["loss"], expected) and torch.equal(parts[objective.name], expected)


def test_the_label_term_is_weighted_in_the_sum_alone() -> None:
    parts = scored(BernoulliKl(temperature=2.0, label_weight=0.3), STUDENT, TEACHER, LABELS)
    imitation, labels = bernoulli_kl(STUDENT, TEACHER, 2.0), labelled_cross_entropy(STUDENT, LABELS)
    assert parts.keys() == {"bernoulli_kl", "labels", "loss"}
    assert torch.equal(parts["bernoulli_kl"], imitation) and torch.equal(parts["labels"], labels)
    torch.testing.assert_close(parts["loss"], imitation + 0.3 * labels)
    assert float(labels[2]) == 0 and torch.equal(parts["loss"][2], imitation[2])


def test_dkd_learns_from_teacher_and_class() -> None:
    expected = decoupled_kl(STUDENT, TEACHER, ONE_HOT, 2.0, 0.5, 3.0)
    parts = scored(Dkd(temperature=2.0, target_weight=0.5, others_weight=3.0), STUDENT, TEACHER, ONE_HOT)
    assert parts.keys() == {"dkd", "loss"} and torch.equal(parts["loss"], expected)
    expected = decoupled_kl(standardized(STUDENT), standardized(TEACHER), ONE_HOT)
    assert torch.equal(scored(Dkd(standardize=True), STUDENT, TEACHER, ONE_HOT)["loss"], expected)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (None, r"objective\.name is dkd, which needs labels of shape \(4, 3\); the batch has none\. Take softmax_kl"),
        (ONE_HOT[:, :0], r"the batch has \(4, 0\)"),
        (torch.where(torch.tensor([[True], [False], [False], [False]]), -1, ONE_HOT), "some of unknown class"),
    ],
)
def test_dkd_without_labels_is_refused(labels: torch.Tensor | None, reason: str) -> None:
    with pytest.raises(DistillError, match=reason):
        scored(Dkd(), STUDENT, TEACHER, labels)


@pytest.mark.parametrize("kind", [SoftmaxKl, Dkd, Dist])
def test_beside_exclusive_classes_the_label_term_is_over_all_of_them(kind: type[SoftmaxKl | Dkd | Dist]) -> None:
    parts = scored(kind(label_weight=0.5, standardize=True), STUDENT, TEACHER, ONE_HOT)
    assert torch.equal(parts["labels"], softmax_cross_entropy(STUDENT, ONE_HOT))
    torch.testing.assert_close(parts["loss"], parts[kind.name] + 0.5 * parts["labels"])


def test_what_asks_for_labels() -> None:
    assert Dkd().needs_labels == "objective.name is dkd"
    assert Dist(label_weight=0.5).needs_labels == "objective.label_weight is 0.5"
    assert Dist().needs_labels is None


@pytest.mark.parametrize("objective", [Dkd(), Dist(), SoftmaxKl(standardize=True)])
def test_the_largest_logits_alone_are_too_few(objective: Objective) -> None:
    kept = TopAnswers(TEACHER[:, :2], torch.tensor([[0, 1]]).expand(4, 2), torch.full((4, 3), -1.0))
    with pytest.raises(DistillError, match=r"needs all logits of the teacher, and the store kept its 2 largest"):
        scored(objective, STUDENT, kept, ONE_HOT)


@pytest.mark.parametrize(("labels", "found"), [(None, "none"), (LABELS[:, :0], r"\(4, 0\)"), (LABELS[:, 0], r"\(4,\)")])
def test_a_label_term_without_labels_is_refused(labels: torch.Tensor | None, found: str) -> None:
    with pytest.raises(
        DistillError, match=rf"label_weight is 0.5, which needs labels of shape \(4, 3\); .* has {found}"
    ):
        scored(BernoulliKl(label_weight=0.5), STUDENT, TEACHER, labels)


def test_a_teacher_of_other_outputs_is_refused() -> None:
    # One output would broadcast, and every attribute imitate it.
    for teacher in (TEACHER[:, :2], TEACHER[:, :1], TEACHER[:3]):
        with pytest.raises(DistillError, match=r"student answers \(4, 3\) and the teacher"):
            scored(BernoulliKl(), STUDENT, teacher)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"temperature": 0.0}, r"objective\.temperature is 0.0, expected a positive"),
        ({"temperature": -1.0}, r"objective\.temperature"),
        ({"temperature": float("nan")}, r"objective\.temperature is nan"),
        ({"temperature": float("inf")}, r"objective\.temperature is inf"),
        ({"label_weight": float("nan")}, r"objective\.label_weight is nan"),
        ({"label_weight": -0.1}, r"objective\.label_weight is -0.1"),
        ({"angle_weight": -1.0}, r"objective\.angle_weight is -1.0"),
        ({"distance_weight": float("inf")}, r"objective\.distance_weight is inf"),
        ({"others_weight": -1.0}, r"objective\.others_weight is -1.0"),
        ({"target_weight": -1.0}, r"objective\.target_weight is -1.0"),
    ],
)
def test_impossible_values_are_refused_by_key(keys: dict[str, float], found: str) -> None:
    """By each objective that has the key."""
    kinds = [OBJECTIVES.get(name) for name in OBJECTIVES.names()]
    having = [kind for kind in kinds if {field.name for field in fields(kind)} >= keys.keys()]
    assert having
    for kind in having:
        with pytest.raises(DistillError, match=found):
            kind(**keys)


def test_each_has_the_keys_of_its_formula_alone() -> None:
    softened, both = {"name", "temperature", "label_weight"}, {"name", "distance_weight", "angle_weight"}
    expected = {
        "bernoulli_kl": softened,
        "boxes": {"name", "class_loss", "place_weight", "certain_from", "least_visible", "label_weight"}
        | {"feature_weight", "maps", "anchor_weight"},
        "softmax_kl": softened | {"standardize"},
        "dist": softened | {"standardize"},
        "dkd": softened | {"standardize", "target_weight", "others_weight"},
        "squared_logits": {"name", "label_weight"},
        "squared_embedding": both,
        "cosine": both,
    }
    assert sorted(expected) == OBJECTIVES.names()
    for name, keys in expected.items():
        kind = OBJECTIVES.get(name)
        assert {field.name for field in fields(kind)} == keys and kind().name == name


def test_relations_of_the_batch_are_added_to_every_picture() -> None:
    parts = scored(SquaredEmbedding(distance_weight=0.5, angle_weight=2.0), STUDENT, TEACHER)
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
    assert bool(BernoulliKl().can_teach({"logits": answers})) is logits
    assert bool(Cosine().can_teach({"embedding": answers})) is embeddings
