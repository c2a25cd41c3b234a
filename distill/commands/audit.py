"""distill audit [--json FILE]"""

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from distill import formatting
from distill.audit import Finding, State, audit, read_tables
from distill.commands.arguments import CommandParser
from distill.files.atomic import write_json

_HEADINGS = {"mult_adds": "mult-adds", "parameters": "parameters", "layer": "layer"}


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(
        prog="distill audit",
        description="Recompute every mult-add and parameter cell of tables 1 to 10 and 12 to 14 of the MobileNets "
        "paper, and of its paragraph on PlaNet: which agree, and why the others do not. Status 1 if one is "
        "unexplained.",
    )
    parser.add_argument("--json", type=Path, help="also write the findings to this file")
    return parser


def main(arguments: list[str]) -> int:
    """Recompute the paper's cost tables; status 1 where a cell disagrees and nothing explains it."""
    options = build_parser().parse_args(arguments)
    tables = read_tables()
    findings = audit(tables)
    console = Console(markup=False, emoji=False, highlight=False)
    for table in tables:
        _print(
            console,
            f"{table.name}: {table.title}",
            [finding for finding in findings if finding.cell.table == table.name],
        )
    states = Counter(finding.state for finding in findings)
    console.print(f"{len(findings)} cells: " + ", ".join(f"{states[state]} {state}" for state in State))
    if options.json:
        counts = {str(state): states[state] for state in State}
        write_json(options.json, {"states": counts, "cells": [finding.to_dict() for finding in findings]})
        console.print(f"written: {options.json}", soft_wrap=True)
    return 1 if states[State.UNEXPLAINED] else 0


def _print(console: Console, title: str, findings: Sequence[Finding]) -> None:
    """One table, and below it the reasons."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for column in ("", "", "printed", "computed", ""):
        table.add_column(column, justify="right" if column else "left", overflow="fold")
    for finding in findings:
        computed = formatting.ABSENT if finding.computed is None else finding.computed
        table.add_row(finding.cell.row, _HEADINGS[finding.cell.quantity], finding.cell.printed, computed, finding.state)
    console.print(table)
    for (row, state, reason), cells in groupby(
        findings, key=lambda finding: (finding.cell.row, finding.state, finding.reason)
    ):
        if reason:
            quantities = " and ".join(_HEADINGS[finding.cell.quantity] for finding in cells)
            console.print(Padding(f"{row}, {quantities}: {state}: {reason}.", (0, 0, 0, 2)))
    console.print()
