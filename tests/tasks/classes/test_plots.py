"""Plots of exclusive classes as they are drawn, before they are SVG."""

from typing import Any

import numpy as np
import pytest

from distill.tasks.classes import plots as class_plots


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures drawn in a test."""
    figures: list[Any] = []
    monkeypatch.setattr(class_plots, "to_svg", figures.append)
    return figures


def test_rows_of_the_confusion_are_shares_of_their_class(drawn: list[Any]) -> None:
    class_plots.confusion_plot([[3, 1, 0], [0, 5, 0], [0, 0, 0]], ["a", "b$_2$", "c"])
    axes = drawn[0].axes[0]
    np.testing.assert_allclose(np.square(axes.images[0].get_array()), [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b$_2$", "c"]
    class_plots.confusion_plot(np.eye(41).tolist(), [str(c) for c in range(41)])
    assert len(drawn[1].axes[0].get_yticks()) == 0  # too many names to be read


def test_each_model_is_drawn_against_the_diagonal(drawn: list[Any]) -> None:
    bins = {"confidence": [0.4, 0.9], "accuracy": [0.5, 0.8], "pictures": [10, 30]}
    class_plots.calibration_plot({"teacher": bins, "student": bins | {"accuracy": [0.1, 0.2]}})
    diagonal, *models = drawn[0].axes[0].lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert [line.get_xydata()[:, 1].tolist() for line in models] == [[0.5, 0.8], [0.1, 0.2]]
    sizes = drawn[0].axes[0].collections[0].get_sizes()
    assert sizes[1] > sizes[0]


@pytest.mark.parametrize("name", ["犬", "강아지", "কুকুর", "d🐕g"])
@pytest.mark.filterwarnings("error")
def test_names_in_a_script_that_the_font_lacks_are_text(name: str) -> None:
    """The reader's own fonts draw it; other figures carry their letters as shapes."""
    assert f">{name}</text>".encode() in class_plots.confusion_plot([[3, 1], [0, 5]], [name, "b"])
    assert b"<text" not in class_plots.confusion_plot([[3, 1], [0, 5]], ["größe", "b"])
