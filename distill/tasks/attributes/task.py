"""Attributes, or classes that do not exclude each other: one probability for each of the data's labels.

Shapes: N pictures, C attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
from torch import nn

from distill.data.prepared.pictures import Pictures
from distill.evaluation.agreement import agreement
from distill.evaluation.attributes import AttributeScores, compare, evaluate_attributes
from distill.evaluation.average_precision import average_precision, mean_average_precision
from distill.evaluation.groups import group_scores
from distill.evaluation.thresholds import DEFAULT_THRESHOLD, Thresholds, choose_thresholds
from distill.modules import FineTuner
from distill.modules.metrics import MeanAveragePrecision, Metric
from distill.modules.training import TrainingModule
from distill.predictors.predictor import Predictor
from distill.preprocess.preprocess import Preprocess
from distill.recipe.stages import Stage
from distill.tasks.attributes.entries import AttributeEntries
from distill.tasks.contract import check_objective, check_teacher
from distill.tasks.labelled import LabelledTask, console
from distill.tasks.per_class import Quantity
from distill.tasks.task import AnyTeacher, Details
from distill.tasks.verdict import Judged, Verdict

PRECISION = Quantity(
    kind="attribute",
    plural="attributes",
    key="ap",
    score="average precision",
    shown_by="positives",
    lacking="a positive or a negative picture",
)
GROUPS = ("Male", "Young")
"""Attributes of faces that scores are divided by, where they are labelled."""


@dataclass(frozen=True)
class AttributeVerdict:
    """What a model answered to the test pictures, and how that scores.

    Attributes:
        answers: float32 probabilities (N, C).
        thresholds: float64 (C,), chosen on validation or brought by the model.
        unchosen: attributes of which validation lacks a positive or a negative picture, so that theirs is 0.5.
        on_validation: mAP on the validation pictures.
    """

    answers: np.ndarray
    thresholds: np.ndarray
    unchosen: tuple[str, ...]
    on_validation: float
    scores: AttributeScores
    metric: ClassVar[str] = "mAP"

    @property
    def score(self) -> float:
        return self.scores.mean_average_precision

    @property
    def headline(self) -> str:
        return f"mAP {self.on_validation:.4f} on validation"

    @property
    def by_chance(self) -> float:
        positives, negatives = self.scores.positives, self.scores.negatives
        measured = (positives > 0) & (negatives > 0)
        return float((positives / (positives + negatives))[measured].mean())

    def manifest(self) -> dict[str, Any]:
        return {"thresholds": tuple(self.thresholds.tolist())}

    def to_dict(self) -> dict[str, Any]:
        unchosen = {"thresholds_unchosen": list(self.unchosen)} if self.unchosen else {}
        return self.scores.to_dict() | {"split": "test"} | unchosen


class Attributes(LabelledTask):
    """Scored by mean average precision on the data's test split."""

    activation = "sigmoid"
    quantity = PRECISION
    needed = (("validation", "choose thresholds on"), ("test", "report on"))

    @property
    def test(self) -> Pictures:
        return self.sets.test

    def check(self) -> None:
        if "transfer" in self.recipe.stages:
            check_objective(self.recipe.objective, bool((self.sets.transfer.labels >= 0).any()))

    def check_teacher(self, teacher: AnyTeacher) -> None:
        check_teacher(teacher, self.classes)

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        return FineTuner(network, preprocess, stage.optimization, self.classes, seed)

    def metric(self, teacher: AnyTeacher | None) -> Metric:
        return MeanAveragePrecision(self.classes)

    def judge(self, predictor: Judged) -> AttributeVerdict:
        """Score on test; thresholds the model does not bring are chosen on validation.

        Raises:
            DistillError: the model's outputs are not of this task or its classes not the data's, or it answers NaN.
        """
        self.check_predictor(predictor)
        classes = self.classes
        validation, test = self.sets.validation, self.sets.test
        seen = self.answers(predictor, validation, "validation")
        mean, _ = mean_average_precision(average_precision(seen, validation.labels, classes).values, classes)
        brought = predictor.thresholds
        chosen = Thresholds(np.asarray(brought), ()) if brought else choose_thresholds(seen, validation.labels, classes)
        if chosen.unmeasured:
            console.print(
                f"{predictor.name}: no threshold can be chosen for {', '.join(chosen.unmeasured)}: validation has no "
                f"picture that shows it, or none that does not. Theirs is {DEFAULT_THRESHOLD}.",
                soft_wrap=True,
            )
        answers = self.answers(predictor, test, "test")
        return AttributeVerdict(
            answers, chosen.values, chosen.unmeasured, mean, self._score(answers, test, chosen.values)
        )

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        pictures = self.sets.validation
        scores = self._score(self.answers(predictor, pictures, "validation"), pictures, None)
        kept = ("metrics", "intervals", "counts")
        return {key: value for key, value in scores.to_dict().items() if key in kept} | {"split": "validation"}

    def _score(self, answers: np.ndarray, pictures: Pictures, thresholds: np.ndarray | None) -> AttributeScores:
        seed, resamples = self.recipe.seed, self.recipe.evaluate.resamples
        return evaluate_attributes(
            answers, pictures.labels, self.classes, seed=seed, resamples=resamples, thresholds=thresholds
        )

    def compare(self, first: Verdict, second: Verdict) -> dict[str, Any]:
        return compare(_own(first).scores, _own(second).scores).to_dict()

    def offenders(self, file: Verdict, student: Verdict) -> list[str]:
        """Classes by what they lose in average precision, in points; where none loses any, by their probabilities."""
        losses = _own(student).scores.average_precision - _own(file).scores.average_precision
        order = np.argsort(-np.nan_to_num(losses), kind="stable")
        lost = [f"{self.classes[c]} -{100 * losses[c]:.1f}" for c in order if losses[c] > 0.001]
        return lost or super().offenders(file, student)

    def agreement(
        self, student: Judged, learnt: Verdict, teacher: AnyTeacher, taught: Verdict
    ) -> dict[str, dict[str, Any]]:
        transfer = self.transfer_sample()
        pairs = {
            "transfer": [self.answers(one, transfer, "transfer") for one in (student, self.teacher_predictor(teacher))],
            "test": [learnt.answers, taught.answers],
        }
        return {
            name: agreement(
                ours,
                theirs,
                self.classes,
                student_thresholds=_own(learnt).thresholds,
                teacher_thresholds=_own(taught).thresholds,
            ).to_dict()
            for name, (ours, theirs) in pairs.items()
        }

    def details(self, verdicts: Mapping[str, Verdict], teacher: AnyTeacher | None) -> Details:
        answers = {role: verdict.answers for role, verdict in verdicts.items()}
        labels, seed, resamples = self.sets.test.labels, self.recipe.seed, self.recipe.evaluate.resamples
        groups = group_scores(answers, labels, self.classes, GROUPS, seed=seed, resamples=resamples)
        return Details(cast(AttributeEntries, {"groups": groups}), self.class_sections(verdicts))


def _own(verdict: Verdict) -> AttributeVerdict:
    assert isinstance(verdict, AttributeVerdict)  # of this task's judge
    return verdict
