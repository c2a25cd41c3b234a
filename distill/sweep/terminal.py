"""The one table at the end of a sweep."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from distill import formatting
from distill.report.terminal import add_model
from distill.sweep.words import at_chance_words, difference_rows, headline, learnt_both_ways, timing_words, within_words


def print_sweep(content: Mapping[str, Any], console: Console) -> None:
    """The points of a sweep, laid out as table 12 of the paper, the teacher last.

    Args:
        content: of sweep.json.
    """
    metric = content["metric"]
    table = Table(box=box.SIMPLE_HEAD, title=f"sweep of {content['recipe']}")
    table.add_column(" / ".join(key.removeprefix("student.") for key in content["points"][0]["keys"]), overflow="fold")
    for column in (metric or "score", "95 % interval", "mult-adds", "parameters"):
        table.add_column(column, justify="right", no_wrap=True)
    beside = learnt_both_ways(content["points"])
    for row in content["points"]:
        label = " / ".join(row["keys"].values()) + (" labels" if beside and row["learnt_from"] == "labels" else "")
        if row["state"] == "done":
            add_model(table, label, row["student"], metric)
        else:
            table.add_row(f"{label} {row['state']}", *[formatting.ABSENT] * 4)
    if content["teacher"]:
        add_model(table, f"teacher {content['teacher']['name']}", content["teacher"], metric)
    console.print(headline(content), soft_wrap=True)
    console.print(table)
    for row in content["points"]:
        if "reason" in row:
            console.print(f"{row['name']} {row['state']}: {row['reason']}", soft_wrap=True)
    for line in [*at_chance_words(content), *within_words(content), *timing_words(content)]:
        console.print(line, soft_wrap=True)
    for pair in difference_rows(content):
        value, interval = formatting.signed(pair["value"]), formatting.interval(pair["interval"])
        console.print(f"{pair['first']} minus {pair['second']}: {pair['metric']} {value} {interval}", soft_wrap=True)
