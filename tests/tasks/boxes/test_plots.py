"""Plots of boxes as they are drawn, before they are SVG."""

from typing import Any

import numpy as np
import pytest

from distill.evaluation.boxes.curves import precision_recall
from distill.evaluation.boxes.error_kinds import KINDS, error_kinds
from distill.evaluation.boxes.matching import match
from distill.tasks.boxes import plots as box_plots
from tests.helpers.box_sets import CLASSES, random_set


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures drawn in a test."""
    figures: list[Any] = []
    monkeypatch.setattr(box_plots, "to_svg", figures.append)
    return figures


def test_each_model_has_its_curve_at_half(drawn: list[Any]) -> None:
    models = {role: precision_recall(match(*random_set(seed), CLASSES)) for role, seed in (("a", 2), ("b", 3))}
    box_plots.precision_recall_plot(models)
    lines = drawn[0].axes[0].lines
    assert [line.get_label() for line in lines] == ["a", "b"]
    for line, model in zip(lines, models.values(), strict=True):
        x, y = line.get_xydata().T
        assert x.tolist() == np.linspace(0, 1, 101).tolist()
        np.testing.assert_allclose(y, model.precision[0, :3].mean(axis=0))


def test_each_kind_of_error_has_a_bar_a_model(drawn: list[Any]) -> None:
    models = {role: error_kinds(match(*random_set(seed, 20), CLASSES)) for role, seed in (("a", 3), ("b", 4))}
    box_plots.error_kinds_plot(models)
    axes = drawn[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(KINDS)
    lowest_first = axes.get_ylim()
    assert lowest_first[0] > lowest_first[1]  # the first kind is on top
    taken = []
    for bars, found in zip(axes.containers, models.values(), strict=True):
        assert [bar.get_width() for bar in bars] == [100 * found.costs[kind] for kind in KINDS]
        taken += [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars]
        # Each lies at its kind's name.
        assert [round(bar.get_y() + bar.get_height() / 2) for bar in bars] == list(range(len(KINDS)))
    ends = np.array(sorted(taken))
    assert (ends[1:, 0] >= ends[:-1, 1] - 1e-9).all()
    shown = [text.get_text() for text in axes.texts]
    assert shown == [str(found.counts[kind]) for found in models.values() for kind in KINDS]


def test_they_are_self_contained_pictures() -> None:
    matches = match(*random_set(3), CLASSES)
    assert box_plots.precision_recall_plot({"student": precision_recall(matches)}).startswith(b"<?xml")
    assert box_plots.error_kinds_plot({"student": error_kinds(matches)}).startswith(b"<?xml")
