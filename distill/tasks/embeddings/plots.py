"""The plots of embeddings, as SVG: ROC, scores of genuine and impostor pairs, rank curve."""

import math
from collections.abc import Iterable, Mapping, Sequence

from distill.report.plots import BLUE, VERMILLION, new_figure, to_svg
from distill.tasks.embeddings.entries import Curve, HistogramEntry, TeacherPoint

_LINES = ((BLUE, "-"), (VERMILLION, "--"))


def roc_plot(curves: Mapping[str, Curve]) -> bytes:
    """TAR against FAR on a log axis, as SVG. Between two points the curve is a step, as nothing lies between them.

    Args:
        curves: by role. A FAR of 0, which a log axis lacks, is drawn at the smallest one above it.
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


def histogram_plot(histograms: Mapping[str, HistogramEntry], threshold: TeacherPoint | None = None) -> bytes:
    """Scores of genuine and impostor pairs, a panel a model, as SVG. Each kind is drawn as shares of its own pairs.

    Args:
        histograms: by role.
        threshold: the teacher's, marked in every panel.
    """
    figure = new_figure(height=0.8 + 1.5 * len(histograms))
    panels = figure.subplots(len(histograms), sharex=True, squeeze=False)[:, 0]
    used = [_used_edges(histogram) for histogram in histograms.values()]
    for axes, (role, histogram) in zip(panels, histograms.items(), strict=True):
        for kind, counts, color, dashes, hatch in (
            ("genuine", histogram["genuine"], BLUE, "-", ""),
            ("impostor", histogram["impostor"], VERMILLION, "--", "////"),
        ):
            pairs = sum(counts) or 1
            shares = [count / pairs for count in counts]
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
        numbers = range(1, len(shares) + 1)
        marks = marker if len(shares) < 40 else ""
        axes.plot(numbers, shares, color=color, linestyle=dashes, linewidth=1.3, label=role, marker=marks, markersize=4)
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


def _used_edges(histogram: HistogramEntry) -> tuple[float, float]:
    """From the first to the last bin that holds a pair."""
    edges = histogram["edges"]
    held = [b for b in range(len(edges) - 1) if histogram["genuine"][b] or histogram["impostor"][b]] or [0]
    return edges[held[0]], edges[held[-1] + 1]
