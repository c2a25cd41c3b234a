"""What validation measures of classes, against plain counting."""

import numpy as np
import pytest

from distill.tasks.classes.metric import TopOne


def test_top_1_is_of_the_pictures_with_a_label() -> None:
    outputs = np.array([[0.1, 3.0, 2.0], [5.0, 4.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
    truths = np.array([[0, 1, 0], [0, 1, 0], [-1, -1, -1], [0, 0, 1]])
    metric = TopOne()
    assert metric.name == "top-1" and metric({"logits": outputs}, {"labels": truths}) == pytest.approx(2 / 3)
