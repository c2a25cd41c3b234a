"""The one table at the end of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from distill.report import formatting
from distill.report.metrics import chief_metric, differing_metric


def print_results(results: Mapping[str, Any], console: Console) -> None:
    """Teacher, student and files with their scores on the test pictures."""
    student = results["student"]
    source = results["data"]["name"] if student["split"] == "test" else student["split"]
    table = Table(
        box=box.SIMPLE_HEAD, title=f"{results['recipe']}: {student['counts']['pictures']} test pictures of {source}"
    )
    # Narrow enough for 80 columns: the size is parameters for a network and bytes for a file.
    table.add_column("", overflow="fold")
    metric = chief_metric(student["metrics"])
    for column in (metric, "95 % interval", "mult-adds", "size", ""):
        table.add_column(column, justify="right", no_wrap=True)
    for role in ("teacher", "student"):
        model = results.get(role)
        if model:
            size = f"{formatting.magnitude(model['parameters'])} par."
            table.add_row(
                f"{role} {model['name']}", *_scored(model, metric), formatting.magnitude(model["mult_adds"]), size, ""
            )
    for file in results.get("exports", []):
        verdict = "passed" if file["passed"] else "FAILED"
        table.add_row(file["file"], *_scored(file, metric), "", formatting.size(file["bytes"]), verdict)
    console.print(table)
    difference = student.get("difference")
    if difference:
        differing = differing_metric(difference)
        points = formatting.signed(difference[differing])
        console.print(f"student minus teacher: {differing} {points} {formatting.interval(difference['interval'])}")


def print_report_place(page: Path, console: Console) -> None:
    """Where the report is, on a line of its own so that it can be clicked and copied."""
    console.print(f"report: {page}", soft_wrap=True)


def _scored(model: Mapping[str, Any], metric: str) -> tuple[str, str]:
    return formatting.score(model["metrics"].get(metric)), formatting.interval(model["intervals"].get(metric))
