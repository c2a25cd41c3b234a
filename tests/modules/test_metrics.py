"""Metrics of torchmetrics score validation as scikit-learn does."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score
from torchmetrics.classification import MulticlassAccuracy, MultilabelAveragePrecision

from distill.errors import DistillError
from distill.modules.metrics import NUMBERS, TorchMetric

LOGITS = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
CLASSES = np.random.default_rng(1).integers(0, 5, 40)


def test_class_numbers_are_scored_and_unknown_ones_are_left_out() -> None:
    unknown = np.where(np.arange(40) % 7 == 0, -1, CLASSES)
    metric = TorchMetric(MulticlassAccuracy(5, average="micro"))
    known = unknown >= 0
    expected = accuracy_score(CLASSES[known], LOGITS[known].argmax(axis=1))
    for _ in range(2):  # nothing is left of the pass before
        found = metric({"logits": LOGITS}, {"labels": np.eye(5)[CLASSES], NUMBERS: unknown})
        assert found == pytest.approx(expected, rel=1e-6)
    assert metric.name == "MulticlassAccuracy"


def test_attributes_are_scored_by_column() -> None:
    labels = (LOGITS + np.random.default_rng(2).normal(size=LOGITS.shape) > 0).astype(np.int8)
    found = TorchMetric(MultilabelAveragePrecision(5))({"logits": LOGITS}, {"labels": labels})
    columns = [average_precision_score(labels[:, c], LOGITS[:, c]) for c in range(5)]
    assert found == pytest.approx(np.mean(columns), rel=1e-5)


def test_the_users_own_metric_is_left_alone() -> None:
    own = MulticlassAccuracy(5)
    TorchMetric(own)({"logits": LOGITS}, {NUMBERS: CLASSES})
    assert own.update_count == 0 and own.sync_on_compute


@pytest.mark.parametrize(
    ("metric", "truths", "found"),
    [
        (
            MulticlassAccuracy(5),
            {"labels": np.eye(5)[CLASSES]},
            r"cannot score outputs \(40, 5\) against labels \(40, 5\)",
        ),
        (MulticlassAccuracy(5, average="none"), {NUMBERS: CLASSES}, r"gives \(5,\), expected one number"),
    ],
)
def test_what_gives_no_single_number_is_refused(metric: object, truths: dict[str, np.ndarray], found: str) -> None:
    with pytest.raises(DistillError, match=found):
        TorchMetric(metric)({"logits": LOGITS}, truths)  # type: ignore[arg-type]
