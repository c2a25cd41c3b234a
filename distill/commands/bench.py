"""distill bench step | transfer | boxes | cells | loader | export | gallery: speeds side by side in one run."""

import argparse
import resource
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from distill import formatting
from distill.benchmarks.boxes import BoxWork, bare_boxes, boxes_in_lightning, matching
from distill.benchmarks.cells import CellWork, more_cells, more_outputs
from distill.benchmarks.export import latency_of_export
from distill.benchmarks.loader import WORKERS, memory, pictures_of_both_kinds, rates, replays
from distill.benchmarks.loops import WARM_UP
from distill.benchmarks.ways import (
    bare_online,
    bare_stored,
    online,
    stored,
    supervised,
    teacher_alone,
    timm_task,
    torchdistill_loss,
)
from distill.benchmarks.work import STUDENT_WIDTH, TEACHER_WIDTH, Work
from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.files.atomic import write_json
from distill.gallery.speeds import speeds_of_search
from distill.run.trainer import quieten

WAYS: dict[str, dict[str, Callable[..., float]]] = {
    "step": {"bare loop": bare_online, "distill": online},
    "transfer": {
        "teacher forward": teacher_alone,
        "student, bare loop": bare_stored,
        "distill, online": online,
        "distill, stored": stored,
        "distill, labels": supervised,
        "timm, online": timm_task,
    },
    "boxes": {"bare loop": bare_boxes, "distill": boxes_in_lightning, "matching": matching},
    "cells": {"classifier alone, bare loop": more_outputs, "distill": more_cells},
}
RATIOS: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "step": {"distill / bare loop": (("distill",), ("bare loop",))},
    "transfer": {
        "teacher / student": (("teacher forward",), ("student, bare loop",)),
        "online / (teacher + student)": (("distill, online",), ("teacher forward", "student, bare loop")),
        "stored / bare loop": (("distill, stored",), ("student, bare loop",)),
        "stored / labels": (("distill, stored",), ("distill, labels",)),
        "timm / online": (("timm, online",), ("distill, online",)),
        "timm / stored": (("timm, online",), ("distill, stored",)),
    },
    "boxes": {
        "distill / bare loop": (("distill",), ("bare loop",)),
        "matching / bare loop": (("matching",), ("bare loop",)),
    },
    "cells": {"distill / classifier alone": (("distill",), ("classifier alone, bare loop",))},
}
"""Seconds of the first ways over seconds of the second, turn by turn."""
if find_spec("torchdistill"):
    WAYS["transfer"]["torchdistill, online"] = torchdistill_loss
    RATIOS["transfer"]["torchdistill / online"] = (("torchdistill, online",), ("distill, online",))
RESOLUTIONS = {"export": 224, "boxes": 300, "cells": 64}
PICTURES = (10_000, 100_000, 1_000_000)


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(prog="distill bench", description="Compare speeds side by side in one run.")
    parser.add_argument(
        "what",
        choices=[*WAYS, "loader", "export", "gallery"],
        help="step: a step of transfer in Lightning, against the same in a bare PyTorch loop. transfer: a step with "
        "the teacher, with its stored answers and with labels, its parts, timm's distillation task and, where it is "
        "installed, torchdistill's loss. boxes: a step of an SSD MobileNet on a teacher's boxes, against the same in a "
        "bare PyTorch loop, and what matching takes of it. cells: what a step on 26,263 cells of the Earth takes more "
        "than one on 1,000, against what a classifier alone takes more. "
        "loader: views a second of one core, cut there or on a GPU, from uint8 pictures and from JPEG files, memory by "
        "count of pictures, and whether views come the same by any number of workers. "
        "export: one picture through the ONNX file of a MobileNet 1.0, against the machine's best rate and against "
        "preprocessing outside of the file. "
        "gallery: one probe looked up among enrolled people, exactly and approximately, with the recall of the latter",
    )
    parser.add_argument(
        "--rounds", type=int, default=9, help="turns each takes; of the loader, batches of pictures drawn"
    )
    parser.add_argument(
        "--steps",
        type=int,
        default=30,
        help="steps a turn; of the loader, batches measured; of the gallery, probes a turn",
    )
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument(
        "--resolution", type=int, help="pixels of a side; default 96, 300 of boxes, 64 of cells, 224 of export"
    )
    parser.add_argument(
        "--teacher",
        metavar="NAME",
        help=f"of step and transfer: a network of timm, at random; default a MobileNet {TEACHER_WIDTH}, of ten times "
        "the mult-adds of the default student",
    )
    parser.add_argument(
        "--width",
        type=float,
        default=STUDENT_WIDTH,
        help="of step, transfer, boxes and cells: of the student, a MobileNet",
    )
    parser.add_argument("--vectors", type=int, default=1_000_000, help="of gallery: enrolled; default 1000000")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser


def main(arguments: list[str]) -> int:
    """Let each way take its turn, several times over, and print medians and the medians of the turns' ratios."""
    options = build_parser().parse_args(arguments)
    if min(options.rounds, options.batch_size) < 1 or options.steps <= WARM_UP:
        raise DistillError(
            f"--steps must be above {WARM_UP}, which are not timed; --rounds and --batch-size at least 1."
        )
    if options.vectors < 2:
        raise DistillError(f"--vectors is {options.vectors}, expected at least 2.")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise DistillError("--device is cuda, and there is no GPU here that torch can use. Leave it out.")
    options.resolution = options.resolution or RESOLUTIONS.get(options.what, 96)
    quieten()
    figures = {"loader": _loader, "export": _export, "gallery": _gallery}.get(options.what, _turns)(options)
    if options.json:
        write_json(options.json, figures)
    return 0


def _turns(options: argparse.Namespace) -> dict[str, Any]:
    """Time a step of each way."""
    ways = WAYS[options.what]
    times: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as place:
        device = torch.device(options.device)
        made = Path(place), options.batch_size, options.resolution, device
        work: Work | BoxWork | CellWork
        if options.what == "boxes":
            work = BoxWork.make(*made, width=options.width)
        elif options.what == "cells":
            work = CellWork.make(*made, width=options.width)
        else:
            work = Work.make(*made, width=options.width, teacher_name=options.teacher)
        for turn in track(range(options.rounds), "turns", console=Console(stderr=True), transient=True):
            # Another begins each time: what a way leaves the next to clear away falls on all alike.
            first = turn % len(ways)
            for name in [*ways][first:] + [*ways][:first]:
                times[name].append(ways[name](work, options.steps))
    figures = _figures(times, RATIOS[options.what], options.batch_size) | {
        "batch_size": options.batch_size,
        "resolution": options.resolution,
        "rounds": options.rounds,
        "steps": options.steps,
        "device": options.device,
        "threads": torch.get_num_threads(),
        **work.facts(),
        "peak_bytes": _peak_bytes(device),
    }
    _print(figures, work.words())
    return figures


def _loader(options: argparse.Namespace) -> dict[str, Any]:
    """Time the loader alone."""
    console = Console(markup=False, emoji=False)
    with tempfile.TemporaryDirectory() as place:
        raw, jpeg = pictures_of_both_kinds(Path(place), options.batch_size * options.rounds)
        measure = partial(
            rates,
            size=options.resolution,
            batch_size=options.batch_size,
            batches=options.steps,
            device=torch.device(options.device),
        )
        figures: dict[str, Any] = {
            "device": options.device,
            "views_a_second_of_one_core": measure(raw)
            | {f"{name}, from JPEG": rate for name, rate in measure(jpeg).items()},
            "replays": replays(raw, options.batch_size, options.steps),
        }
    cut_where = "the GPU cutting them, " if options.device == "cuda" else ""
    for name, rate in figures["views_a_second_of_one_core"].items():
        console.print(f"{name}: {rate:,.0f} views a second of one core, {cut_where}at {options.resolution} px")
    figures["memory"] = {str(count): memory(count) for count in PICTURES}
    for count, taken in figures["memory"].items():
        console.print(
            f"{int(count):,} pictures of 160 px: {taken['mebibytes']:.0f} MiB, opened in {taken['open_s']:.2f} s, "
            f"first batch after {taken['first_s']:.2f} s, then one each {1000 * taken['batch_s']:.1f} ms"
        )
    views = f"{options.steps * options.batch_size:,} views"
    if len(set(figures["replays"].values())) > 1:
        raise DistillError(
            f"{views} came in other ways: {figures['replays']}. This is a fault of the program or machine."
        )
    ways = f"{', '.join(map(str, WORKERS))} workers, resumed half-way"
    console.print(f"sha256 of {views}, the same by {ways}: {figures['replays']['resumed']}", soft_wrap=True)
    return figures


def _export(options: argparse.Namespace) -> dict[str, Any]:
    """Time the ONNX file alone, on one thread."""
    figures = latency_of_export(options.resolution, options.rounds) | {"peak_bytes": _peak_bytes(torch.device("cpu"))}
    console = Console(markup=False, emoji=False)
    for name, milliseconds in figures["milliseconds"].items():
        console.print(f"{name}: {milliseconds:.3f} ms")
    for name, ratio in figures["ratios"].items():
        console.print(f"{name}: {ratio:.3f}")
    console.print(
        f"medians of {options.rounds} turns, one picture of {options.resolution} px, one thread; peak memory "
        f"{formatting.size(figures['peak_bytes'])}"
    )
    return figures


def _gallery(options: argparse.Namespace) -> dict[str, Any]:
    """Time the search of a gallery alone."""
    figures = speeds_of_search(options.vectors, options.rounds, options.steps)
    figures["peak_bytes"] = _peak_bytes(torch.device("cpu"))
    milliseconds = figures["milliseconds"]
    Console(markup=False, emoji=False).print(
        f"{options.vectors:,} vectors of {figures['dimensions']} numbers: exact {milliseconds['exact']:.3f} ms a "
        f"probe, approximate {milliseconds['approximate']:.3f} ms with recall {figures['recall']:.4f} of the 10 most "
        f"alike; its graph was built in {formatting.duration(figures['built_in_s'])}; peak memory "
        f"{formatting.size(figures['peak_bytes'])}",
        soft_wrap=True,
    )
    return figures


def _figures(
    times: dict[str, list[float]], ratios: dict[str, tuple[tuple[str, ...], tuple[str, ...]]], batch_size: int
) -> dict[str, Any]:
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    turns = {
        name: [
            sum(each) / sum(other)
            for each, other in zip(
                zip(*(times[way] for way in above), strict=True),
                zip(*(times[way] for way in below), strict=True),
                strict=True,
            )
        ]
        for name, (above, below) in ratios.items()
    }
    return {
        "seconds_a_step": medians,
        "pictures_a_second": {name: batch_size / seconds for name, seconds in medians.items()},
        "ratios": {name: statistics.median(values) for name, values in turns.items()},
    }


def _print(figures: dict[str, Any], words: str) -> None:
    console = Console(markup=False, emoji=False)
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{figures['batch_size']} pictures a step at {figures['resolution']} px on {figures['device']}, "
        f"{figures['threads']} threads, medians of {figures['rounds']} turns",
    )
    for column in ("", "ms a step", "pictures/s"):
        table.add_column(column, justify="right" if column else "left")
    for name, seconds in figures["seconds_a_step"].items():
        table.add_row(name, f"{1000 * seconds:.1f}", f"{figures['pictures_a_second'][name]:.0f}")
    console.print(table)
    for name, ratio in figures["ratios"].items():
        console.print(f"{name}: {ratio:.3f}")
    console.print(f"{words}; peak memory {formatting.size(figures['peak_bytes'])}", soft_wrap=True)


def _peak_bytes(device: torch.device) -> int:
    """The peak memory of this process over all ways; on a GPU, of its memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
