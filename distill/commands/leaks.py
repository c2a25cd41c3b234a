"""distill leaks FOLDER FOLDER [--csv FILE]"""

import argparse
import csv
from pathlib import Path

from rich.console import Console

from distill.commands.arguments import CommandParser
from distill.data.duplicates.leaks import Leaks, Looked, leaks, look
from distill.files.atomic import atomic_path

SHOWN = 20  # pairs printed; the file has all


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(
        prog="distill leaks",
        description="Find pictures of one folder in another: the same files, and photographs resized, stretched, "
        "mirrored, compressed again or cut to their middle square. Status 1 if there are any. A folder given twice is "
        "compared with itself.",
    )
    parser.add_argument("first", type=Path, help="pictures, at any depth; those to train on, say")
    parser.add_argument("second", type=Path, help="the same; those to test on, say")
    parser.add_argument("--csv", type=Path, default=Path("leaks.csv"), help="where all pairs go; default leaks.csv")
    return parser


def main(arguments: list[str]) -> int:
    """Print and write the pictures that two folders share; status 1 where there are any."""
    options = build_parser().parse_args(arguments)
    first = look(options.first)
    second = first if options.first.resolve() == options.second.resolve() else look(options.second)
    leaked = leaks(first, second)
    rows: list[tuple[str, ...]] = [
        (
            first.names[row],
            second.names[second_row],
            "exact" if exact else "near",
            f"{correlation:.4f}",
            "yes" * mirrored,
        )
        for (row, second_row), exact, correlation, mirrored in zip(
            leaked.pairs.tolist(), leaked.exact.tolist(), leaked.correlations, leaked.mirrored.tolist(), strict=True
        )
    ]
    heading = ("first", "second", "kind", "correlation", "mirrored")
    with atomic_path(options.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading, *rows])
    _print(options.first, options.second, first, second, leaked, rows)
    return 1 if len(leaked) else 0


def _print(
    one_folder: Path, other_folder: Path, first: Looked, second: Looked, pairs: Leaks, rows: list[tuple[str, ...]]
) -> None:
    console = Console(markup=False, emoji=False, highlight=False)
    for reason in first.left_out + (second.left_out if second is not first else []):
        console.print(f"left out: {reason}", soft_wrap=True)
    for name, other_name, kind, correlation, mirrored in rows[:SHOWN]:
        console.print(f"{kind:5}  {correlation}  {'mirrored' * bool(mirrored):8}  {name}  {other_name}", soft_wrap=True)
    if len(rows) > SHOWN:
        console.print(f"... and {len(rows) - SHOWN} pairs more")
    exact = int(pairs.exact.sum())
    leaked = len(set(pairs.pairs[:, 1].tolist()))
    console.print(
        f"{len(pairs)} pairs, {exact} of them the same file: {leaked} of {len(second.names):,} pictures of "
        f"{other_folder} are "
        + ("there twice" if first is second else f"among the {len(first.names):,} of {one_folder}"),
        soft_wrap=True,
    )
