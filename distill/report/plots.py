"""The plots of the page, each a self-contained SVG.

Drawn on `matplotlib.figure.Figure` itself, which needs no display and leaves pyplot's state alone. Colours are Okabe
and Ito's, told apart by colour-blind readers; marker shapes say the same a second time, for print. Plots are five
inches wide, so that their text is still read when a phone shrinks them to its screen.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#767676"
WIDTH = 5.0
CURVE_POINTS = 400


def per_class_plot(per_model: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> bytes:
    """AP of every attribute with its interval, the models side by side on one line, as SVG.

    A grey tick marks chance: an order drawn at random has an AP of about the share of positives.

    Args:
        per_model: from the model's role (teacher, student) to the attribute's name to `ap`, `interval`, `positives`
            and, where known, `negatives`. Attributes are ordered by the last model's AP.
    """
    last = list(per_model.values())[-1]
    names = sorted(last, key=lambda name: last[name]["ap"])
    figure = _figure(height=0.9 + 0.2 * len(names))
    axes = figure.add_subplot()
    chance = [(row, _prevalence(last[name])) for row, name in enumerate(names)]
    chance = [(row, share) for row, share in chance if not math.isnan(share)]
    if chance:
        axes.plot([share for _, share in chance], [row for row, _ in chance], "|", color=GREY, ms=7, label="chance")
    styles = ((BLUE, "o"), (VERMILLION, "D"))
    offset = 0.13 if len(per_model) > 1 else 0.0
    for (role, classes), (color, marker), shift in zip(per_model.items(), styles, (offset, -offset), strict=False):
        found = [(row + shift, classes[name]) for row, name in enumerate(names) if name in classes]
        rows = [row for row, _ in found]
        for row, values in found:
            if values.get("interval"):
                axes.plot(values["interval"], [row, row], color=color, linewidth=1.2, alpha=0.55)
        axes.plot([values["ap"] for _, values in found], rows, marker, color=color, markersize=4, label=role)
    # names come from users' files: a dollar sign in one must not be read as mathematics
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlim(0, 1.01)
    axes.set_xlabel("average precision, with 95 % interval")
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return _svg(figure)


def curve_plot(records: Sequence[Mapping[str, float]], quantity: str) -> bytes:
    """One quantity against optimiser steps, as SVG; records (`step` and any quantities) without it are passed over.

    Long curves are drawn as the mean of equal runs of steps, which keeps the file small and the trend.
    """
    points = [(record["step"], record[quantity]) for record in records if record.get(quantity) is not None]
    run = math.ceil(len(points) / CURVE_POINTS)
    groups = [points[start : start + run] for start in range(0, len(points), run)]
    steps = [group[-1][0] for group in groups]
    means = [sum(value for _, value in group) / len(group) for group in groups]
    figure = _figure(height=2.6)
    axes = figure.add_subplot()
    axes.plot(steps, means, color=BLUE, linewidth=1.3, marker="o" if len(steps) < 40 else "", markersize=3.5)
    axes.set_xlabel("step" if run == 1 else f"step (each point the mean of {run} records)")
    axes.set_ylabel(quantity, parse_math=False)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    return _svg(figure)


def _prevalence(values: Mapping[str, Any]) -> float:
    positives, negatives = values.get("positives"), values.get("negatives")
    return math.nan if positives is None or negatives is None else positives / (positives + negatives)


def _figure(height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained")


def _svg(figure: "Figure") -> bytes:
    import matplotlib

    for axes in figure.axes:
        axes.tick_params(labelsize=8)
        axes.xaxis.label.set_fontsize(8)
        axes.yaxis.label.set_fontsize(8)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    # a fixed salt and no date: the same figures give the same bytes
    with matplotlib.rc_context({"svg.hashsalt": "distill"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
