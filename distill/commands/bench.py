"""distill bench step | transfer | loader | export: speeds side by side in one run, in turns."""

import argparse
import resource
import statistics
import tempfile
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
from distill.benchmarks.export import latency_of_export
from distill.benchmarks.loader import WORKERS, memory, pictures_of_both_kinds, rates, replays
from distill.benchmarks.ways import (
    WARM_UP,
    Way,
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
from distill.errors import DistillError
from distill.files.atomic import write_json
from distill.run.train import quieten

WAYS: dict[str, dict[str, Way]] = {
    "step": {"bare loop": bare_online, "distill": online},
    "transfer": {
        "teacher forward": teacher_alone,
        "student, bare loop": bare_stored,
        "distill, online": online,
        "distill, stored": stored,
        "distill, labels": supervised,
        "timm, online": timm_task,
    },
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
}
"""Seconds of the first ways over seconds of the second, turn by turn."""
if find_spec("torchdistill"):
    WAYS["transfer"]["torchdistill, online"] = torchdistill_loss
    RATIOS["transfer"]["torchdistill / online"] = (("torchdistill, online",), ("distill, online",))
PICTURES = (10_000, 100_000, 1_000_000)


def main(arguments: list[str]) -> int:
    """Let each way take its turn, several times over, and print medians and the medians of the turns' ratios."""
    parser = argparse.ArgumentParser(prog="distill bench", description="Compare speeds side by side in one run.")
    parser.add_argument(
        "what",
        choices=[*WAYS, "loader", "export"],
        help="step: a step of transfer in Lightning, against the same in a bare PyTorch loop. transfer: a step with "
        "the teacher, with its stored answers and with labels, its parts, timm's distillation task and, where it is "
        "installed, torchdistill's loss. "
        "loader: views a second of one core, cut there or on a GPU, from uint8 pictures and from JPEG files, memory by "
        "count of pictures, and whether views come the same by any number of workers. "
        "export: one picture through the ONNX file of a MobileNet 1.0, against the machine's best rate and against "
        "preprocessing outside of the file",
    )
    parser.add_argument(
        "--rounds", type=int, default=9, help="turns each takes; of the loader, batches of pictures drawn"
    )
    parser.add_argument("--steps", type=int, default=30, help="steps a turn; of the loader, batches measured")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--resolution", type=int, help="pixels of a side; default 96, and 224 of export")
    parser.add_argument(
        "--teacher",
        metavar="NAME",
        help=f"of step and transfer: a network of timm, at random; default a MobileNet {TEACHER_WIDTH}, of ten times "
        "the mult-adds of the default student",
    )
    parser.add_argument(
        "--width", type=float, default=STUDENT_WIDTH, help="of step and transfer: of the student, a MobileNet"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = parser.parse_args(arguments)
    if min(chosen.rounds, chosen.batch_size) < 1 or chosen.steps <= WARM_UP:
        raise DistillError(
            f"--steps must be above {WARM_UP}, which are not timed; --rounds and --batch-size at least 1."
        )
    if chosen.device == "cuda" and not torch.cuda.is_available():
        raise DistillError("--device is cuda, and there is no GPU here that torch can use. Leave it out.")
    chosen.resolution = chosen.resolution or (224 if chosen.what == "export" else 96)
    quieten()
    found = {"loader": _loader, "export": _export}.get(chosen.what, _turns)(chosen)
    if chosen.json:
        write_json(chosen.json, found)
    return 0


def _turns(chosen: argparse.Namespace) -> dict[str, Any]:
    """Ways of taking a step."""
    ways = WAYS[chosen.what]
    times: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as place:
        device = torch.device(chosen.device)
        work = Work.make(
            Path(place), chosen.batch_size, chosen.resolution, device, width=chosen.width, teacher_name=chosen.teacher
        )
        for turn in track(range(chosen.rounds), "turns", console=Console(stderr=True), transient=True):
            # Another begins each time: what a way leaves the next to clear away falls on all alike.
            first = turn % len(ways)
            for name in [*ways][first:] + [*ways][:first]:
                times[name].append(ways[name](work, chosen.steps))
    found = _figures(times, RATIOS[chosen.what], chosen.batch_size) | {
        "batch_size": chosen.batch_size,
        "resolution": chosen.resolution,
        "rounds": chosen.rounds,
        "steps": chosen.steps,
        "device": chosen.device,
        "threads": torch.get_num_threads(),
        "student_width": work.width,
        "teacher": work.teacher.name,
        "teacher_over_student_mult_adds": work.ratio,
        "peak_bytes": _peak_bytes(device),
    }
    _print(found)
    return found


def _loader(chosen: argparse.Namespace) -> dict[str, Any]:
    """The loader alone."""
    console = Console(markup=False, emoji=False)
    with tempfile.TemporaryDirectory() as place:
        raw, jpeg = pictures_of_both_kinds(Path(place), chosen.batch_size * chosen.rounds)
        measure = partial(
            rates,
            size=chosen.resolution,
            batch_size=chosen.batch_size,
            batches=chosen.steps,
            device=torch.device(chosen.device),
        )
        found: dict[str, Any] = {
            "device": chosen.device,
            "views_a_second_of_one_core": measure(raw)
            | {f"{name}, from JPEG": rate for name, rate in measure(jpeg).items()},
            "replays": replays(raw, chosen.batch_size, chosen.steps),
        }
    cut_where = "the GPU cutting them, " if chosen.device == "cuda" else ""
    for name, rate in found["views_a_second_of_one_core"].items():
        console.print(f"{name}: {rate:,.0f} views a second of one core, {cut_where}at {chosen.resolution} px")
    found["memory"] = {str(count): memory(count) for count in PICTURES}
    for count, figures in found["memory"].items():
        console.print(
            f"{int(count):,} pictures of 160 px: {figures['mebibytes']:.0f} MiB, opened in {figures['open_s']:.2f} s, "
            f"first batch after {figures['first_s']:.2f} s, then one each {1000 * figures['batch_s']:.1f} ms"
        )
    views = f"{chosen.steps * chosen.batch_size:,} views"
    if len(set(found["replays"].values())) > 1:
        raise DistillError(
            f"{views} came in other ways: {found['replays']}. This is a fault of the program or machine."
        )
    ways = f"{', '.join(map(str, WORKERS))} workers, resumed half-way"
    console.print(f"sha256 of {views}, the same by {ways}: {found['replays']['resumed']}", soft_wrap=True)
    return found


def _export(chosen: argparse.Namespace) -> dict[str, Any]:
    """The ONNX file alone, on one thread."""
    found = latency_of_export(chosen.resolution, chosen.rounds) | {"peak_bytes": _peak_bytes(torch.device("cpu"))}
    console = Console(markup=False, emoji=False)
    for name, milliseconds in found["milliseconds"].items():
        console.print(f"{name}: {milliseconds:.3f} ms")
    for name, ratio in found["ratios"].items():
        console.print(f"{name}: {ratio:.3f}")
    console.print(
        f"medians of {chosen.rounds} turns, one picture of {chosen.resolution} px, one thread; peak memory "
        f"{formatting.size(found['peak_bytes'])}"
    )
    return found


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


def _print(found: dict[str, Any]) -> None:
    console = Console(markup=False, emoji=False)
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{found['batch_size']} pictures a step at {found['resolution']} px on {found['device']}, "
        f"{found['threads']} threads, medians of {found['rounds']} turns",
    )
    for column in ("", "ms a step", "pictures/s"):
        table.add_column(column, justify="right" if column else "left")
    for name, seconds in found["seconds_a_step"].items():
        table.add_row(name, f"{1000 * seconds:.1f}", f"{found['pictures_a_second'][name]:.0f}")
    console.print(table)
    for name, ratio in found["ratios"].items():
        console.print(f"{name}: {ratio:.3f}")
    console.print(
        f"student: MobileNet {found['student_width']:g}; teacher: {found['teacher']}, "
        f"{found['teacher_over_student_mult_adds']:.1f} times its mult-adds; peak memory "
        f"{formatting.size(found['peak_bytes'])}"
    )


def _peak_bytes(device: torch.device) -> int:
    """Of this process, all ways together; on a GPU, of its memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
