"""What a run asks of its task.

Shapes: N pictures, C outputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.modules.metrics import Metric
from distill.modules.training import TrainingModule
from distill.predictors.predictor import Predictor
from distill.predictors.torch_predictor import Activation, TorchPredictor
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Recipe, StageName
from distill.recipe.stages import Stage
from distill.report.page import Examples
from distill.store.teacher import StoredPredictor, StoredTeacher
from distill.tasks.classes.report import ClassPictures
from distill.tasks.embeddings.report import Pairs
from distill.tasks.sets import Sets, open_sets
from distill.tasks.verdict import Judged, Verdict, show
from teachers.teacher import Teacher

AGREEMENT_PICTURES = 2000
"""Transfer pictures that agreement is measured on; more would not move the means."""

AnyTeacher = Teacher | StoredTeacher


@dataclass(frozen=True)
class Details:
    """What a task has to say of the models beside their scores.

    Attributes:
        results: entries of results.json.
        examples: pictures for the report, with what the student sees in them.
        pairs: pairs of pictures that the models are most wrong about.
        classes: pictures of what is confused, mistaken and doubted.
    """

    results: dict[str, Any] = field(default_factory=dict)
    examples: Examples | None = None
    pairs: Pairs | None = None
    classes: ClassPictures | None = None


class Task(ABC):
    """One kind of output: how a teacher of it is had, what a student of it is trained on, and how both are scored.

    Args:
        directory: where pictures are prepared.
    """

    activation: ClassVar[Activation]
    """From a network's outputs to what is scored and exported."""

    def __init__(self, recipe: Recipe, directory: Path) -> None:
        self.recipe, self.directory = recipe, directory

    @cached_property
    def sets(self) -> Sets:
        """The pictures, prepared when they are first asked for.

        Raises:
            DistillError: a source is unusable, or says too little for this task.
        """
        sets = open_sets(self.recipe, self.directory)
        self.check_sets(sets)
        return sets

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...] | None:
        """The names of the outputs; None where they have none."""

    @property
    @abstractmethod
    def scored(self) -> tuple[Pictures, ...]:
        """All that models are scored on, beside the transfer pictures."""

    @abstractmethod
    def check_sets(self, sets: Sets) -> None:
        """Refuse pictures that this cannot be learnt from or scored on."""

    def check_best(self, sets: Sets) -> None:
        """Refuse a stage whose best pass no validation pictures could tell."""
        stages = [name for name in self.recipe.stages if name != "probe" and self.recipe.stage(name).keep == "best"]
        if stages and not len(sets.prepared.indices("validation")):
            raise DistillError(
                f"{stages[0]}.keep is best, and {self.recipe.data.name} has no validation pictures to tell the "
                "best pass by. Set it to last, or share some out (data.validation)."
            )

    @abstractmethod
    def check(self) -> None:
        """Refuse, before anything is trained, an objective that cannot teach, and what could not be scored."""

    @abstractmethod
    def check_teacher(self, teacher: AnyTeacher) -> None:
        """Refuse a teacher that would change while it teaches, or answers something else."""

    @abstractmethod
    def load_teacher(self) -> AnyTeacher:
        """The recipe's teacher, ready to be asked."""

    @abstractmethod
    def new_teacher(self) -> tuple[nn.Module, Preprocess]:
        """The recipe's teacher before it is taught: the bare network and its input contract."""

    @abstractmethod
    def taught_teacher(self, weights: Path) -> Teacher:
        """The same after it was taught, from the file of its weights."""

    @abstractmethod
    def outputs(self, teacher: AnyTeacher | None) -> int:
        """C of the student."""

    def training_pictures(self, name: StageName, teacher: AnyTeacher | None) -> Pictures:
        """What a stage trains on.

        Args:
            teacher: None where no stage asks one.
        """
        return self.sets.of_stage(name)[0]

    @abstractmethod
    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        """What trains a network on what the data says of its pictures, without a teacher."""

    @abstractmethod
    def metric(self, teacher: AnyTeacher | None) -> Metric | None:
        """What training watches on the validation pictures; None where nothing can be measured."""

    def truths(self, teacher: AnyTeacher | None) -> dict[str, np.ndarray]:
        """What the metric needs of the validation pictures beside their targets: columns (N, ...) by name."""
        return {}

    @abstractmethod
    def judge(self, predictor: Judged) -> Verdict:
        """Score a model on the test pictures."""

    @abstractmethod
    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        """The part of results.json under a stage: a model's score on the validation pictures."""

    @abstractmethod
    def compare(self, first: Verdict, second: Verdict) -> dict[str, Any]:
        """The paired difference of the first metric, by its name, and the `interval` of it."""

    @abstractmethod
    def agreement(
        self, student: Judged, learnt: Verdict, teacher: AnyTeacher, taught: Verdict
    ) -> dict[str, dict[str, Any]]:
        """How closely a student repeats its teacher, on what was transferred and on what was held out: a gap between
        the two is a lack of pictures, not capacity."""

    @abstractmethod
    def details(self, verdicts: Mapping[str, Verdict], teacher: AnyTeacher | None) -> Details:
        """What is said of `student` and, where there is one, `teacher` beside their scores."""

    def offenders(self, file: Verdict, student: Verdict) -> list[str]:
        """What an exported file answers most differently to than the student it was made of, worst first: classes, by
        the mean change of their probability."""
        changes = np.abs(file.answers - student.answers).mean(axis=0)
        order = np.argsort(-changes, kind="stable")
        return [f"{(self.classes or ())[c]} {changes[c]:.3f} of probability" for c in order if changes[c] > 0]

    def predictor(self, network: nn.Module, preprocess: Preprocess, name: str) -> TorchPredictor:
        """A network that eats normalised pixels, as a predictor."""
        return TorchPredictor(network, preprocess, self.activation, normalize=True, name=name)

    def teacher_predictor(self, teacher: AnyTeacher) -> Judged:
        """A teacher as a predictor."""
        if isinstance(teacher, StoredTeacher):
            return StoredPredictor(teacher, self.activation)
        if torch.cuda.is_available():
            teacher.to(torch.device("cuda"))
        return TorchPredictor(
            teacher, teacher.preprocess, self.activation, normalize=False, name=teacher.name, classes=teacher.classes
        )

    def answers(self, predictor: Judged, pictures: Pictures, of: str) -> np.ndarray:
        """Float32 answers (N, C) to whole pictures."""
        return show(predictor, pictures, of, self.recipe.evaluate.batch_size)

    def transfer_sample(self) -> Pictures:
        """Some of the transfer pictures, to measure agreement on."""
        transfer = self.sets.transfer
        return transfer.every(max(1, -(-len(transfer) // AGREEMENT_PICTURES)))

    def describe(self) -> dict[str, Any]:
        """The `data` entry of results.json."""
        return self.sets.describe(self.recipe.data.name)
