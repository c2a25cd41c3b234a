"""What the page shows of each class, or each attribute: its score by teacher and student, as a plot and as a table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.report.data_uris import svg_uri
from distill.report.plots import BLUE, GREY, VERMILLION, new_figure, to_svg
from distill.report.section import Section

TEMPLATE = Path(__file__).with_name("per_class.html")
EACH_END = 100
"""Best and worst classes that the page shows of more than twice as many: a line of each of 5,000 makes 16 MB, and
nobody reads it. results.json has them all."""
_NAMED = 50  # classes that were not measured

PerClass = Mapping[str, Mapping[str, Any]]
"""`per_class` of a model in results.json: from a class's name to its score, `interval` and counts."""


@dataclass(frozen=True)
class Quantity:
    """How a task measures each of its classes.

    Attributes:
        kind, plural: what a class is called, and several: attribute, attributes.
        key: the score's, in `per_class`.
        score: the score in words.
        shown_by: the key of the number of pictures that show a class.
        lacking: what is missing where a class cannot be measured.
    """

    kind: str
    plural: str
    key: str
    score: str
    shown_by: str
    lacking: str


def per_class_section(quantity: Quantity, models: Mapping[str, Mapping[str, Any]]) -> Section:
    """The plot of each class's score and the lines of its table, best student first.

    Args:
        models: from the role (teacher, student) to the model's part of results.json; read are `per_class` and
            `unmeasured`.
    """
    measured: dict[str, PerClass] = {role: model["per_class"] for role, model in models.items() if model["per_class"]}
    last = list(measured.values())[-1] if measured else {}
    names = sorted(last, key=lambda name: last[name][quantity.key], reverse=True)
    many = len(names) > 2 * EACH_END
    shown = [*names[:EACH_END], *names[-EACH_END:]] if many else names
    drawn = {role: {name: classes[name] for name in shown if name in classes} for role, classes in measured.items()}
    unmeasured = list(dict.fromkeys(name for model in models.values() for name in model["unmeasured"]))
    variables = {
        "kind": quantity.kind,
        "quantity": quantity.key,
        "score": quantity.score,
        "shown_by": quantity.shown_by,
        "lacking": quantity.lacking,
        "unmeasured": unmeasured[:_NAMED],
        "unnamed": len(unmeasured[_NAMED:]),
        "all": len(names) if many else None,
        "each_end": EACH_END,
        "roles": list(measured),
        "plot": svg_uri(per_class_plot(drawn, quantity)) if measured else None,
        "rows": [
            {
                "name": name,
                "pictures": last[name][quantity.shown_by],
                "models": [classes.get(name) for classes in measured.values()],
            }
            for name in shown
        ],
    }
    return Section(f"{quantity.score.capitalize()} per {quantity.kind}", TEMPLATE, variables, below="agreement")


def per_class_plot(models: Mapping[str, PerClass], quantity: Quantity) -> bytes:
    """A score of every class with its interval, the models side by side on one line, as SVG.

    A grey tick marks chance: an order drawn at random has an AP of about the share of positives.

    Args:
        models: from the role (teacher, student) to its classes, which have the quantity's key, `interval` and, where
            known, `positives` and `negatives`. Classes are ordered by the last model's score.
    """
    last = list(models.values())[-1]
    names = sorted(last, key=lambda name: last[name][quantity.key])
    figure = new_figure(height=0.9 + 0.2 * len(names))
    axes = figure.add_subplot()
    chance = [(row, _prevalence(last[name])) for row, name in enumerate(names)]
    chance = [(row, share) for row, share in chance if not math.isnan(share)]
    if chance:
        axes.plot([share for _, share in chance], [row for row, _ in chance], "|", color=GREY, ms=7, label="chance")
    styles = ((BLUE, "o"), (VERMILLION, "D"))
    offset = 0.13 if len(models) > 1 else 0.0
    for (role, classes), (color, marker), shift in zip(models.items(), styles, (offset, -offset), strict=False):
        drawn = [(row + shift, classes[name]) for row, name in enumerate(names) if name in classes]
        for row, values in drawn:
            if values.get("interval"):
                axes.plot(values["interval"], [row, row], color=color, linewidth=1.2, alpha=0.55)
        scores, rows = [values[quantity.key] for _, values in drawn], [row for row, _ in drawn]
        axes.plot(scores, rows, marker, color=color, markersize=4, label=role)
    # names come from users' files: a dollar sign in one must not be read as mathematics
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlim(0, 1.01)
    axes.set_xlabel(f"{quantity.score}, with 95 % interval")
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return to_svg(figure)


def _prevalence(values: Mapping[str, Any]) -> float:
    positives, negatives = values.get("positives"), values.get("negatives")
    return math.nan if positives is None or negatives is None else positives / (positives + negatives)
