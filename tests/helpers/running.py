"""A recipe small enough to run from top to bottom in seconds, and one finished run of it that several tests read."""

import functools
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.cost.latency import Latency
from distill.errors import DistillError
from distill.export.format import Job
from distill.export.formats import FORMATS
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import Recipe
from distill.run.pipeline import run

STAGE = {
    "epochs": 1,
    "batch_size": 16,
    "optimization": {"learning_rate": 0.003, "ema": 0.9},
    "views": {"mixup": 0.3},
    "checkpoint_steps": 3,
}
TINY: dict[str, Any] = {
    "seed": 3,
    "stages": ["teach", "transfer"],
    "data": {"name": "rendered_faces", "train": 64, "validation": 48, "test": 48, "people": 40},
    "prepare": {"height": 32, "width": 32},
    "teacher": {"name": "timm", "model": "test_resnet", "weights": "scratch", "height": 32, "width": 32},
    "student": {"width": 0.1, "resolution": 32},
    "teach": STAGE,
    "fine_tune": STAGE,
    "transfer": STAGE,
    "evaluate": {"resamples": 20, "chance": "accept"},  # nobody learns anything in four steps
    "export": {"formats": ["onnx"]},
    "trainer": {"accelerator": "cpu", "devices": 1},
}
_PLACES: list[tempfile.TemporaryDirectory[str]] = []


def write_recipe(directory: Path, content: dict[str, Any] = TINY, name: str = "tiny") -> Path:
    """A recipe file; JSON is YAML."""
    path = directory / f"{name}.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def read(path: Path, arguments: Sequence[str] = ()) -> tuple[Recipe, str]:
    return RecipeReader(str(path)).read(arguments)


def complaint(path: Path, *arguments: str) -> str:
    """The error of a recipe that is refused."""
    with pytest.raises(DistillError) as caught:
        read(path, arguments)
    message = str(caught.value)
    assert "\n" not in message  # the command line prints it as one line
    return message


def run_recipe(path: Path, out: Path, arguments: Sequence[str] = (), seeds: int = 1) -> dict[str, Any]:
    """Run in this process, on one thread."""
    torch.set_num_threads(1)
    return run(*read(path, arguments), out, seeds)


@functools.cache
def finished() -> tuple[Path, Path]:
    """The recipe's file and the directory of a run of it: made once, to be read only."""
    _PLACES.append(tempfile.TemporaryDirectory())
    place = Path(_PLACES[0].name)
    recipe = write_recipe(place)
    run_recipe(recipe, place / "run")
    return recipe, place / "run"


def copy_of_finished(place: Path) -> tuple[Path, Path]:
    """The same, to be changed."""
    recipe, run_directory = finished()
    place.mkdir(exist_ok=True)
    shutil.copytree(run_directory, place / "run")
    return Path(shutil.copy(recipe, place)), place / "run"


def as_finished(job: Job, path: Path) -> None:
    """In place of writing a file: that of the finished run."""
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(finished()[1] / "export" / path.name, path)


def steady(ways: Mapping[Any, object]) -> dict[Any, Latency]:
    """In place of timing anything: each takes a millisecond in every turn."""
    return dict.fromkeys(ways, Latency(1e-3, (1e-3, 1e-3)))


def without_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a file and timing it takes seconds: those of the finished run are scored, and no clock is read."""
    finished()  # by the real ones
    monkeypatch.setattr("distill.run.stages.export_onnx", lambda path, *arguments: path.touch())
    formats = {name: replace(one, write=as_finished) for name, one in FORMATS.items()}
    monkeypatch.setattr("distill.export.formats.FORMATS", formats)
    monkeypatch.setattr("distill.run.speeds.latencies", steady)


def without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of teacher or student is written, for tests that look at none."""
    monkeypatch.setattr("distill.run.stages.export_onnx", lambda path, *arguments: path.touch())
    monkeypatch.setattr("distill.run.pipeline.export_and_score", lambda *arguments: [])


def timeless(results: dict[str, Any]) -> dict[str, Any]:
    """Results without what the clock says."""
    results.pop("sha256", None)  # of them as well
    for timed in results["stages"]:
        timed.pop("seconds")
    for file in results["exports"]:
        for key in ("latency_ms", "latency_spread_ms", "latency_doubts"):
            file.pop(key)
        file.pop("share_of_peak")
    return results
