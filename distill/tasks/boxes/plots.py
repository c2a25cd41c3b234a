"""The plots of boxes, as SVG."""

from collections.abc import Mapping

import numpy as np

from distill.evaluation.boxes.curves import PrecisionRecall
from distill.evaluation.boxes.error_kinds import KINDS, ErrorKinds
from distill.report.plots import BLUE, GREY, VERMILLION, new_figure, to_svg

_STYLES = ((BLUE, "-"), (VERMILLION, "--"))
_HATCHES = ("", "////")


def precision_recall_plot(models: Mapping[str, PrecisionRecall]) -> bytes:
    """Precision at each recall where an intersection over union of 0.5 is enough, the mean over classes, by role."""
    figure = new_figure(height=4.2)
    axes = figure.add_subplot()
    for (role, curve), (color, dashes) in zip(models.items(), _STYLES, strict=False):
        axes.plot(curve.recall, curve.mean[0], color=color, linestyle=dashes, linewidth=1.4, label=role)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.01)
    axes.set_xlabel("recall: share of the boxes found")
    axes.set_ylabel("precision: share of what was found that is right")
    axes.grid(color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return to_svg(figure)


def error_kinds_plot(models: Mapping[str, ErrorKinds]) -> bytes:
    """What each kind of error costs, a bar a model, and how many there are of it behind the bar, by role."""
    figure = new_figure(height=0.8 + 0.3 * len(KINDS) * max(1, len(models)))
    axes = figure.add_subplot()
    places, height = np.arange(len(KINDS)), 0.8 / max(1, len(models))
    for at, ((role, found), (color, _), hatch) in enumerate(zip(models.items(), _STYLES, _HATCHES, strict=False)):
        points = [100 * found.costs[kind] for kind in KINDS]
        middle = places + height * (at - (len(models) - 1) / 2)
        bars = axes.barh(middle, points, height, color=color, hatch=hatch, edgecolor="white", linewidth=0, label=role)
        counts = [str(found.counts[kind]) for kind in KINDS]
        axes.bar_label(bars, counts, padding=2, fontsize=7, color=GREY)
    axes.set_yticks(places, KINDS)
    axes.invert_yaxis()
    axes.set_xlabel("points of AP50 that are lost to it (behind the bar: how many)")
    axes.margins(x=0.12)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return to_svg(figure)
