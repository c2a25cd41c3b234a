"""The plots of places, as SVG.

Shapes: N pictures, K of them drawn.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from distill.report.plots import BLUE, GREY, VERMILLION, new_figure, to_svg
from distill.tasks.places.coastlines import coastlines

STYLES = ((BLUE, "o", "-"), (VERMILLION, "D", "--"))


def world_map(true: np.ndarray, guesses: np.ndarray) -> bytes:
    """Where K pictures were taken, where a model has them, and the line between on a map of the world.

    Args:
        true, guesses: degrees (K, 2), latitude and longitude.
    """
    figure = new_figure(height=2.9)
    axes = figure.add_subplot()
    for line in coastlines():
        axes.fill(line[:, 0], line[:, 1], facecolor="#ECECEC", edgecolor="#B0B0B0", linewidth=0.4)
    for (latitude, longitude), (there, over) in zip(true, guesses, strict=True):
        # The short way round: a line over the date line leaves the map on one side and comes in on the other.
        turn = (over - longitude + 180) % 360 - 180
        for shift in (0, 360, -360):
            axes.plot(
                [longitude + shift, longitude + turn + shift], [latitude, there], color=GREY, linewidth=0.6, alpha=0.8
            )
    axes.plot(true[:, 1], true[:, 0], "o", color=BLUE, markersize=3.2, label="taken")
    axes.plot(guesses[:, 1], guesses[:, 0], "D", color=VERMILLION, markersize=2.6, label="guessed")
    axes.set_xlim(-180, 180)
    axes.set_ylim(-90, 90)
    axes.set_aspect("equal")
    axes.set_xticks(range(-180, 181, 60))
    axes.set_yticks(range(-90, 91, 45))
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return to_svg(figure)


def distance_plot(models: Mapping[str, np.ndarray], radii: Sequence[float]) -> bytes:
    """The share of guesses within each distance, by role.

    Args:
        models: kilometres (N,), by role. radii: those that are marked.
    """
    figure = new_figure(height=2.9)
    axes = figure.add_subplot()
    for (role, kilometres), (color, _, dashes) in zip(models.items(), STYLES, strict=False):
        order = np.sort(np.maximum(kilometres, 0.1))
        axes.step(
            order, np.arange(1, len(order) + 1) / len(order), where="post", color=color, linestyle=dashes, label=role
        )
    for radius in radii:
        axes.axvline(radius, color="#BBBBBB", linewidth=0.7, zorder=0)
    axes.set_xscale("log")
    axes.set_xlim(0.1, 20_100)
    axes.set_ylim(0, 1.01)
    axes.set_xlabel("kilometres between guess and truth; lines at " + ", ".join(f"{radius:g}" for radius in radii))
    axes.set_ylabel("share of the test pictures")
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return to_svg(figure)
