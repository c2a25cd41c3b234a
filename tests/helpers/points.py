"""Points of a sweep that are run by small programs in place of `distill run`, and what such a program leaves."""

import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

from distill.files.atomic import json_text
from distill.files.run_directory import REPORT, RESOLVED, RESULTS
from distill.files.sealed import sealed, write_sealed
from distill.recipe.parser import RecipeReader
from distill.report.results import VERSION
from distill.sweep.directory import SweepDirectory
from distill.sweep.plan import Point, plan
from tests.helpers.running import write_recipe


def sweep(directory: Path, *arguments: str, labels: bool = False) -> tuple[list[Point], SweepDirectory]:
    """Three points, or others, and their directory."""
    points = _points(arguments or ("--student.width", "0.5,0.25,0.1"), labels)
    return list(points), SweepDirectory.claim(directory / "sweep", "tiny")


@functools.cache
def _points(arguments: tuple[str, ...], labels: bool) -> list[Point]:
    """Made once: reading a recipe takes a tenth of a second."""
    with tempfile.TemporaryDirectory() as place:
        reader = RecipeReader(str(write_recipe(Path(place))))
        return plan(reader, arguments, Path("data"), together=False, labels=labels)


def results(score: float, mult_adds: int, teacher: float | None = 0.7, **of_file: Any) -> dict[str, Any]:
    """As results.json has them, of a student with one file."""

    def model(name: str, value: float, cost: int) -> dict[str, Any]:
        facts = {
            "metrics": {"mAP": value},
            "intervals": {"mAP": [value - 0.01, value + 0.01]},
            "split": "test",
            "counts": {"pictures": 48},
        }
        return {"name": name, "parameters": cost // 10, "mult_adds": cost, **facts}

    scored = {key: value for key, value in model("", score, 0).items() if key in ("metrics", "intervals", "split")}
    file = {"format": "onnx", "file": "export/student.onnx", "bytes": mult_adds, **scored, "passed": True}
    file |= {"sha256": {}, "limits": "", "tolerance": 0.25, "why": []}
    return {
        "version": VERSION,
        "recipe": "tiny",
        "seed": 3,
        "device": "cpu",
        "stages": [],
        "data": {
            "name": "celeba",
            "fingerprint": "0",
            "counts": {"test": 48},
            "left_out": 0,
            "duplicates": 0,
            "classes": [],
        },
        "teacher": None if teacher is None else model("net", teacher, 9_000_000),
        "student": model("mobilenet", score, mult_adds)
        | ({} if teacher is None else {"difference": {"mAP": score - teacher, "interval": [-0.1, 0.1]}}),
        "exports": [file | of_file],
    }


def leave(point: Point, places: SweepDirectory, content: dict[str, Any]) -> None:
    """What a finished run leaves."""
    place = places.point(point)
    place.mkdir(parents=True, exist_ok=True)
    (place / RESOLVED).write_text(point.resolved)
    write_sealed(place / RESULTS, content)
    (place / REPORT).touch()
    for file in content["exports"]:
        (place / file["file"]).parent.mkdir(exist_ok=True)
        (place / file["file"]).touch()


def program(text: str) -> list[str]:
    """A command that runs some Python without waiting for its site packages."""
    return [sys.executable, "-S", "-c", text]


def leaving(point: Point, places: SweepDirectory, content: dict[str, Any], first: str = "") -> list[str]:
    """A program that does something first, and then leaves what a finished run leaves."""
    place = places.point(point)
    exports = dict.fromkeys((file["file"] for file in content["exports"]), "")
    files = exports | {RESOLVED: point.resolved, RESULTS: json_text(sealed(content)), REPORT: ""}
    folders = {str((place / name).parent) for name in files}
    lines = [f"os.makedirs({folder!r}, exist_ok=True)" for folder in folders]
    lines += [f"open({str(place / name)!r}, 'w').write({text!r})" for name, text in files.items()]
    return program("\n".join([first, "import os", *lines]))
