"""A toy task that is known to the registries alone: how many discs does a picture show?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from distill import ANSWERS, OBJECTIVES, SOURCES, TASKS
from distill.answers.kind import Arrays, Kind
from distill.data.sources.source import Drawing, Sample, Split
from distill.data.targets import Column
from distill.modules.training import TrainingModule
from distill.objectives import Answers, Objective, Targets
from distill.predictors.predictor import Predictor
from distill.preprocess import Preprocess
from distill.recipe import Recipe
from distill.recipe.stages import Stage
from distill.report.section import Section
from distill.tasks.judging import Details, Judging
from distill.tasks.pictures import TaskPictures
from distill.tasks.task import Task
from distill.tasks.teaching import Teaching
from distill.tasks.verdict import Verdict
from teachers.teacher import Teacher


@dataclass(frozen=True)
class Discs:
    """Grey pictures with none to four bright discs, by their number."""

    name: Literal["discs"] = "discs"
    pictures: int = 100

    def classes(self) -> tuple[str, ...]:
        return ()

    def columns(self) -> tuple[Column, ...]:
        return (Column("count", "float32"),)

    def samples(self, height: int, width: int) -> Iterable[Sample]:
        splits: tuple[Split, ...] = ("train", "train", "train", "validation", "test")
        for i in range(self.pictures):
            yield Sample(f"{i}", Drawing(self, i), split=splits[i // 5 % 5], targets={"count": float(i % 5)})

    def draw(self, indices: np.ndarray, height: int, width: int) -> np.ndarray:
        pictures = np.full((len(indices), height, width, 3), 40, np.uint8)
        y, x = np.mgrid[:height, :width]
        for picture, number in zip(pictures, indices.tolist(), strict=True):
            for place in np.random.default_rng(number).permutation(9)[: number % 5].tolist():
                picture[np.hypot(y / height - 0.2 - place // 3 * 0.3, x / width - 0.2 - place % 3 * 0.3) < 0.12] = 230
        return pictures


class Count(Kind):
    """float32 (N, 1), how many."""

    name: ClassVar[str] = "count"
    raw = tensors = ("count",)
    words: ClassVar[str] = "how many discs there are"
    shapes = {"count": (1,)}  # type: ignore[assignment]  # noqa: RUF012

    def head(self) -> "CountHead":
        return CountHead()


class CountHead:
    """A linear layer and a softplus: no count is negative."""

    takes: Literal["pooled"] = "pooled"

    def build(self, channels: int) -> nn.Module:
        return nn.Sequential(nn.Linear(channels, 1), nn.Softplus())


@dataclass(frozen=True)
class SquaredCount(Objective):
    """The squared difference of two counts (N, 1)."""

    name: Literal["squared_count"] = "squared_count"
    compares = "count"

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        ours, theirs = student["count"], teacher["count"]
        assert isinstance(ours, Tensor) and isinstance(theirs, Tensor)
        return {"loss": (ours - theirs).float().square().sum(dim=1)}


class Learner(TrainingModule):
    output = "count"

    def losses(self, outputs: dict[str, Tensor], views: Any, targets: Targets) -> dict[str, Tensor]:
        return SquaredCount()(outputs, {"count": targets["count"].unsqueeze(1)}, {})


@dataclass(frozen=True)
class CountVerdict(Verdict):
    answers: dict[str, np.ndarray]
    closeness: float
    metric: ClassVar[str] = "closeness"

    @property
    def score(self) -> float:
        return self.closeness

    def to_dict(self) -> dict[str, Any]:
        counts = {"pictures": len(self.answers["count"])}
        return {"metrics": {"closeness": self.score}, "intervals": {}, "counts": counts, "split": "test"}


class CountTeaching(Teaching[TaskPictures]):
    def answers(self, teacher: Teacher | None) -> Count:
        return Count()

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> Learner:
        return Learner(network, preprocess, stage.optimization, seed)


class CountJudging(Judging[TaskPictures, CountVerdict]):
    def judge(self, predictor: Predictor) -> CountVerdict:
        test = self.pictures.sets.test
        answers = self.answers(predictor, test, "test")
        return CountVerdict(answers, -float(np.abs(answers["count"][:, 0] - test.targets["count"]).mean()))

    def agree(self, student: Arrays, teacher: Arrays, verdicts: Any) -> dict[str, Any]:
        return {"error": float(np.abs(student["count"] - teacher["count"]).mean()), "pictures": len(student["count"])}

    def details(self, verdicts: Mapping[str, CountVerdict], teacher: Teacher | None) -> Details:
        off = -verdicts["student"].score
        return Details({"off_by": off}, [Section("Discs", Path(__file__).with_name("counting.html"), {"off": off})])


class Counting(Task):
    kind = Count

    def open(self, recipe: Recipe, directory: Path) -> None:
        pictures = TaskPictures(recipe, directory)
        self.pictures, self.teaching = pictures, CountTeaching(recipe, pictures)
        self.judging = CountJudging(recipe, pictures)


def register() -> None:
    """All that brings the task in."""
    SOURCES.add("discs", Discs)
    ANSWERS.add("count", Count)
    OBJECTIVES.add("squared_count", SquaredCount)
    TASKS.add("counting", Counting)
