"""Scores by group, against scikit-learn on the pictures of the group."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from distill.evaluation.groups import group_scores

CLASSES = ("Bald", "Male", "Smiling", "Mustache", "Young")


@pytest.fixture
def labels() -> np.ndarray:
    """Only those who are Male have a Mustache; of ten it is not known whether they are."""
    labels = np.random.default_rng(0).integers(0, 2, (120, 5)).astype(np.int8)
    labels[:, 3] &= labels[:, 1]
    labels[:10, 1] = -1
    return labels


def test_each_group_on_what_both_can_be_measured_on(labels: np.ndarray) -> None:
    answers = {role: np.random.default_rng(seed).random((120, 5)) for seed, role in enumerate(("teacher", "student"))}
    found = group_scores(answers, labels, CLASSES, ("Male", "Wearing_Hat", "Young"), seed=0, resamples=40)
    assert [(one["attribute"], one["shown"]) for one in found] == [
        ("Male", True),
        ("Male", False),
        ("Young", True),
        ("Young", False),
    ]
    for one in found:
        column = CLASSES.index(one["attribute"])
        rows = labels[:, column] == int(one["shown"])
        # neither the attribute itself nor one that only one group has
        measured = [0, 2, 4] if column == 1 else [0, 1, 2, 3]
        assert (one["pictures"], one["attributes"]) == (rows.sum(), len(measured))
        for role, values in answers.items():
            expected = []
            for c in measured:
                known = rows & (labels[:, c] >= 0)
                expected.append(average_precision_score(labels[known, c], values[known, c]))
            model = one["models"][role]
            assert model["mAP"] == pytest.approx(np.mean(expected))
            low, high = model["interval"]
            assert low < model["mAP"] < high


def test_a_group_without_anything_to_measure_is_passed_over(labels: np.ndarray) -> None:
    answers = {"student": np.random.default_rng(0).random((120, 5))}
    labels[:, 4] = 1  # nobody is old
    assert group_scores(answers, labels, CLASSES, ("Young",), seed=0, resamples=5) == []


def test_what_all_of_a_group_have_is_not_measured(labels: np.ndarray) -> None:
    labels[labels[:, 1] == 1, 2] = 1  # every man smiles
    answers = {"student": np.random.default_rng(0).random((120, 5))}
    found = group_scores(answers, labels, CLASSES, ("Male",), seed=0, resamples=5)
    assert [one["attributes"] for one in found] == [2, 2]  # Bald and Young
