"""What a model of attributes is worth: mean average precision, with thresholds chosen on the validation pictures.

Shapes: N pictures, C attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import numpy as np

from distill.answers import Probabilities
from distill.answers.kind import Arrays, Kind
from distill.data.prepared.pictures import Pictures
from distill.evaluation.agreement import agreement
from distill.evaluation.attributes import AttributeScores, compare_attributes, evaluate_attributes
from distill.evaluation.average_precision import average_precision, mean_average_precision
from distill.evaluation.groups import group_scores
from distill.evaluation.thresholds import DEFAULT_THRESHOLD, Thresholds, choose_thresholds
from distill.predictors.predictor import Predictor
from distill.report.results import CutOffs
from distill.tasks.attributes.entries import AttributeEntries
from distill.tasks.judging import Details
from distill.tasks.labelled import LabelledJudging, LabelledPictures, console
from distill.tasks.per_class import Quantity
from distill.tasks.verdict import LabelledVerdict, scores_of
from teachers.teacher import Teacher

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
class AttributeVerdict(LabelledVerdict):
    """What a model answered to the test pictures, and how that scores.

    Attributes:
        answers: float32 probabilities (N, C).
        thresholds: float64 (C,), chosen on validation or brought by the model.
        unchosen: attributes of which validation lacks a positive or a negative picture, so that theirs is 0.5.
        on_validation: mAP on the validation pictures.
    """

    answers: dict[str, np.ndarray]
    classes: tuple[str, ...]
    thresholds: np.ndarray
    unchosen: tuple[str, ...]
    on_validation: float
    scores: AttributeScores
    metric: ClassVar[str] = "mAP"
    lacking: ClassVar[str] = "no positive or no negative"

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

    def to_dict(self) -> dict[str, Any]:
        unchosen = {"thresholds_unchosen": list(self.unchosen)} if self.unchosen else {}
        return self.scores.to_dict() | {"split": "test"} | unchosen

    def complete(self, kind: Kind) -> Kind:
        assert isinstance(kind, Probabilities)  # this task's
        return replace(kind, thresholds=tuple(self.thresholds.tolist()))

    def compare(self, other: Self) -> dict[str, Any]:
        return compare_attributes(self.scores, other.scores).to_dict()

    def offenders(self, student: Self) -> list[str]:
        """Classes by what they lose in average precision, in points; where none loses any, by their probabilities."""
        losses = student.scores.average_precision - self.scores.average_precision
        order = np.argsort(-np.nan_to_num(losses), kind="stable")
        lost = [f"{self.classes[c]} -{100 * losses[c]:.1f}" for c in order if losses[c] > 0.001]
        return lost or self.changes(student)

    def summary(self) -> list[str]:
        scores = self.to_dict()
        counted = f"{scores['counts']['pictures']} test pictures, {len(scores['per_class'])} attributes"
        return [f"{self.chief()}, {counted}", *self.unmeasured_line()]


class AttributeJudging(LabelledJudging[LabelledPictures, AttributeVerdict]):
    """Mean average precision, attribute by attribute and over all."""

    kind = Probabilities
    quantity = PRECISION

    def judge(self, predictor: Predictor) -> AttributeVerdict:
        """Score on test; thresholds the model does not bring are chosen on validation.

        Raises:
            DistillError: the model's outputs are not of this task or its classes not the data's, or it answers NaN.
        """
        self.check_predictor(predictor)
        classes, sets = self.pictures.classes, self.pictures.sets
        seen = self.probabilities(predictor, sets.validation, "validation")
        values = average_precision(seen, sets.validation.labels, classes).values
        mean, _ = mean_average_precision(values, classes)
        brought = predictor.kind.thresholds if isinstance(predictor.kind, Probabilities) else None
        thresholds = (
            Thresholds(np.asarray(brought), ()) if brought else choose_thresholds(seen, sets.validation.labels, classes)
        )
        if thresholds.unmeasured:
            console.print(
                f"{predictor.name}: no threshold can be chosen for {', '.join(thresholds.unmeasured)}: validation has "
                f"no picture that shows it, or none that does not. Theirs is {DEFAULT_THRESHOLD}.",
                soft_wrap=True,
            )
        answers = self.answers(predictor, sets.test, "test")
        measured = self._score(answers["probabilities"], sets.test, thresholds.values)
        return AttributeVerdict(answers, classes, thresholds.values, thresholds.unmeasured, mean, measured)

    def cut_offs(self, kind: Kind) -> CutOffs | None:
        if not isinstance(kind, Probabilities) or not kind.thresholds:
            return None
        said = "An attribute counts as present from this probability on, that of the best F1 on the validation pictures"
        return {"said": said, "values": dict(zip(kind.classes or (), kind.thresholds, strict=True))}

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        pictures = self.pictures.sets.validation
        scores = self._score(self.probabilities(predictor, pictures, "validation"), pictures, None)
        return scores_of(scores.to_dict()) | {"split": "validation"}

    def _score(self, probabilities: np.ndarray, pictures: Pictures, thresholds: np.ndarray | None) -> AttributeScores:
        seed, resamples = self.recipe.seed, self.recipe.evaluate.resamples
        return evaluate_attributes(
            probabilities, pictures.labels, self.pictures.classes, seed=seed, resamples=resamples, thresholds=thresholds
        )

    def agree(
        self, student: Arrays, teacher: Arrays, verdicts: tuple[AttributeVerdict, AttributeVerdict]
    ) -> dict[str, Any]:
        ours, theirs = verdicts
        return agreement(
            student["probabilities"],
            teacher["probabilities"],
            self.pictures.classes,
            student_thresholds=ours.thresholds,
            teacher_thresholds=theirs.thresholds,
        ).to_dict()

    def details(self, verdicts: Mapping[str, AttributeVerdict], teacher: Teacher | None) -> Details:
        answers = {role: verdict.probabilities for role, verdict in verdicts.items()}
        labels, seed, resamples = self.pictures.test.labels, self.recipe.seed, self.recipe.evaluate.resamples
        groups = group_scores(answers, labels, self.pictures.classes, GROUPS, seed=seed, resamples=resamples)
        return Details(cast(AttributeEntries, {"groups": groups}), self.class_sections(verdicts))
