"""The report of a sweep: one file that needs no network; its small script only shows values and hides series.

It shows sweep.json and nothing that is not in it.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill import formatting
from distill.files.atomic import atomic_path
from distill.report.templates import template
from distill.sweep.trade_off import Line, Mark, TradeOff, draw, shape
from distill.sweep.words import (
    at_chance_words,
    difference_rows,
    headline,
    learnt_both_ways,
    spoken_name,
    timing_words,
    within_words,
)

_RESOLUTION = "student.resolution"
_NETWORK_COSTS = (("mult_adds", "mult-adds"), ("parameters", "parameters"))
_FILE_COSTS = (("latency_ms", "latency, ms a picture on one thread"), ("bytes", "bytes of the file"))
_TEMPLATE, _SCRIPT = (Path(__file__).with_name(name) for name in ("sweep.html", "sweep.js"))


def write_sweep_report(path: Path, content: Mapping[str, Any]) -> None:
    """Write the page.

    Args:
        path: of the page; written whole or not at all.
        content: of sweep.json.

    Raises:
        DistillError: the place cannot be written to.
    """
    from markupsafe import Markup

    script = _SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    done = [row for row in content["points"] if row["state"] == "done"]
    rows = _rows(content)
    page = template(_TEMPLATE).render(
        content=content,
        headline=headline(content),
        doubts=[*at_chance_words(content), *timing_words(content)],
        within=within_words(content),
        differences=[
            {**pair, "first": spoken_name(pair["first"]), "second": spoken_name(pair["second"])}
            for pair in difference_rows(content)
            if not _is_twin(pair)
        ],
        plots=[_shown(plot) for plot in _plots(content, done)] if content["fronts"] else [],
        rows=rows,
        twins=any(row["twin"] for row in rows),
        filed=[row for row in rows if row.get("exports")],
        header=" / ".join(key.removeprefix("student.") for key in content["points"][0]["keys"]),
        beside=_beside(done),
        on_front={point["name"] for point in content["fronts"].get("mult_adds", ())},
        timed=any(file["latency_ms"] is not None for row in done for file in row["exports"]),
        rendered=bool(content["data"]) and content["data"]["name"].startswith("rendered"),
        script=Markup(script),  # the page's own
        script_source=f"'sha256-{digest}'",
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of the tables: each student, its `twin` that learnt from labels, and its lead, `ahead`."""
    twins = {tuple(row["keys"].items()): row for row in content["points"] if row["learnt_from"] == "labels"}
    ahead = {pair["first"]: pair for pair in difference_rows(content) if _is_twin(pair)}
    listed = [row for row in content["points"] if row["learnt_from"] == "teacher"] or content["points"]
    return [
        {
            **row,
            "twin": twins.get(tuple(row["keys"].items())) if row["learnt_from"] == "teacher" else None,
            "ahead": ahead.get(row["name"]),
        }
        for row in listed
    ]


def _is_twin(pair: Mapping[str, Any]) -> bool:
    return bool(pair["second"] == f"{pair['first']},labels")


def _beside(done: Sequence[Mapping[str, Any]]) -> str:
    """The words beside a network's mark."""
    keys = dict.fromkeys(key for row in done for key in row["keys"])
    by_resolution = _by_resolution(done)
    return " and ".join(key.removeprefix("student.") for key in keys if not (by_resolution and key == _RESOLUTION))


def _plots(content: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> list[TradeOff]:
    """The plots, of each cost that was measured."""
    by_resolution = _by_resolution(done)
    series = _values(done, _RESOLUTION) if by_resolution else ["students"]
    names = [f"{resolution} px" for resolution in series] if by_resolution else series
    networks = [
        _Measured(row, row["student"], series.index(row["keys"][_RESOLUTION]) if by_resolution else 0) for row in done
    ]
    shown = [row for row in done if not _compared(row, content)]
    formats = list(dict.fromkeys(file["format"] for row in shown for file in row["exports"]))
    files = [_Measured(row, file, formats.index(file["format"])) for row in shown for file in row["exports"]]
    plots = [_plot(content, cost, title, names, networks, by_resolution) for cost, title in _NETWORK_COSTS]
    plots += [_plot(content, cost, title, formats, files, False) for cost, title in _FILE_COSTS]
    return [plot for plot in plots if plot.marks]


@dataclass(frozen=True)
class _Measured:
    """A network or a file of a row of sweep.json, and the series it is drawn in."""

    row: Mapping[str, Any]
    model: Mapping[str, Any]
    series: int


def _plot(
    content: Mapping[str, Any],
    cost: str,
    title: str,
    series: Sequence[str],
    models: Sequence[_Measured],
    by_resolution: bool,
) -> TradeOff:
    metric = content["metric"]
    front = [(measured["name"], measured.get("format")) for measured in content["fronts"].get(cost, ())]
    marks = []
    for measured in models:
        row, model = measured.row, measured.model
        if model.get(cost) is None or metric not in (model.get("metrics") or {}):
            continue
        if cost == "latency_ms" and model.get("latency_uncertain"):
            continue
        compared, on_front = _compared(row, content), (row["name"], model.get("format")) in front
        named = not compared and (on_front or "format" not in model)  # of files, those worth having
        mark = Mark(
            name=row["name"].removesuffix(",labels"),  # one student, whatever it learnt from
            series=measured.series,
            label=_label(row["keys"], by_resolution) if named else "",
            said=_said(row, model, metric, cost),
            cost=model[cost],
            score=model["metrics"][metric],
            interval=(model.get("intervals") or {}).get(metric),
            on_front=on_front and not compared,
            compared=compared,
        )
        marks.append(mark)
    teacher = content["teacher"]
    line = Line("teacher", teacher["metrics"][metric], teacher["intervals"].get(metric)) if teacher else None
    return TradeOff(title, metric, series, marks, line, joined=by_resolution)


def _shown(plot: TradeOff) -> dict[str, Any]:
    """The variables of a plot: both of its scales, and what its marks mean."""
    from markupsafe import Markup  # trade_off escapes all it writes

    used = sorted({mark.series for mark in plot.marks})
    return {
        "title": f"{plot.metric} against {plot.cost}",
        "svgs": [Markup(draw(plot, logarithmic)) for logarithmic in (True, False)],
        "legend": [(series, plot.series[series], Markup(shape(series))) for series in used],
        "compared": Markup(shape(0, hollow=True)) if any(mark.compared for mark in plot.marks) else None,
    }


def _compared(row: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether a student is there only to compare the teacher's with."""
    return row["learnt_from"] == "labels" and learnt_both_ways(content["points"])


def _by_resolution(done: Sequence[Mapping[str, Any]]) -> bool:
    """Whether each resolution has several students, and so a series of its own, as in figure 5."""
    resolutions = _values(done, _RESOLUTION)
    students = {tuple(row["keys"].items()) for row in done}
    return 1 < len(resolutions) < len(students)


def _values(done: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    values = {row["keys"][key] for row in done if key in row["keys"]}
    return sorted(values, key=float, reverse=True)


def _label(keys: Mapping[str, str], by_resolution: bool) -> str:
    """The name of a student within its series: 0.5, or 0.5 shallow."""
    return " ".join(value for key, value in keys.items() if not (by_resolution and key == _RESOLUTION))


def _said(row: Mapping[str, Any], model: Mapping[str, Any], metric: str, cost: str) -> str:
    """The values of a mark, in words."""
    value = formatting.score(model["metrics"][metric])
    interval = formatting.interval((model.get("intervals") or {}).get(metric))
    amount = {
        "mult_adds": lambda: f"{formatting.magnitude(model[cost])} mult-adds",
        "parameters": lambda: f"{formatting.magnitude(model[cost])} parameters",
        "bytes": lambda: formatting.size(model[cost]),
        "latency_ms": lambda: f"{model[cost]:.3g} ms",
    }[cost]()
    file = f", {model['format']}" if "format" in model else ""
    return f"{spoken_name(row['name'])}{file}: {metric} {value} {interval}, {amount}"
