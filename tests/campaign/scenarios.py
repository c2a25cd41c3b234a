"""The commands that are disturbed, each with the directory that it begins in and what an undisturbed one leaves."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.campaign import server
from tests.campaign.operations import Operations
from tests.campaign.server import Ended, attempt, clear
from tests.campaign.steady import emptied
from tests.campaign.trees import differences, tree_of
from tests.helpers.graphs import projection_graph

STAGE = {
    "epochs": 2,
    "batch_size": 16,
    "optimization": {"learning_rate": 0.003, "ema": 0.9},
    "views": {"mixup": 0.3},
    "checkpoint_steps": 1,
}
TINY: dict[str, Any] = {
    "seed": 3,
    "stages": ["teach", "transfer"],
    "data": {"name": "rendered_faces", "train": 32, "validation": 32, "test": 32, "people": 20},
    "prepare": {"height": 32, "width": 32},
    "teacher": {"name": "timm", "model": "test_resnet", "weights": "scratch", "height": 32, "width": 32},
    "student": {"width": 0.05, "resolution": 32},
    "teach": STAGE | {"keep": "best"},
    "transfer": STAGE,
    "evaluate": {"resamples": 10, "chance": "accept"},
    "export": {"formats": ["onnx"], "tolerance": 100, "int8_steps": 2},
    "trainer": {"accelerator": "cpu", "devices": 1},
}
TAUGHT = {  # by what the first recipe made; with a schedule after which more passes may follow
    **TINY,
    "stages": ["transfer"],
    "teacher": {**TINY["teacher"], "weights": "run/teacher/teacher.safetensors"},
    "transfer": {**STAGE, "keep": "best", "optimization": {"learning_rate": 0.003, "schedule": "constant"}},
}


@dataclass
class Scenario:
    """A command, begun from what other scenarios left.

    Attributes:
        after: the scenarios whose result it begins from, in one directory.
        given: writes what else it reads.
        seconds: that it takes, loaded.
        tree: of what it leaves.
        counts: of its file operations.
    """

    name: str
    arguments: list[str]
    after: tuple[str, ...] = ()
    given: Callable[[Path], None] | None = None
    seconds: float = 0.0
    tree: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def scenarios() -> list[Scenario]:
    run = ["run", "tiny.yaml", "--out", "run"]
    taught = ["run", "taught.yaml", "--out", "taught"]
    store = ["store", "tiny.yaml", "--out", "store", "--run", "run", "--views"]
    enroll = ["gallery", "enroll", "gallery", "people", "--model", "faces.onnx"]
    return [
        Scenario("run", run),
        Scenario("taught", taught, ("run",)),
        Scenario("longer", [*taught, "--transfer.epochs", "3"], ("taught",)),
        Scenario("store", [*store, "1"], ("run",)),
        Scenario("store-more", [*store, "2"], ("store",)),
        Scenario(
            "stored",
            [*taught, "--teacher", "stored", "--teacher.root", "store", "--transfer.views.count", "1"],
            ("store",),
        ),
        Scenario("export", ["export", "run", "--formats", "onnx,onnx-int8"], ("run",)),
        Scenario("enroll", [*enroll, "--strangers", "people"], given=lambda place: _faces(place, range(3))),
        Scenario("enroll-more", enroll, ("enroll",), lambda place: _faces(place, range(2, 6))),
        Scenario("sweep", ["sweep", "tiny.yaml", "--out", "sweep", "--student.width", "0.05,0.1", "--jobs", "1"]),
    ]


class Stage:
    """A folder in which all scenarios were run once, undisturbed, and in which trials are made.

    Args:
        place: the folder; best in memory.
        names: of the scenarios that are wanted.
        twice: whether each is run again, for its time once all is loaded, and to see that two are the same.
    """

    def __init__(self, place: Path, names: tuple[str, ...], twice: bool = True) -> None:
        self.place, self.twice = emptied(place), twice
        self.all = {one.name: one for one in scenarios()}
        server.load(place / "memory")
        wanted = list(names)
        for name in wanted:
            wanted += [other for other in self.all[name].after if other not in wanted]
        ordered = [one for one in self.all.values() if one.name in wanted]
        for number, scenario in enumerate(ordered):
            self._undisturbed(scenario)
            if number == 0 and twice:
                self._undisturbed(scenario)  # the first one loaded what was left to load
        self.chosen = [self.all[name] for name in names]

    def begin(self, scenario: Scenario, place: Path) -> Path:
        """The directory as a scenario finds it."""
        emptied(place)
        for name in scenario.after:
            shutil.copytree(self.reference(name), place, dirs_exist_ok=True)
        for name, content in (("tiny", TINY), ("taught", TAUGHT)):
            (place / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
        if scenario.given is not None:
            scenario.given(place)
        return place

    def reference(self, name: str) -> Path:
        """What a scenario left, undisturbed; to be copied."""
        return self.place / "reference" / name

    def trial(self) -> Path:
        """Where a trial is made."""
        return self.place / "trial"

    def _undisturbed(self, scenario: Scenario) -> None:
        place = self.begin(scenario, self.reference(scenario.name))
        loaded = self.place / "loaded.json"
        ended = run(scenario.arguments, place, before=lambda: _tell_at_end(loaded, place))
        if ended.status != 0:
            raise SystemExit(f"{scenario.name}: fails undisturbed, with status {ended.status}:\n{ended.said}")
        told = json.loads(loaded.read_text(encoding="utf-8"))
        server.warm(set(told["modules"]))
        shutil.rmtree(place / "tmp", ignore_errors=True)
        scenario.counts, scenario.seconds = told["counts"], ended.seconds
        scenario.tree = tree_of(place)
        if not self.twice:
            return
        again = self.begin(scenario, self.place / "again")
        scenario.seconds = run(scenario.arguments, again).seconds
        if wrong := differences(scenario.tree, tree_of(again)):
            raise SystemExit(f"{scenario.name}: two undisturbed runs differ: {'; '.join(wrong[:5])}")
        shutil.rmtree(again)


def _faces(place: Path, people: range) -> None:
    """A model of embeddings, and two pictures of each person."""
    shutil.rmtree(place / "people", ignore_errors=True)  # of the scenario before
    projection_graph(place / "faces.onnx", "embedding")
    for person in people:
        (place / "people" / f"Person {person}").mkdir(parents=True)
        for number in range(2):
            pixels = np.random.default_rng((person, number)).integers(0, 256, (56, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / "people" / f"Person {person}" / f"{number}.png")


def run(arguments: list[str], place: Path, before: Callable[[], None] | None = None, **how: Any) -> Ended:
    """One attempt, and nothing of it left running."""
    ended, pid = attempt(arguments, place, before, **how)
    clear(pid)
    return ended


def _tell_at_end(file: Path, place: Path) -> None:
    """What this process has loaded, and its file operations, written when it ends."""
    seen = Operations(place, lambda kind, number, path: None)
    seen.install()
    ending = os._exit

    def told(status: int) -> None:
        seen.inside = True
        content = {"modules": [name for name in sys.modules if name.isascii()], "counts": dict(seen.counts)}
        file.write_text(json.dumps(content), encoding="utf-8")
        ending(status)

    os._exit = told
