"""The plots of exclusive classes, as SVG. Shapes: C classes."""

from collections.abc import Mapping, Sequence

import numpy as np

from distill.report.plots import BLUE, VERMILLION, new_figure, to_svg
from distill.tasks.classes.entries import CalibrationBins

NAMED_AT_MOST = 30  # classes whose names still fit beside a confusion matrix
_STYLES = ((BLUE, "o", "-"), (VERMILLION, "D", "--"))


def confusion_plot(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> bytes:
    """Which share of each class's pictures (a row) was taken for which class (a column).

    Args:
        confusion: (C, C) pictures.
        classes: C names.
    """
    matrix = np.array(confusion, float)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)
    figure = new_figure(height=4.2)
    axes = figure.add_subplot()
    # The square root lifts the rare mistakes, which the diagonal would drown, out of white.
    drawn = axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xlabel("class the student answered")
    axes.set_ylabel("class labelled")
    shown = classes if len(classes) <= NAMED_AT_MOST else []
    axes.set_xticks(range(len(shown)), shown, rotation=90, parse_math=False)
    axes.set_yticks(range(len(shown)), shown, parse_math=False)
    ticks = (0, 0.04, 0.25, 0.5, 1)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.7, ticks=np.sqrt(ticks))
    bar.ax.set_yticklabels([f"{100 * tick:g} %" for tick in ticks])
    return to_svg(figure)


def calibration_plot(models: Mapping[str, CalibrationBins]) -> bytes:
    """The share of right answers among those of one confidence, against it: on the diagonal it is what it says.

    Args:
        models: by role.
    """
    figure = new_figure(height=4.2)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="#767676", linewidth=1, linestyle=":", label="calibrated")
    for (role, bins), (color, marker, dashes) in zip(models.items(), _STYLES, strict=False):
        axes.plot(bins["confidence"], bins["accuracy"], color=color, linestyle=dashes, linewidth=1.2)
        # The area of a marker says how many pictures it stands for.
        share = np.array(bins["pictures"]) / max(1, sum(bins["pictures"]))
        axes.scatter(bins["confidence"], bins["accuracy"], 8 + 240 * share, color=color, marker=marker, label=role)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.01)
    axes.set_xlabel("confidence: probability of the class answered")
    axes.set_ylabel("share that is right")
    axes.grid(color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return to_svg(figure)
