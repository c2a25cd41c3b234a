"""Seven breeds that are seven colours, a noisy web of them, and a run on both that tests read."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from distill.data.prepared.prepared import Prepared
from distill.files.run_directory import RunDirectory
from distill.tasks import open_task
from distill.tasks.classes.task import Classes
from distill.tasks.task import Task
from teachers.teacher import Teacher
from tests.helpers.running import TINY, read, run_recipe, write_recipe

BREEDS = tuple(f"n0208562{c}-breed_{c}" for c in range(7))
WEB_BREEDS = tuple(f"n0208562{c}-raca_{c}" for c in reversed(range(7)))  # other names, by which another order
PICTURES = {"train": 6, "test": 5}
STAGE = TINY["fine_tune"] | {"views": {}}
_PLACES: list[tempfile.TemporaryDirectory[str]] = []


def draw(file: Path, color: int, seed: int) -> None:
    """A picture of noise about one of seven colours."""
    generator = np.random.default_rng(seed)
    middle = np.array(
        [[40, 40, 40], [220, 40, 40], [40, 220, 40], [40, 40, 220], [220, 220, 40], [40, 220, 220], [220, 220, 220]]
    )
    pixels = np.clip(middle[color] + generator.normal(0, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def dogs(root: Path) -> Path:
    for c, breed in enumerate(BREEDS):
        for split, count in PICTURES.items():
            for k in range(count):
                draw(root / split / breed / f"{k}.png", c, 1000 * c + 10 * k + (split == "test"))
    twin = Image.open(root / "test" / BREEDS[0] / "0.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    twin.save(root / "train" / BREEDS[0] / "twin.png")
    return root


def web(root: Path) -> Path:
    """Eight pictures a breed, the last of them of another; one is a training picture, and one of a breed unknown."""
    for breed in WEB_BREEDS:
        c = int(breed[8])
        for k in range(8):
            draw(root / breed / f"{k}.png", c if k < 7 else (c + 1) % 7, 1000 * c + 100 + k)
    draw(root / WEB_BREEDS[-1] / "again.png", 0, 0)
    draw(root / "n02099999-wolf" / "0.png", 3, 77)
    return root


@functools.cache
def finished() -> tuple[Path, Path]:
    """The recipe's file and the directory of a run of it: made once, to be read only."""
    _PLACES.append(tempfile.TemporaryDirectory())
    place = Path(_PLACES[0].name)
    recipe = TINY | {
        "task": "classes",
        "stages": ["teach", "pretrain", "fine_tune", "transfer"],
        "data": {"name": "class_folders", "root": str(dogs(place / "dogs"))},
        "web": {"name": "class_folders", "root": str(web(place / "web"))},
        "objective": {"name": "softmax_kl", "temperature": 2.0},
        "teach": STAGE | {"epochs": 12},
        "pretrain": STAGE,
        "fine_tune": STAGE,
        "transfer": STAGE | {"views": {"mixup": 0.3}},
    }
    path = write_recipe(place, recipe, "dogs")
    run_recipe(path, place / "run")
    return path, place / "run"


def results_of(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "results.json").read_text())
    return content


def shown(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test pictures and their classes, read without the code that scores."""
    for place in (out / "data").glob("class_folders-*"):
        prepared = Prepared.open(place)
        rows = np.flatnonzero(prepared.splits == 2)
        if len(rows):
            return prepared.pictures.gather(rows), prepared.labels[rows].argmax(axis=1)
    raise AssertionError("no test pictures")


def opened() -> tuple[Classes, Teacher]:
    path, out = finished()
    places = RunDirectory(out)
    task = open_task(read(path)[0], places.data)
    assert isinstance(task, Classes)
    return task, task.recipe.teacher.with_weights(task.teaching.kind, places.teacher / "teacher.safetensors")


def asked(task: Task) -> Teacher:
    """The recipe's teacher, as a run that makes none opens it."""
    return task.recipe.teacher.teacher(task.teaching.kind)
