"""What is said of metrics by their names alone."""

import pytest

from distill.evaluation.classification import METRICS
from distill.evaluation.metric_names import chief_metric, differing_metric, is_error, spoken
from distill.evaluation.roc import tar_name


def test_tar_at_the_first_far_goes_before_accuracy_and_else_the_first_does() -> None:
    assert chief_metric({"accuracy": 0.95, "eer": 0.02, tar_name(0.01): 0.9, tar_name(0.001): 0.8}) == tar_name(0.01)
    assert chief_metric(dict.fromkeys(METRICS, 0.5)) == METRICS[0]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (tar_name(0.01), 0.9814, "TAR 0.981 at FAR 1e-2"),
        ("TAR@FAR=0.001", 0.5, "TAR 0.500 at FAR 0.001"),
        ("mAP", 0.63149, "mAP 0.631"),
    ],
)
def test_a_metric_in_a_sentence(name: str, value: float, words: str) -> None:
    assert spoken(name, value) == words


def test_of_errors_less_is_better() -> None:
    assert [name for name in ("eer", "accuracy", tar_name(0.1), *METRICS) if is_error(name)] == ["eer", METRICS[-1]]


def test_a_difference_names_its_metric_beside_the_interval() -> None:
    assert differing_metric({"interval": [0, 1], "top-1": 0.5}) == "top-1"
