"""The tables at the end of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from distill import formatting
from distill.evaluation.metric_names import chief_metric, differing_metric
from distill.report.doubts import doubts_of
from distill.report.files import timing_doubts
from distill.report.results import ExportedFile, Results, models_of


def print_results(results: Results, console: Console) -> None:
    """Teacher and student with their scores on the test pictures."""
    student = results["student"]
    source = results["data"]["name"] if student["split"] == "test" else student["split"]
    table = Table(
        box=box.SIMPLE_HEAD, title=f"{results['recipe']}: {student['counts']['pictures']} test pictures of {source}"
    )
    table.add_column("", overflow="fold")
    metric = chief_metric(student["metrics"])
    for column in (metric, "95 % interval", "mult-adds", "parameters"):
        table.add_column(column, justify="right", no_wrap=True)
    for role, model in models_of(results).items():
        add_model(table, f"{role} {model['name']}", model, metric)
    console.print(table)
    difference = student.get("difference")
    if difference:
        differing = differing_metric(difference)
        points = formatting.signed(difference[differing])
        console.print(f"student minus teacher: {differing} {points} {formatting.interval(difference['interval'])}")
    for doubt in doubts_of(results):
        console.print(doubt, soft_wrap=True)


def print_files(exports: Sequence[ExportedFile], metric: str, console: Console) -> None:
    """Each exported file as it ran in its own runtime, and what the files that failed answer differently to.

    Args:
        metric: the one that files are held to the student's score by.
    """
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title="files, each run in its own runtime, on 1 / 2 threads"
    )
    # Narrow enough for 80 columns. Against the torch student: points of the metric, the largest difference of an
    # answer, and the cosine of its outputs.
    table.add_column("", overflow="fold", min_width=9)
    for column in ("size", metric, "points", "max", "cosine", "ms", "peak", ""):
        table.add_column(column, justify="right", no_wrap=True)
    for file in exports:
        row = (file["format"], formatting.size(file["bytes"]))
        if not file["metrics"]:
            table.add_row(*row, *[formatting.ABSENT] * 6, "not run")
            continue
        speed = " / ".join(f"{milliseconds:.3g}" for milliseconds in file["latency_ms"].values())
        table.add_row(
            *row,
            formatting.score(file["metrics"][metric]),
            _points(file["difference"]),
            f"{file['largest_difference']:.0e}" if "largest_difference" in file else formatting.ABSENT,
            formatting.score(file.get("cosine")),
            speed,
            f"{file['share_of_peak']:.0%}",
            "passed" if file["passed"] else "FAILED",
        )
    console.print(table)
    for doubt, formats in timing_doubts(exports).items():
        console.print(f"ms of {', '.join(formats)}: {doubt}.", soft_wrap=True)
    for file in exports:
        if "adapted" in file:
            steps, before = file["adapted"]["steps"], file["adapted"]["before"]
            console.print(
                f"{file['format']}: adapted to int8 in {steps} steps, from {_points(before)} points.", soft_wrap=True
            )
        if file["passed"] is False:
            most = f" Most: {', '.join(file['offenders'])}." if file["offenders"] else ""
            why = "; ".join(file["why"])
            console.print(f"{file['format']}: {why}.{most} Kept as {file['file']}.", soft_wrap=True)


def _points(difference: Mapping[str, Any]) -> str:
    return f"{100 * difference[differing_metric(difference)]:+.2f}".replace("-", formatting.MINUS)


def print_report_place(page: Path, console: Console) -> None:
    """Where the report is, on a line of its own so that it can be clicked and copied."""
    console.print(f"report: {page}", soft_wrap=True)


def add_model(table: Table, label: str, model: Mapping[str, Any], metric: str) -> None:
    """A model's row: its score by a metric, the interval, its mult-adds and its parameters."""
    score = formatting.score(model["metrics"].get(metric))
    interval = formatting.interval(model["intervals"].get(metric))
    sizes = (formatting.magnitude(model[key]) for key in ("mult_adds", "parameters"))
    table.add_row(label, score, interval, *sizes)
