"""Plots as they are drawn, before they are SVG: what lies where on which axis."""

from typing import Any

import pytest

from distill.tasks.embeddings import plots


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures drawn in a test."""
    figures: list[Any] = []
    monkeypatch.setattr(plots, "to_svg", figures.append)
    return figures


def test_the_roc_is_a_step_on_a_log_axis_and_keeps_a_far_of_zero(drawn: list[Any]) -> None:
    teacher = {"far": [0.0, 0.001, 0.1, 1.0], "tar": [0.91, 0.97, 0.99, 1.0]}
    student = {"far": [0.002, 0.2, 1.0], "tar": [0.84, 0.98, 1.0]}
    plots.roc_plot({"teacher": teacher, "student": student})
    axes = drawn[0].axes[0]
    assert axes.get_xscale() == "log"
    assert [line.get_label() for line in axes.lines] == ["teacher", "student"]
    assert [line.get_drawstyle() for line in axes.lines] == ["steps-post"] * 2
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    assert axes.lines[0].get_xydata().tolist() == [[0.001, 0.91], [0.001, 0.97], [0.1, 0.99], [1.0, 1.0]]
    assert axes.lines[1].get_xydata().tolist() == [[0.002, 0.84], [0.2, 0.98], [1.0, 1.0]]
    assert axes.get_xlim() == (0.001, 1)
    assert axes.get_ylim()[0] == 0.8


def test_a_perfect_roc_is_still_a_line(drawn: list[Any]) -> None:
    plots.roc_plot({"student": {"far": [0.0, 1.0], "tar": [1.0, 1.0]}})
    assert drawn[0].axes[0].get_xlim() == (0.1, 1)


def test_histograms_are_shares_of_each_kind_over_the_scores_that_occur(drawn: list[Any]) -> None:
    edges = [-1.0, -0.5, 0.0, 0.5, 1.0]
    teacher = {"edges": edges, "genuine": [0, 0, 1, 3], "impostor": [0, 90, 10, 0]}
    student = {"edges": edges, "genuine": [0, 0, 2, 2], "impostor": [0, 50, 50, 0]}
    plots.histogram_plot({"teacher": teacher, "student": student}, {"far": 0.01, "threshold": 0.25})
    shares = [
        {patch.get_label(): list(patch.get_data().values) for patch in axes.patches if patch.get_label()}
        for axes in drawn[0].axes
    ]
    assert shares == [
        {"genuine": [0, 0, 0.25, 0.75], "impostor": [0, 0.9, 0.1, 0]},
        {"genuine": [0, 0, 0.5, 0.5], "impostor": [0, 0.5, 0.5, 0]},
    ]
    for axes in drawn[0].axes:
        assert axes.get_xlim() == (-0.5, 1)
        assert axes.lines[0].get_xdata() == [0.25, 0.25]
        assert axes.lines[0].get_label() == "teacher's threshold at FAR 0.01"


@pytest.mark.parametrize(
    ("ranks", "ticks"),
    [(3, [1, 2, 3]), (12, [1, 5, 10]), (100, [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100])],
)
def test_rank_one_is_always_marked(drawn: list[Any], ranks: int, ticks: list[int]) -> None:
    plots.rank_plot({"student": [0.95] * ranks})
    assert drawn[0].axes[0].get_xticks().tolist() == ticks
