"""Kinds of answers: what they make of a network's tensors, against the formulas, and what their files carry."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from distill.answers import Embedding, Probabilities, Softmax
from distill.answers.kind import Kind, named
from distill.errors import DistillError
from distill.registries import ANSWERS

NAMES = ("Bald", "Male", "Ängstlich")
LOGITS = np.random.default_rng(0).normal(scale=3, size=(6, 3))


def activated(kind: Kind, values: np.ndarray) -> np.ndarray:
    outputs = {kind.raw[0]: torch.from_numpy(values.astype(np.float32))}
    answers = kind.activate(outputs)
    assert tuple(answers) == kind.tensors
    return answers[kind.tensors[0]].numpy()


def test_kinds_are_found_by_the_names_of_files() -> None:
    assert ANSWERS.names() == ["embedding", "probabilities", "softmax"]
    assert ANSWERS.get("softmax") is Softmax
    with pytest.raises(DistillError, match=r"'logits'\. Expected one of embedding, probabilities, softmax"):
        ANSWERS.get("logits")


def test_a_tensor_that_is_alone_takes_the_name_of_its_kind() -> None:
    tensor = torch.zeros(2, 3)
    assert named(tensor, "logits") == {"logits": tensor} == named({"logits": tensor}, "embedding")


def test_each_attribute_has_a_probability_of_its_own() -> None:
    np.testing.assert_allclose(activated(Probabilities(NAMES), LOGITS), 1 / (1 + np.exp(-LOGITS)), rtol=1e-5)


def test_classes_that_exclude_each_other_share_one_probability() -> None:
    powers = np.exp(LOGITS)
    np.testing.assert_allclose(activated(Softmax(NAMES), LOGITS), powers / powers.sum(1, keepdims=True), rtol=1e-5)


def test_embeddings_are_of_unit_length_and_zero_stays() -> None:
    values = np.concatenate([LOGITS, np.zeros((1, 3))])
    expected = LOGITS / np.sqrt((LOGITS**2).sum(1, keepdims=True))
    found = activated(Embedding(3), values)
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-5)
    assert not found[-1].any()


@pytest.mark.parametrize("kind", [Probabilities(NAMES), Softmax(NAMES), Embedding(3)], ids=lambda kind: kind.name)
def test_what_stood_before_the_activation_gives_the_same_answers(kind: Kind) -> None:
    answers = activated(kind, LOGITS)
    before = kind.before_activation({kind.tensors[0]: answers})
    assert before.shape == LOGITS.shape
    np.testing.assert_allclose(activated(kind, before), answers, rtol=1e-5)


def test_logits_come_back_from_probabilities() -> None:
    found = Probabilities(NAMES).before_activation({"probabilities": activated(Probabilities(NAMES), LOGITS)})
    np.testing.assert_allclose(found, LOGITS, rtol=1e-3, atol=1e-4)
    centred = Softmax(NAMES).before_activation({"probabilities": activated(Softmax(NAMES), LOGITS)})
    np.testing.assert_allclose(centred, LOGITS - LOGITS.mean(1, keepdims=True), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [Probabilities(NAMES), Softmax(NAMES)], ids=lambda kind: kind.name)
def test_certain_answers_have_finite_logits(kind: Kind) -> None:
    assert np.isfinite(kind.before_activation({"probabilities": np.array([[0, 1, 0]], np.float32)})).all()


@pytest.mark.parametrize(
    "kind",
    [
        Probabilities(NAMES, (0.5, 0.1 + 0.2, 1)),
        Probabilities(NAMES),
        Softmax(NAMES),
        Embedding(128, {"0.01": 0.1 + 0.2, "0.001": 1}),
        Embedding(2),
    ],
)
def test_facts_survive_json(kind: Kind) -> None:
    assert type(kind).of_facts(json.loads(json.dumps(kind.facts()))) == kind


@pytest.mark.parametrize(
    ("kind", "facts", "said"),
    [
        (Probabilities, {"classes": ["a"]}, "thresholds: missing or unknown of probabilities; expected classes, thres"),
        (Probabilities, {"classes": ["a"], "thresholds": None, "far": 1}, "far: missing or unknown"),
        (Probabilities, {"classes": None, "thresholds": None}, "classes: None, expected a list of names"),
        (Probabilities, {"classes": [], "thresholds": None}, r"classes: \(\), expected a list of names, at least one"),
        (Probabilities, {"classes": "abc", "thresholds": None}, "classes: 'abc', expected a list of names"),
        (Probabilities, {"classes": ["a", 3], "thresholds": None}, "classes: .*expected a list of names"),
        (Softmax, {"classes": ["a", "b", "a"], "thresholds": None}, "classes: a name stands there twice"),
        (Softmax, {"classes": ["a", "b"], "thresholds": 0.5}, "thresholds: 0.5, expected a list of numbers, or null"),
        (Softmax, {"classes": ["a", "b"], "thresholds": [0.5, "1"]}, "thresholds: .*expected a list of numbers"),
        (Softmax, {"classes": ["a", "b"], "thresholds": [0.5]}, "thresholds: 1 for 2 classes, expected one each"),
        (Embedding, {"dimensions": 4}, "far_thresholds: missing or unknown of embedding; expected dimensions, far_"),
        (Embedding, {"dimensions": None, "far_thresholds": None}, "dimensions: None, expected those of an embedding"),
        (Embedding, {"dimensions": 0, "far_thresholds": None}, "dimensions: 0, expected"),
        (Embedding, {"dimensions": "4", "far_thresholds": None}, "dimensions: '4', expected"),
        (Embedding, {"dimensions": 4, "far_thresholds": [0.5]}, "far_thresholds: .*expected a cosine by FAR, or null"),
        (Embedding, {"dimensions": 4, "far_thresholds": {"0.1": "x"}}, "far_thresholds: .*expected a cosine by FAR"),
    ],
)
def test_wrong_facts_are_refused_by_name(kind: type[Kind], facts: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillError, match=f"^{said}"):
        kind.of_facts(facts)


@pytest.mark.parametrize("kind", [Probabilities, Softmax])
def test_a_network_that_names_its_classes(kind: type[Probabilities] | type[Softmax]) -> None:
    called = kind(("a", "b"), (0.1, 0.2)).called(NAMES)
    assert (called, called.class_names, called.outputs) == (kind(NAMES), NAMES, 3)  # thresholds are of other classes
    assert kind(NAMES).called(None).class_names is None
    assert kind(NAMES).shapes == {"logits": (3,)}


def test_the_dimensions_of_an_embedding_are_seen() -> None:
    seen = Embedding(far_thresholds={"0.1": 0.4}).of_outputs({"embedding": torch.zeros(5, 7)})
    assert (seen, seen.shapes, seen.outputs) == (Embedding(7, {"0.1": 0.4}), {"embedding": (7,)}, 7)
    assert seen.called(NAMES) == seen and seen.class_names is None


@pytest.mark.parametrize("kind", [Embedding, Probabilities, Softmax])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_no_number_teaches_nothing(kind: type[Kind], number: float) -> None:
    tensor = torch.ones(3, 4)
    assert kind.useless({kind.raw[0]: tensor}) is None
    tensor[1, 2] = number
    assert kind.useless({kind.raw[0]: tensor}) == "NaN or infinity"


def test_the_zero_vector_teaches_nothing_as_an_embedding_alone() -> None:
    tensor = torch.ones(3, 4)
    tensor[1] = 0
    assert "zero vector" in (Embedding.useless({"embedding": tensor}) or "")
    assert Probabilities.useless({"logits": tensor}) is Softmax.useless({"logits": tensor}) is None


def test_a_row_of_attributes_says_what_is_present() -> None:
    kind, answers = Probabilities(NAMES, (0.9, 0.25, 0.5)), {"probabilities": np.array([0.8, 0.25, 0.75], np.float32)}
    assert kind.heading() == ["present", *NAMES]
    assert kind.row(answers) == ["Male Ängstlich", "0.8000", "0.2500", "0.7500"]
    assert Probabilities(NAMES).row(answers)[0] == "Bald Ängstlich"  # from one half where none was chosen


def test_a_row_of_classes_says_the_likeliest() -> None:
    kind = Softmax(NAMES)
    assert kind.heading() == ["class", "probability", *NAMES]
    answers = {"probabilities": np.array([0.25, 0.625, 0.125], np.float32)}
    assert kind.row(answers) == ["Male", "0.6250", "0.2500", "0.6250", "0.1250"]


@pytest.mark.parametrize(("threshold", "name"), [(0.625, "Male"), (0.63, "none of these")])
def test_a_row_of_a_picture_below_the_threshold_says_none_of_these(threshold: float, name: str) -> None:
    answers = {"probabilities": np.array([0.25, 0.625, 0.125], np.float32)}
    row = Softmax(NAMES, (threshold,) * 3).row(answers)
    assert row == [name, "0.6250", "0.2500", "0.6250", "0.1250"]


def test_a_table_of_embeddings_would_say_nothing() -> None:
    with pytest.raises(DistillError, match="gives embeddings, which are compared, and have no classes to write"):
        Embedding(3).heading()
    assert Embedding(3).row({"embeddings": np.array([0.5, -0.25, 1], np.float32)}) == [
        "0.500000",
        "-0.250000",
        "1.000000",
    ]


def test_how_sure_answers_are() -> None:
    answers = {"probabilities": np.array([[0.9, 0.1, 0.0], [0.4, 0.5, 0.1]], np.float32)}
    np.testing.assert_allclose(Softmax(NAMES).sureness(answers), [0.9, 0.5])
    np.testing.assert_allclose(
        Probabilities(NAMES).sureness(answers), [(0.8 + 0.8 + 1) / 3, (0.2 + 0 + 0.8) / 3], rtol=1e-6
    )
    assert Embedding(3).sureness({"embeddings": np.eye(3)}) is None
