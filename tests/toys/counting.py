"""A toy task, known to nothing but the registries: how many discs does a picture show?

A number a picture, of a kind of its own; a student head that gives no negative number; an objective, a source, a metric.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from torch import Tensor, nn

from distill import DistillError
from distill.answers.kind import Arrays, Kind, Tensors
from distill.data.prepared.pictures import Pictures
from distill.data.sources.source import Drawing, Sample, Split
from distill.data.targets import Column
from distill.modules.metrics import fixed
from distill.modules.training import TrainingModule
from distill.objectives import Answers, Objective, Targets
from distill.tasks.pictures import TaskPictures
from distill.tasks.sets import Sets
from distill.tasks.verdict import Verdict

TEMPLATE = Path(__file__).with_name("counting.html")


@dataclass(frozen=True)
class Discs:
    """Grey pictures with zero to four bright discs, each picture's own by its number."""

    name: Literal["discs"] = "discs"
    pictures: int = 60

    def classes(self) -> tuple[str, ...]:
        return ()

    def columns(self) -> tuple[Column, ...]:
        return (Column("count", "float32"),)

    def samples(self, height: int, width: int) -> Iterable[Sample]:
        splits: tuple[Split, ...] = ("train", "train", "train", "validation", "test")
        for number in range(self.pictures):
            known = {"count": float(number % 5)}
            yield Sample(f"{number}", Drawing(self, number), split=splits[number // 5 % 5], targets=known)

    def draw(self, indices: np.ndarray, height: int, width: int) -> np.ndarray:
        pictures = np.full((len(indices), height, width, 3), 40, np.uint8)
        y, x = np.mgrid[:height, :width]
        for picture, number in zip(pictures, indices.tolist(), strict=True):
            places = np.random.default_rng(number).permutation(9)[: number % 5]
            for place in places:
                far = np.hypot(y - height * (0.2 + 0.3 * (place // 3)), x - width * (0.2 + 0.3 * (place % 3)))
                picture[far < 0.12 * height] = 230
        return pictures


@dataclass(frozen=True)
class Count(Kind):
    """float32 (N, 1), how many."""

    name: ClassVar[str] = "count"
    raw = tensors = ("count",)
    words: ClassVar[str] = "how many discs there are"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"count": (1,)}

    def head(self) -> "CountHead":
        return CountHead()

    def activate(self, outputs: Tensors) -> dict[str, Tensor]:
        return {"count": outputs["count"]}

    def before_activation(self, answers: Arrays) -> np.ndarray:
        return answers["count"]

    def heading(self) -> list[str]:
        return ["discs"]

    def row(self, answers: Arrays) -> list[str]:
        return [f"{float(answers['count'][0]):.2f}"]


class CountHead:
    """A linear layer and a softplus on pooled features."""

    takes: Literal["pooled"] = "pooled"

    def build(self, channels: int) -> nn.Module:
        return nn.Sequential(nn.Linear(channels, 1), nn.Softplus())


@dataclass(frozen=True)
class SquaredCount(Objective):
    """The squared difference of two counts, or of a count and the truth."""

    name: Literal["squared_count"] = "squared_count"
    compares = "count"

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        ours, theirs = student["count"], teacher["count"]
        assert isinstance(ours, Tensor) and isinstance(theirs, Tensor)
        return {"loss": (ours - theirs).float().square().sum(dim=1)}


class Closeness:
    """Minus the mean error, as a metric that is larger for better."""

    name = "closeness"

    def __call__(self, outputs: Arrays, truths: Mapping[str, Any]) -> float:
        return -float(np.abs(outputs["count"][:, 0] - fixed(truths, "count")).mean())


class Learner(TrainingModule):
    output = "count"

    def losses(self, outputs: dict[str, Tensor], views: Any, targets: Targets) -> dict[str, Tensor]:
        return SquaredCount()(outputs, {"count": targets["count"].unsqueeze(1)}, {})


@dataclass(frozen=True)
class CountVerdict(Verdict):
    answers: dict[str, np.ndarray]
    truths: np.ndarray
    metric: ClassVar[str] = "closeness"

    @property
    def score(self) -> float:
        return -float(np.abs(self.answers["count"][:, 0] - self.truths).mean())

    @property
    def headline(self) -> str:
        return f"off by {-self.score:.2f} discs"

    def to_dict(self) -> dict[str, Any]:
        metrics, counts = {"closeness": self.score}, {"pictures": len(self.truths)}
        return {"metrics": metrics, "intervals": {}, "counts": counts, "split": "test"}

    def compare(self, other: Self) -> dict[str, Any]:
        return {"closeness": self.score - other.score, "interval": None}

    def offenders(self, student: Self) -> list[str]:
        return ["discs"]

    def summary(self) -> list[str]:
        return [self.headline]


class CountPictures(TaskPictures):
    @property
    def scored(self) -> tuple[Pictures, ...]:
        return self.sets.validation, self.sets.test

    def check_sets(self, sets: Sets) -> None:
        if "count" not in sets.labelled.targets:
            raise DistillError(f"data.name is {self.recipe.data.name}: it does not count discs.")
