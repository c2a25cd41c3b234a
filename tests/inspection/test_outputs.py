"""What numbers mean by their values, and whose classes outputs are by names."""

import json

import numpy as np
import pytest

from distill.errors import DistillError
from distill.inspection.outputs import class_keys, meaning

PAIR = ("n02085620-Chihuahua", "n02085782-Japanese_spaniel")


def test_the_meaning_of_numbers() -> None:
    logits = np.random.default_rng(0).normal(size=(40, 7))
    shared = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert meaning(logits) == "logits"
    assert meaning(shared) == "softmax"
    assert meaning(1 / (1 + np.exp(-logits))) == "probabilities"
    assert meaning(shared[:, :1]) == "probabilities"
    assert meaning(shared.astype(np.float16).astype(np.float32)) == "softmax"


@pytest.mark.parametrize(
    "text", [json.dumps(["b", "a", "c"]), "{0: 'b', 1: 'a', 2: 'c'}", '{"1": "a", "0": "b", "2": "c"}']
)
def test_names_in_the_metadata_are_read_as_exporters_write_them(text: str) -> None:
    keys, words = class_keys(3, ("a", "b"), {"names": text})
    assert keys == {"classes": ("b", "a", "c")} and "metadata" in words


def test_imagenets_outputs_are_known_by_their_number_and_wordnet_ids() -> None:
    assert class_keys(1000, PAIR, {})[0] == {"class_map": "imagenet"}
    assert class_keys(1001, PAIR, {})[0] == {"class_map": "imagenet_background"}


def test_as_many_outputs_as_classes_are_taken_in_order_and_that_is_said() -> None:
    keys, words = class_keys(2, ("a", "b"), {"names": "[1, 2]"})
    assert not keys and "which nothing tells" in words


def test_what_nothing_tells_is_asked_for() -> None:
    with pytest.raises(DistillError, match=r"12 outputs and the data 2 classes.*--teacher.classes"):
        class_keys(12, ("a", "b"), {})
