"""sweep.json: every point beside the others, the fronts, and the smallest student close to the teacher."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distill.cost.latency import is_wide
from distill.evaluation.metric_names import chief_metric
from distill.report.results import ExportedFile, Results
from distill.sweep.directory import SweepDirectory
from distill.sweep.front import pareto_front, smallest_within
from distill.sweep.likeness import differing
from distill.sweep.plan import Point

WITHIN = (1, 2, 5)
"""Points of the metric that a student may lie behind the teacher."""


@dataclass(frozen=True)
class Timing:
    """Files timed beside each other, once nothing else of the sweep was at work.

    Attributes:
        latencies: milliseconds of one picture on one thread, the median and its spread, by point and format.
        doubts: what speaks against them, in words.
    """

    latencies: Mapping[tuple[str, str], tuple[float, list[float]]] = field(default_factory=dict)
    doubts: Sequence[str] = ()


_NOT_TIMED = Timing()
_MODEL = ("name", "parameters", "mult_adds", "metrics", "intervals", "difference", "by_chance", "at_chance")
_FILE = ("format", "file", "bytes", "metrics", "intervals", "difference", "passed")


def summarise(
    recipe: str,
    points: Sequence[Point],
    directory: SweepDirectory,
    elsewhere: Iterable[Point] = (),
    timing: Timing = _NOT_TIMED,
    differences: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The content of sweep.json.

    Args:
        points: all of the sweep, whichever process ran them.
        elsewhere: those that another process is at.
        timing: in place of what each run measured of its own files.
        differences: between points.
    """
    at_work = {point.name for point in elsewhere}
    results_of = {point.name: directory.results(point) for point in points}
    done = [results for results in results_of.values() if results]
    teachers = [results["teacher"] for results in done if results["teacher"]]
    metric = chief_metric(done[0]["student"]["metrics"]) if done else None
    rows = [_row(point, results_of[point.name], directory, point.name in at_work, timing) for point in points]
    content: dict[str, Any] = {
        "recipe": recipe,
        "seed": points[0].recipe.seed,
        "metric": metric,
        "data": {key: done[0]["data"].get(key) for key in ("name", "fingerprint", "counts")} if done else None,
        "split": done[0]["student"]["split"] if done else None,
        "scored": done[0]["student"]["counts"]["pictures"] if done else None,
        "devices": sorted({results["device"] for results in done}),
        "teacher": _short(teachers[0], _MODEL) if teachers else None,
        "points": rows,
        "differences": list(differences),
        "unlike": _unlike(points, results_of),
        "timing_doubts": list(timing.doubts),
    }
    if metric is None or len({point.mult_adds for point in points}) == 1 < len(points):  # all cost the same
        return {**content, "fronts": {}, "within": {}}
    content["fronts"] = _fronts(_compared(rows), metric)
    content["within"] = within(content, WITHIN)
    return content


def within(content: Mapping[str, Any], points: Sequence[float]) -> dict[str, str | None]:
    """The name of the smallest student that lies so many points behind the teacher at most, by these; None for none.
    A student at chance is near nobody.

    Args:
        content: of sweep.json.
        points: hundredths of the metric.
    """
    teacher, metric, students = content["teacher"], content["metric"], _compared(content["points"])
    if teacher is None or not content["fronts"]:  # all cost the same
        return {}
    students = [row for row in students if not row["student"].get("at_chance")]
    costs = [row["student"]["mult_adds"] for row in students]
    scores = [row["student"]["metrics"][metric] for row in students]
    smallest = {number: smallest_within(number, teacher["metrics"][metric], costs, scores) for number in points}
    return {f"{number:g}": None if place is None else students[place]["name"] for number, place in smallest.items()}


def _latency(file: ExportedFile, timed: tuple[float, list[float]] | None) -> dict[str, Any]:
    """Milliseconds of a picture on one thread, their spread, and whether that is too wide for them to be compared; as
    the run measured them where they were not timed here."""
    if timed is None and "latency_ms" not in file:
        return {"latency_ms": None}
    median, spread = timed or (file["latency_ms"]["1"], file.get("latency_spread_ms", {}).get("1"))
    if spread is None:
        return {"latency_ms": median}
    return {"latency_ms": median, "latency_spread_ms": spread, "latency_uncertain": is_wide(median, spread)}


def _unlike(points: Sequence[Point], results_of: Mapping[str, Results | None]) -> list[str]:
    """How students on labels were trained otherwise than the same ones of the teacher, in words."""
    ways: dict[str, None] = {}
    for point in points:
        for twin in points:
            ours, theirs = results_of[point.name], results_of[twin.name]
            if ours and theirs and twin.name == f"{point.name},labels":
                ways |= dict.fromkeys(differing((point.recipe, twin.recipe), (ours, theirs)))
    return list(ways)


def _compared(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The students a reader chooses from: the teacher's where there are some; labels are there to compare with."""
    done = [row for row in rows if row["state"] == "done"]
    return [row for row in done if row["learnt_from"] == "teacher"] or done


def _fronts(students: Sequence[Mapping[str, Any]], metric: str) -> dict[str, list[dict[str, str]]]:
    """The front of score against each cost: of networks as `name`, of files as `name` and `format`."""
    measured = [
        (cost, {"name": row["name"]}, row["student"][cost], row["student"]["metrics"][metric])
        for row in students
        for cost in ("mult_adds", "parameters")
    ] + [
        (cost, {"name": row["name"], "format": file["format"]}, file[cost], file["metrics"][metric])
        for row in students
        for file in row["exports"]
        for cost in ("bytes", "latency_ms")
        if file.get(cost) is not None and metric in file.get("metrics", {})
        if cost != "latency_ms" or not file.get("latency_uncertain")
    ]
    fronts = {}
    for cost in dict.fromkeys(cost for cost, *_ in measured):
        _, names, costs, scores = zip(*(entry for entry in measured if entry[0] == cost), strict=True)
        fronts[cost] = [names[i] for i in pareto_front(costs, scores)]
    return fronts


def _row(
    point: Point, results: Results | None, directory: SweepDirectory, at_work: bool, timing: Timing
) -> dict[str, Any]:
    ended = directory.ended(point)
    student = point.recipe.student
    row = {
        "name": point.name,
        "keys": point.keys,
        "learnt_from": point.learnt_from,
        "resolution": student.resolution,
        "directory": str(directory.point(point).relative_to(directory.root)),
        "seconds": ended.get("seconds"),
    }
    if results:
        exports = [
            _short(file, _FILE) | _latency(file, timing.latencies.get((point.name, file["format"])))
            for file in results["exports"]
        ]
        return row | {"state": "done", "student": _short(results["student"], _MODEL), "exports": exports}
    if ended.get("reason"):
        return row | {"state": "stopped early" if "stopped_below" in ended else "failed", "reason": ended["reason"]}
    return row | {"state": "at work elsewhere" if at_work else "not run yet"}


def _short(model: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: model[key] for key in keys if key in model}
