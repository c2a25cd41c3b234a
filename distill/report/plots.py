"""What the plots of the page share, and those of every run, each a self-contained SVG.

Drawn on `matplotlib.figure.Figure` itself, which needs no display and leaves pyplot's state alone. Colours are Okabe
and Ito's, told apart by colour-blind readers; marker shapes say the same a second time, for print. Plots are five
inches wide, so that their text is still read when a phone shrinks them to its screen.
"""

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#767676"
WIDTH = 5.0
CURVE_POINTS = 400


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
    # letters are shapes, but for those that the reader's own fonts have to draw
    letters: Literal["path", "none"] = "path" if _drawable(figure) else "none"
    with matplotlib.rc_context({"svg.hashsalt": "distill", "svg.fonttype": letters}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # it measures text by the font it has
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _drawable(figure: "Figure") -> bool:
    """Whether matplotlib's own font has every character of a figure: names of classes may be in any script."""
    from matplotlib.font_manager import findfont, get_font
    from matplotlib.text import Text

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    texts = figure.findobj(Text)
    return all(ord(character) in known for text in texts for character in text.get_text() if character.isprintable())
