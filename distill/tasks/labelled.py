"""What tasks on the data's own labels share: one output for each of its classes.

Shapes: N pictures, C classes.
"""

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from torch import nn

from distill.data.prepared.pictures import Pictures
from distill.data.sources.source import Split
from distill.errors import DistillError
from distill.predictors.torch_predictor import Activation
from distill.preprocess.preprocess import Preprocess
from distill.report.page import Examples
from distill.store.teacher import Stored
from distill.tasks.sets import Sets
from distill.tasks.task import AnyTeacher, Task
from distill.tasks.verdict import Judged, Verdict
from teachers.class_map import load_classifier
from teachers.mobilefacenet_teacher import Mobilefacenet
from teachers.onnx_teacher import Onnx
from teachers.teacher import Teacher, TeacherConfig
from teachers.timm_teacher import Timm

console = Console(stderr=True, markup=False, emoji=False)
EXAMPLES = 12

_GIVES: dict[Activation, str] = {
    "sigmoid": "one probability for each class by itself",
    "softmax": "probabilities of classes that exclude each other",
    "unit": "embeddings",
}


class LabelledTask(Task):
    """Networks of one output for each of the data's classes."""

    needed: tuple[tuple[Split, str], ...]
    """Splits that must hold pictures, and what for."""

    @property
    def classes(self) -> tuple[str, ...]:
        return self.sets.classes

    @property
    def scored(self) -> tuple[Pictures, ...]:
        return self.sets.validation, self.sets.test

    @property
    @abstractmethod
    def test(self) -> Pictures:
        """The pictures models are scored on."""

    def check_sets(self, sets: Sets) -> None:
        name = self.recipe.data.name
        for split, use in self.needed:
            if sets.classes and not len(sets.prepared.indices(split)):
                raise DistillError(f"data: {name} has no {split} pictures to {use}.")
        if not sets.classes:
            raise DistillError(
                f"data.name is {name}: pictures without labels, on which nothing can be scored. Give a labelled set as "
                "data, and these as unlabelled: they are transferred on, and the labelled ones need no training part."
            )
        self.check_best(sets)
        for stage in self.recipe.stages:
            pictures, section = sets.of_stage(stage)
            if stage != "transfer" and not (pictures.labels >= 0).any():
                raise DistillError(
                    f"stages: `{stage}` needs labels of the data's classes, and no picture of {section} to train on "
                    f"has one. Leave it out, or give a labelled set as {section}."
                )
            if stage != "transfer" and (others := pictures.of_no_class):
                console.print(f"{stage}: {others} pictures are of classes that the data does not have, and not used.")

    def load_teacher(self) -> AnyTeacher:
        teacher = self.recipe.teacher
        return teacher.load(len(self.classes)) if isinstance(teacher, Stored) else self._ask(teacher)

    def new_teacher(self) -> tuple[nn.Module, Preprocess]:
        config, stage = self._trainable(), self.recipe.teach
        network = config.network(
            len(self.classes), new_head=True, drop_rate=stage.drop_rate, drop_path_rate=stage.drop_path_rate
        )
        return network, config.preprocess(network)  # type: ignore[arg-type]  # each takes what it gave

    def taught_teacher(self, weights: Path) -> Teacher:
        return self._ask(replace(self._trainable(), weights=weights, classes=self.classes))

    def _ask(self, config: TeacherConfig) -> Teacher:
        if isinstance(config, Timm | Onnx):
            return load_classifier(config, self.classes)
        teacher: Teacher = config.load(len(self.classes))
        return teacher

    def _trainable(self) -> Timm | Mobilefacenet:
        assert isinstance(self.recipe.teacher, Timm | Mobilefacenet)  # the others are refused by Recipe
        return self.recipe.teacher

    def outputs(self, teacher: AnyTeacher | None) -> int:
        return len(self.classes)

    def check_predictor(self, predictor: Judged) -> None:
        """Refuse a model of other classes than the data's, or of another kind of output than this task's.

        Raises:
            DistillError: it is one.
        """
        if predictor.activation != self.activation:
            raise DistillError(
                f"{predictor.name}: gives {_GIVES[predictor.activation]}, and this recipe scores "
                f"{_GIVES[self.activation]}. Score it by a recipe of its own task."
            )
        if predictor.classes is not None and predictor.classes != self.classes:
            differing = sorted(set(predictor.classes) ^ set(self.classes)) or ["their order"]
            raise DistillError(
                f"{predictor.name}: its classes are not the data's; they differ in {', '.join(differing)}. Score it on "
                "data of its classes (data.attributes chooses some and their order)."
            )

    def examples(self, learnt: Verdict) -> Examples:
        """Some test pictures with what the student sees in them."""
        test = self.test
        shown = np.linspace(0, len(test) - 1, min(EXAMPLES, len(test))).astype(np.int64)
        return Examples(test.gather(shown), self.classes, learnt.answers[shown], test.labels[shown])
