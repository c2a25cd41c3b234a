"""The plots of the page, each a self-contained SVG.

Drawn on `matplotlib.figure.Figure` itself, which needs no display and leaves pyplot's state alone. Colours are Okabe
and Ito's, told apart by colour-blind readers; marker shapes say the same a second time, for print. Plots are five
inches wide, so that their text is still read when a phone shrinks them to its screen.
"""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#767676"
_LINES = ((BLUE, "-"), (VERMILLION, "--"))
WIDTH = 5.0
SCORES = {"ap": "average precision", "accuracy": "accuracy"}
CURVE_POINTS = 400


def per_class_plot(per_model: Mapping[str, Mapping[str, Mapping[str, Any]]], quantity: str = "ap") -> bytes:
    """A score of every class with its interval, the models side by side on one line, as SVG.

    A grey tick marks chance: an order drawn at random has an AP of about the share of positives.

    Args:
        per_model: from the model's role (teacher, student) to the class's name to the quantity, `interval` and, where
            known, `positives` and `negatives`. Classes are ordered by the last model's score.
        quantity: `ap` or `accuracy`.
    """
    last = list(per_model.values())[-1]
    names = sorted(last, key=lambda name: last[name][quantity])
    figure = new_figure(height=0.9 + 0.2 * len(names))
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
        axes.plot([values[quantity] for _, values in found], rows, marker, color=color, markersize=4, label=role)
    # names come from users' files: a dollar sign in one must not be read as mathematics
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlim(0, 1.01)
    axes.set_xlabel(f"{SCORES[quantity]}, with 95 % interval")
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return to_svg(figure)


def curve_plot(records: Sequence[Mapping[str, float]], quantity: str) -> bytes:
    """One quantity against optimiser steps, as SVG; records (`step` and any quantities) without it are passed over.

    Long curves are drawn as the mean of equal runs of steps, which keeps the file small and the trend.
    """
    points = [(record["step"], record[quantity]) for record in records if record.get(quantity) is not None]
    run = math.ceil(len(points) / CURVE_POINTS)
    groups = [points[start : start + run] for start in range(0, len(points), run)]
    steps = [group[-1][0] for group in groups]
    means = [sum(value for _, value in group) / len(group) for group in groups]
    figure = new_figure(height=2.6)
    axes = figure.add_subplot()
    axes.plot(steps, means, color=BLUE, linewidth=1.3, marker="o" if len(steps) < 40 else "", markersize=3.5)
    axes.set_xlabel("step" if run == 1 else f"step (each point the mean of {run} records)")
    axes.set_ylabel(quantity, parse_math=False)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    return to_svg(figure)


def roc_plot(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> bytes:
    """TAR against FAR on a log axis, as SVG. Between two points the curve is a step, as nothing lies between them.

    Args:
        curves: from the model's role to `far` and `tar`, rising. A FAR of 0, which a log axis lacks, is drawn at the
            smallest one above it.
    """
    shown = min((far for curve in curves.values() for far in curve["far"] if far > 0), default=1.0)
    figure = new_figure(height=3.4)
    axes = figure.add_subplot()
    for (role, curve), (color, dashes) in zip(curves.items(), _LINES, strict=False):
        far = [max(value, shown) for value in curve["far"]]
        axes.plot(far, curve["tar"], color=color, linestyle=dashes, linewidth=1.5, drawstyle="steps-post", label=role)
    axes.set_xscale("log")
    # an all but perfect curve would otherwise be a point
    axes.set_xlim(min(shown, 0.1), 1)
    axes.set_ylim(_floor(curve["tar"] for curve in curves.values()), 1.003)
    axes.set_xlabel("FAR, impostor pairs accepted")
    axes.set_ylabel("TAR, genuine pairs accepted")
    axes.grid(color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return to_svg(figure)


def histogram_plot(
    histograms: Mapping[str, Mapping[str, Sequence[float]]], threshold: Mapping[str, float] | None = None
) -> bytes:
    """Scores of genuine and impostor pairs, a panel a model, as SVG. Each kind is drawn as shares of its own pairs.

    Args:
        histograms: from the model's role to `edges` (B + 1) and pairs in each bin, `genuine` and `impostor` (B).
        threshold: `threshold`, and the `far` of the teacher that it was chosen for, marked in every panel.
    """
    figure = new_figure(height=0.8 + 1.5 * len(histograms))
    panels = figure.subplots(len(histograms), sharex=True, squeeze=False)[:, 0]
    used = [_used_edges(histogram) for histogram in histograms.values()]
    for axes, (role, histogram) in zip(panels, histograms.items(), strict=True):
        for kind, color, dashes, hatch in (("genuine", BLUE, "-", ""), ("impostor", VERMILLION, "--", "////")):
            pairs = sum(histogram[kind]) or 1
            shares = [count / pairs for count in histogram[kind]]
            axes.stairs(shares, histogram["edges"], fill=True, facecolor=color, alpha=0.2, hatch=hatch, linewidth=0)
            axes.stairs(shares, histogram["edges"], color=color, linestyle=dashes, linewidth=1.3, label=kind)
        if threshold:
            label = f"teacher's threshold at FAR {threshold['far']:g}"
            axes.axvline(threshold["threshold"], color="#333333", linestyle=":", linewidth=1.2, label=label)
        axes.set_ylabel(f"{role}, share of pairs", parse_math=False)
        axes.set_ylim(0)
        axes.set_axisbelow(True)
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    panels[-1].set_xlim(min(low for low, _ in used), max(high for _, high in used))
    panels[-1].set_xlabel("cosine")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False, fontsize=8
    )
    return to_svg(figure)


def rank_plot(ranks: Mapping[str, Sequence[float]]) -> bytes:
    """The share of probes identified by rank k against k, as SVG.

    Args:
        ranks: from the model's role to its shares at rank 1, 2, ...
    """
    figure = new_figure(height=2.8)
    axes = figure.add_subplot()
    for (role, shares), (color, dashes), marker in zip(ranks.items(), _LINES, "oD", strict=False):
        places = range(1, len(shares) + 1)
        axes.plot(
            places, shares, color=color, linestyle=dashes, linewidth=1.3, label=role,
            marker=marker if len(shares) < 40 else "", markersize=4,
        )  # fmt: skip
    longest = max(len(shares) for shares in ranks.values())
    step = 1 if longest <= 10 else 5 * math.ceil(longest / 50)
    axes.set_xticks(sorted({1, *range(step, longest + 1, step)}))
    axes.set_ylim(_floor(ranks.values()), 1.003)
    axes.set_xlabel("rank k")
    axes.set_ylabel("right person among the first k")
    axes.grid(color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return to_svg(figure)


def _floor(curves: Iterable[Sequence[float]]) -> float:
    """The tenth below every value of some shares, at most 0.9: where an axis that ends at 1 may begin."""
    return min(0.9, math.floor(10 * min(min(values) for values in curves)) / 10)


def _used_edges(histogram: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """From the first to the last bin that holds a pair."""
    edges = histogram["edges"]
    held = [b for b in range(len(edges) - 1) if histogram["genuine"][b] or histogram["impostor"][b]] or [0]
    return edges[held[0]], edges[held[-1] + 1]


def _prevalence(values: Mapping[str, Any]) -> float:
    positives, negatives = values.get("positives"), values.get("negatives")
    return math.nan if positives is None or negatives is None else positives / (positives + negatives)


def new_figure(height: float) -> "Figure":
    """An empty figure as wide as all of them, `height` inches high."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained")


def to_svg(figure: "Figure") -> bytes:
    """The figure as a self-contained SVG, its axes dressed alike."""
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
