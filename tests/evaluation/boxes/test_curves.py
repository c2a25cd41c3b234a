"""The curves of the page are those that the scores are means of."""

import numpy as np

from distill.evaluation.boxes.curves import precision_recall
from distill.evaluation.boxes.matching import match
from distill.evaluation.boxes.scores import evaluate_boxes
from tests.helpers.box_sets import CLASSES, random_set


def test_the_mean_of_a_curve_is_its_average_precision() -> None:
    matches = match(*random_set(2), CLASSES)
    curves = precision_recall(matches)
    scores = evaluate_boxes(matches, seed=0, resamples=20)
    assert curves.recall.tolist() == np.linspace(0, 1, 101).tolist()
    for number, name in enumerate(CLASSES[:-1]):
        assert curves.precision[0, number].mean() == scores.by_class[name]["ap50"]
        assert (np.diff(curves.precision[:, number], axis=-1) <= 0).all()
    assert np.isnan(curves.precision[:, -1]).all()  # there is no owl
    np.testing.assert_allclose(curves.mean[5].mean(), scores.metrics["AP75"])
