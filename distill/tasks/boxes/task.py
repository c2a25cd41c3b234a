"""Objects and where they are: boxes with scores, taught by any detector's boxes and scores alone."""

from pathlib import Path

from torch import nn

from distill import answers
from distill.answers.detections import Detections
from distill.answers.kind import Kind
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.modules.box_distiller import BoxDistiller
from distill.modules.box_learner import BoxLearner
from distill.modules.distiller import Distiller
from distill.modules.training import TrainingModule
from distill.objectives.boxes import BoxImitation
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Recipe, StageName
from distill.recipe.stages import Stage
from distill.tasks.boxes.anchors import check_anchors
from distill.tasks.boxes.asking import certain_boxes, with_teacher_boxes
from distill.tasks.boxes.checks import check_answers, check_inside, check_objective, check_recipe
from distill.tasks.boxes.judging import BoxJudging
from distill.tasks.boxes.pictures import BoxPictures, to_find
from distill.tasks.checks import check_frozen
from distill.tasks.task import Task
from distill.tasks.teaching import Teaching
from teachers.teacher import Teacher


class BoxTeaching(Teaching[BoxPictures]):
    """By the boxes that the data or the teacher has."""

    _taught: Pictures | None = None

    def answers(self, teacher: Teacher | None) -> answers.Boxes:
        return answers.Boxes(self.pictures.classes)

    @property
    def kind(self) -> Detections:
        return Detections(self.pictures.classes)

    @property
    def trained(self) -> Kind:
        return self.answers(None)

    def check(self) -> None:
        if "transfer" in self.recipe.stages:
            check_objective(self.recipe.objective)

    def check_teacher(self, teacher: Teacher) -> None:
        check_frozen(teacher)
        check_answers(teacher, self.kind)
        if "transfer" in self.recipe.stages:
            check_inside(self.recipe.objective, teacher)

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        check_anchors(network, to_find(self.pictures.sets.labelled), "the data")
        return BoxLearner(network, preprocess, stage.optimization, seed)

    def distiller(self, network: nn.Module, teacher: Teacher, stage: Stage, seed: int) -> Distiller:
        objective = self.recipe.objective
        if isinstance(objective, BoxImitation) and self._taught is not None:
            check_anchors(network, certain_boxes(self._taught, objective.certain_from), "the teacher")
        if not isinstance(objective, BoxImitation) or objective.needs_views is None:
            return super().distiller(network, teacher, stage, seed)
        return BoxDistiller(
            network,
            teacher.inside,
            objective,
            preprocess=self.recipe.student.preprocess,
            optimization=stage.optimization,
            seed=seed,
            teacher_precision=self.recipe.transfer.teacher_precision,
        )

    def training_pictures(self, name: StageName, teacher: Teacher | None) -> Pictures:
        pictures = super().training_pictures(name, teacher)
        if name != "transfer" or teacher is None:
            return pictures
        if self._taught is None:  # students of several seeds learn from the same answers
            self._taught = with_teacher_boxes(pictures, teacher, self.kind, self.recipe.evaluate.batch_size)
        return self._taught


class ObjectDetection(Task):
    """Scored by COCO's average precision on the data's test split."""

    kind = answers.Boxes
    check_recipe = staticmethod(check_recipe)

    @classmethod
    def teacher_kind(cls) -> type[Kind]:
        return Detections

    @staticmethod
    def teacher_of(runtime: str) -> str:
        if runtime != "onnx":
            raise DistillError(f"teacher: a file of {runtime}, and the task is boxes. Give a detector as an ONNX file.")
        return "onnx_detector"

    def open(self, recipe: Recipe, directory: Path) -> None:
        pictures = BoxPictures(recipe, directory)
        self.pictures, self.teaching = pictures, BoxTeaching(recipe, pictures)
        self.judging = BoxJudging(recipe, pictures)
