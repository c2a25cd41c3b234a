"""A second toy: where discs are and how sure that is. Ragged targets that lie in the picture, answers of two tensors.

A picture has 3 x 3 cells, and an answer a place (in shares of the picture) and a score for each of the nine.

Shapes: N pictures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from distill import ANSWERS, OBJECTIVES, SOURCES, TASKS, TEACHERS
from distill.answers.kind import Arrays, Kind, Tensors
from distill.data.sources.source import Drawing, Sample, Split
from distill.data.targets import Column, Ragged
from distill.data.views.targets import RaggedTensor
from distill.modules.training import TrainingModule
from distill.objectives import Answers, Objective, Targets
from distill.predictors.predictor import Predictor
from distill.preprocess import Preprocess
from distill.recipe import Recipe
from distill.recipe.stages import Stage
from distill.tasks.judging import Judging
from distill.tasks.pictures import TaskPictures
from distill.tasks.task import Task
from distill.tasks.teaching import Teaching
from distill.tasks.verdict import Verdict
from teachers.teacher import Teacher, TeacherConfig

CELLS = torch.tensor([(column, row) for row in range(3) for column in range(3)], dtype=torch.float32)
NEAR = 0.12  # of the picture's side, within which a disc is found


def spots_of(number: int) -> np.ndarray:
    """float64 (K, 2), the centres x, y of a picture's one to four discs as shares of it, each in a cell of its own."""
    generator = np.random.default_rng(number)
    cells = generator.permutation(9)[: 1 + number % 4]
    return (np.stack([cells % 3, cells // 3], axis=1) + generator.uniform(0.35, 0.65, (len(cells), 2))) / 3


@dataclass(frozen=True)
class Spots:
    """Dark pictures with bright discs, and where these are."""

    name: Literal["spots"] = "spots"
    pictures: int = 100

    def classes(self) -> tuple[str, ...]:
        return ()

    def columns(self) -> tuple[Column, ...]:
        return (Column("spots", "float32", (2,), ragged=True, place="points"),)

    def samples(self, height: int, width: int) -> Iterable[Sample]:
        splits: tuple[Split, ...] = ("train", "train", "train", "validation", "test")
        for number in range(self.pictures):
            places = {"spots": spots_of(number) * (width, height)}  # in pixels
            yield Sample(f"{number}", Drawing(self, number), split=splits[number % 5], targets=places)

    def draw(self, indices: np.ndarray, height: int, width: int) -> np.ndarray:
        pictures = np.full((len(indices), height, width, 3), 20, np.uint8)
        y, x = (np.mgrid[:height, :width] + 0.5) / np.array([height, width])[:, None, None]
        for picture, number in zip(pictures, indices.tolist(), strict=True):
            for left, top in spots_of(number):
                picture[np.hypot(x - left, y - top) < 0.08] = 240
        return pictures


class Spotted(Kind):
    """Places float32 (N, 9, 2), and scores (N, 9) from 0 to 1."""

    name: ClassVar[str] = "spotted"
    raw = tensors = ("places", "scores")
    words: ClassVar[str] = "where discs are, and how sure that is"
    shapes = {"places": (9, 2), "scores": (9,)}  # type: ignore[assignment]  # noqa: RUF012

    def head(self) -> "CellHead":
        return CellHead()

    def activate(self, outputs: Tensors) -> dict[str, Tensor]:
        return {"places": outputs["places"], "scores": outputs["scores"].sigmoid()}


class CellHead(nn.Module):
    """A 1 x 1 convolution on the maps of a picture of 96 pixels, which are of 3 x 3 places."""

    takes: Literal["maps"] = "maps"

    def build(self, channels: int) -> "CellHead":
        self.layer = nn.Conv2d(channels, 3, 1)
        self.register_buffer("cells", CELLS, persistent=False)
        return self

    def forward(self, maps: Tensor) -> dict[str, Tensor]:
        cells = self.layer(maps).flatten(2).transpose(1, 2)
        return {"places": (self.cells + cells[..., :2].sigmoid()) / 3, "scores": cells[..., 2]}


@dataclass(frozen=True)
class CellTeacher(TeacherConfig):
    """A teacher of somebody's own: no training, it looks for what is bright in each cell."""

    name: Literal["bright_cells"] = "bright_cells"
    ready_made: ClassVar[bool] = True

    def teacher(self, kind: Kind) -> Teacher:
        return BrightCells()


class BrightCells(Teacher):
    def __init__(self) -> None:
        super().__init__("bright cells", Preprocess.imagenet(48, 48), Spotted().shapes, None)
        self.eval()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        light = (pictures.mean(dim=1) / 255 - 0.2).clamp(min=0).unflatten(1, (3, 16)).unflatten(3, (3, 16))
        light = light.permute(0, 1, 3, 2, 4).flatten(1, 2) + 1e-6  # (N, 9, 16, 16)
        along = (torch.arange(16) + 0.5) / 16
        x, y = ((light.sum(dim) * along).sum(2) / light.sum((2, 3)) for dim in (2, 3))
        return {"places": (CELLS + torch.stack([x, y], -1)) / 3, "scores": 60 * light.mean((2, 3)) - 3}

    def fingerprint(self) -> str:
        return "bright cells"


@dataclass(frozen=True)
class SquaredCells(Objective):
    """The squared differences of scores, and of places where the teacher is sure."""

    name: Literal["squared_cells"] = "squared_cells"
    compares = "scores"

    def __call__(self, student: Answers, teacher: Answers, targets: Targets) -> dict[str, Tensor]:
        ours, theirs = ({key: values.float() for key, values in one.items()} for one in (student, teacher))  # type: ignore[union-attr]
        apart = (ours["places"] - theirs["places"]).square().sum(2) * theirs["scores"].sigmoid()
        return {"loss": (ours["scores"].sigmoid() - theirs["scores"].sigmoid()).square().sum(1) + 10 * apart.sum(1)}


def cells_of(spots: RaggedTensor) -> dict[str, Tensor]:
    """What the answers to views with these spots should be; spots outside of a view are in no cell."""
    places, scores = (CELLS / 3 + 1 / 6).repeat(len(spots), 1, 1), torch.full((len(spots), 9), -9.0)
    inside = ((spots.rows >= 0) & (spots.rows < 1)).all(1)
    cell = (spots.rows[inside] * 3).long() @ torch.tensor([1, 3])
    places[spots.pictures[inside], cell], scores[spots.pictures[inside], cell] = spots.rows[inside], 9.0
    return {"places": places, "scores": scores}


class Learner(TrainingModule):
    def losses(self, outputs: dict[str, Tensor], views: Any, targets: Targets) -> dict[str, Tensor]:
        return SquaredCells()(outputs, cells_of(targets["spots"]), {})


def found(answers: Arrays, spots: Any) -> float:
    """The share of the discs that the surest cells, as many as there are discs, lie near."""
    hits = []
    for picture in range(len(answers["scores"])):
        known = spots[picture]
        surest = np.argsort(-answers["scores"][picture])[: len(known)]
        far = np.linalg.norm(answers["places"][picture][surest][None] - known[:, None], axis=2)
        hits += (far.min(axis=1) < NEAR).tolist()
    return float(np.mean(hits))


class Found:
    name = "found"

    def __call__(self, outputs: Arrays, truths: Mapping[str, Any]) -> float:
        return found(outputs, truths["spots"])


@dataclass(frozen=True)
class SpotVerdict(Verdict):
    answers: dict[str, np.ndarray]
    share: float
    metric: ClassVar[str] = "found"

    @property
    def score(self) -> float:
        return self.share

    @property
    def headline(self) -> str:
        return f"{100 * self.share:.0f} % of the discs found"

    def to_dict(self) -> dict[str, Any]:
        counts = {"pictures": len(self.answers["scores"])}
        return {"metrics": {"found": self.share}, "intervals": {}, "counts": counts, "split": "test"}


class SpotTeaching(Teaching[TaskPictures]):
    def answers(self, teacher: Teacher | None) -> Spotted:
        return Spotted()

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> Learner:
        return Learner(network, preprocess, stage.optimization, seed, Found())

    def metric(self, teacher: Teacher | None) -> Found:
        return Found()


class SpotJudging(Judging[TaskPictures, SpotVerdict]):
    def judge(self, predictor: Predictor) -> SpotVerdict:
        test = self.pictures.sets.test
        answers, spots = self.answers(predictor, test, "test"), test.targets["spots"]
        assert isinstance(spots, Ragged)
        return SpotVerdict(answers, found(answers, spots))

    def agree(self, student: Arrays, teacher: Arrays, verdicts: Any) -> dict[str, Any]:
        apart = np.abs(student["scores"] - teacher["scores"])
        return {"scores": float(apart.mean()), "pictures": len(apart)}


class Spotting(Task):
    kind = Spotted

    def open(self, recipe: Recipe, directory: Path) -> None:
        pictures = TaskPictures(recipe, directory)
        self.pictures, self.teaching = pictures, SpotTeaching(recipe, pictures)
        self.judging = SpotJudging(recipe, pictures)


def register() -> None:
    """All that brings the task in."""
    SOURCES.add("spots", Spots)
    ANSWERS.add("spotted", Spotted)
    TEACHERS.add("bright_cells", CellTeacher)
    OBJECTIVES.add("squared_cells", SquaredCells)
    TASKS.add("spotting", Spotting)
