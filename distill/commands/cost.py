"""distill cost NAME [--resolution R] [--picture FILE.png] [--json FILE]"""

import argparse
from dataclasses import asdict, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import timm
import torch
from rich import box
from rich.console import Console
from rich.table import Table

from distill import formatting
from distill.commands.arguments import CommandParser
from distill.cost import Cost, count, count_onnx, separable_blocks
from distill.cost.picture import check_picture, draw_cost
from distill.errors import DistillError
from distill.files.atomic import write_json
from distill.files.weights import hub_cfg
from distill.registries import STUDENTS
from distill.registry import UnknownNameError
from students.naming import is_timm, student_named
from students.student import SMALLEST_RESOLUTION, Student, build_student

_REFUSALS = (RuntimeError, AssertionError, ValueError)  # of a network, of pictures that it cannot take


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(
        prog="distill cost",
        description="What a network costs at batch 1, laid out as tables 1 and 2 of the MobileNets paper.",
    )
    parser.add_argument(
        "name",
        help="a student's full name (mobilenet_v1_0.25_128), a timm network (resnet50), or an .onnx file",
    )
    parser.add_argument("--resolution", type=int, help="pixels of a side; default the name's, timm's or the file's own")
    parser.add_argument("--picture", type=Path, help="also draw it, into a .png, .svg or .pdf file")
    parser.add_argument("--json", type=Path, help="also write it to this file")
    return parser


def main(arguments: list[str]) -> int:
    """Print what a network costs: by kind of layer, by layer, by separable block, and its activations' memory."""
    options = build_parser().parse_args(arguments)
    if options.resolution is not None and options.resolution < SMALLEST_RESOLUTION:
        raise DistillError(f"--resolution is {options.resolution}, expected at least {SMALLEST_RESOLUTION} pixels.")
    if options.picture:
        check_picture(options.picture)
    name, cost = _count(options.name, options.resolution)
    console = Console(markup=False, emoji=False, highlight=False)
    _print(console, name, cost)
    if options.picture:
        draw_cost(options.picture, name, cost)
        console.print(f"written: {options.picture}", soft_wrap=True)
    if options.json:
        write_json(options.json, _to_dict(name, cost))
        console.print(f"written: {options.json}", soft_wrap=True)
    return 0


def _count(name: str, resolution: int | None) -> tuple[str, Cost]:
    """The network's cost, and its name with the resolution it was counted at."""
    if name.endswith(".onnx"):
        return name, count_onnx(Path(name), resolution)
    if _only_timms(name):
        cfg = hub_cfg(name)
        _, height, width = cfg.input_size
        # A transformer must be told another size when it is built.
        arguments: dict[str, Any] = {"img_size": resolution} if resolution and cfg.fixed_input_size else {}
        height, width = (resolution or height, resolution or width)
        try:
            with torch.device("meta"):
                network = timm.create_model(name, pretrained=False, **arguments)
        except (*_REFUSALS, TypeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise DistillError(f"{name}: cannot be built for {height} x {width} pixels ({reason}).") from error
        label = f"{name} at {height} x {width}"
    else:
        student = _student(name)
        if resolution:
            student = replace(cast(Any, student), resolution=resolution)
        with torch.device("meta"):
            network = build_student(student, student.head_for(student.counted_outputs))
        height = width = student.resolution
        label = student.full_name
    if min(height, width) < SMALLEST_RESOLUTION:
        raise DistillError(f"{label}: expected a resolution of at least {SMALLEST_RESOLUTION} pixels.")
    try:
        return label, count(network, height, width)
    except _REFUSALS as error:
        raise DistillError(f"{name}: cannot take pictures of {height} x {width} pixels ({error}).") from error


def _only_timms(name: str) -> bool:
    """Whether the name is a network of timm that is no student."""
    architecture, _, tag = name.partition(".")
    known = timm.is_model(architecture) and (not tag or name in timm.list_pretrained(f"{architecture}.*"))
    return known and not is_timm(name)


def _student(name: str) -> Student:
    try:
        return student_named(name)
    except UnknownNameError:
        known = [*(one for one in STUDENTS.names() if "*" not in one), *timm.list_models()]
        close = get_close_matches(name, known, n=5, cutoff=0.4)
        raise DistillError(
            f"no student, timm network or .onnx file is called {name!r}. Close to it: {', '.join(close) or 'nothing'}. "
            "A student's full name is for example mobilenet_v1_0.25_128 or mobilenet_v1_0.5_96_shallow."
        ) from None


def _print(console: Console, name: str, cost: Cost) -> None:
    console.print(
        f"{name}: {formatting.magnitude(cost.mult_adds)} mult-adds, {formatting.magnitude(cost.parameters)} parameters",
        soft_wrap=True,
    )
    table = _table("by kind of layer", "", "mult-adds", "%", "weights", "%")
    for kind, total in cost.by_kind().items():
        table.add_row(
            kind,
            formatting.count(total.mult_adds),
            f"{100 * total.mult_adds / cost.mult_adds:.2f}",
            formatting.count(total.parameters),
            f"{100 * total.parameters / cost.weights:.2f}",
        )
    console.print(table)
    table = _table("by layer", "type/stride", "filter", "input", "mult-adds", "weights")
    for layer in cost.layers:
        table.add_row(
            layer.type,
            layer.filter_shape,
            layer.input_size,
            formatting.count(layer.mult_adds),
            formatting.count(layer.parameters),
        )
    console.print(table)
    blocks = separable_blocks(cost)
    if blocks:
        title = "depthwise separable blocks, against full convolutions in their place"
        table = _table(title, "", "block", "full", "share", "1/N + 1/D_K^2")
        for block in blocks:
            kernel = "x".join(map(str, block.depthwise.weight[2:]))
            table.add_row(
                f"{kernel}, {block.depthwise.input[0]} to {block.pointwise.output[0]}",
                formatting.count(block.mult_adds),
                formatting.count(block.full_mult_adds),
                f"{block.share:.4f}",
                f"{block.predicted_share:.4f}",
            )
        console.print(table)
    console.print(
        f"activations at batch 1: {formatting.size(cost.memory.peak)} at most at once, "
        f"{formatting.size(cost.memory.total)} in all",
        soft_wrap=True,
    )
    if cost.uncounted:
        console.print(
            f"not counted: products of two activations, in {len(cost.uncounted)} places, the first {cost.uncounted[0]}",
            soft_wrap=True,
        )


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    return table


def _to_dict(name: str, cost: Cost) -> dict[str, Any]:
    return {
        "name": name,
        "mult_adds": cost.mult_adds,
        "parameters": cost.parameters,
        "memory": asdict(cost.memory),
        "uncounted": cost.uncounted,
        "kinds": {kind: asdict(total) for kind, total in cost.by_kind().items()},
        "layers": [asdict(layer) for layer in cost.layers],
        "separable_blocks": [
            {
                "depthwise": block.depthwise.name,
                "pointwise": block.pointwise.name,
                "mult_adds": block.mult_adds,
                "full_mult_adds": block.full_mult_adds,
                "share": block.share,
                "predicted_share": block.predicted_share,
            }
            for block in separable_blocks(cost)
        ],
    }
