"""The plots of boxes, as SVG."""

from collections.abc import Mapping

from distill.evaluation.boxes.curves import PrecisionRecall
from distill.report.plots import BLUE, VERMILLION, new_figure, to_svg

_STYLES = ((BLUE, "-"), (VERMILLION, "--"))


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
