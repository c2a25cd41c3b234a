"""What a model of classes that exclude each other is worth: top-1, and what it confuses.

Shapes: N pictures, C classes.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np

from distill.answers import Softmax
from distill.answers.kind import Arrays
from distill.data.duplicates.report import find_duplicates
from distill.data.prepared.pictures import Pictures
from distill.evaluation.agreement import class_agreement
from distill.evaluation.classification import (
    TOP_1,
    ClassificationScores,
    compare_classification,
    evaluate_classification,
    truths_of,
)
from distill.evaluation.confusion import most_confused
from distill.evaluation.suspects import suspected
from distill.files.atomic import atomic_path
from distill.formatting import score as shown_score
from distill.predictors.predictor import Predictor
from distill.recipe.recipe import Recipe
from distill.tasks.classes.entries import ClassEntries
from distill.tasks.classes.opinions import Opinions
from distill.tasks.classes.report import Captioned, ClassPictures, class_report
from distill.tasks.judging import Details
from distill.tasks.labelled import LabelledJudging, LabelledPictures
from distill.tasks.per_class import Quantity
from distill.tasks.verdict import LabelledVerdict, scores_of
from teachers.teacher import Teacher

CONFUSED, EACH = 6, 4  # pairs of classes in the report, and pictures of each
MISTAKES, DOUBTED = 12, 24  # pictures in the report
SUSPECTS = "suspects.csv"
ACCURACY = Quantity(
    kind="class", plural="classes", key="accuracy", score="accuracy", shown_by="pictures", lacking="a test picture"
)


@dataclass(frozen=True)
class ClassVerdict(LabelledVerdict):
    """What a model answered to the test pictures of known class, and how that scores.

    Attributes:
        answers: float32 probabilities (N, C).
    """

    answers: dict[str, np.ndarray]
    classes: tuple[str, ...]
    scores: ClassificationScores
    metric: ClassVar[str] = TOP_1
    lacking: ClassVar[str] = "no test picture"

    @property
    def score(self) -> float:
        return self.scores.metrics[TOP_1]

    @property
    def by_chance(self) -> float:
        return 1 / len(self.classes)

    def to_dict(self) -> dict[str, Any]:
        return self.scores.to_dict() | {"split": "test"}

    def compare(self, other: Self) -> dict[str, Any]:
        return compare_classification(self.scores, other.scores).to_dict()

    def offenders(self, student: Self) -> list[str]:
        """Classes by the pictures of them that only the student has right; where there are none, by probabilities."""
        truths = student.scores.truths
        right, kept = student.probabilities.argmax(axis=1) == truths, self.probabilities.argmax(axis=1) == truths
        lost = right & ~kept
        counts, totals = (np.bincount(some, minlength=len(self.classes)) for some in (truths[lost], truths))
        order = np.argsort(-counts, kind="stable")
        worse = [f"{self.classes[c]} {counts[c]} of {totals[c]} pictures" for c in order if counts[c]]
        return worse or self.changes(student)

    def summary(self) -> list[str]:
        scores = self.to_dict()
        others = [f"{name} {shown_score(value)}" for name, value in scores["metrics"].items()][1:]
        counts = scores["counts"]
        counted = f"{counts['pictures']} test pictures of {counts['classes']} classes"
        return [f"{self.chief()}, {', '.join(others)}, {counted}", *self.unmeasured_line()]


class ClassJudging(LabelledJudging[LabelledPictures, ClassVerdict]):
    """Top-1 and what stands beside it."""

    kind = Softmax
    quantity = ACCURACY

    def __init__(self, recipe: Recipe, pictures: LabelledPictures, opinions: Opinions) -> None:
        super().__init__(recipe, pictures)
        self.opinions = opinions

    def judge(self, predictor: Predictor) -> ClassVerdict:
        """Score on test.

        Raises:
            DistillError: the model's outputs are not of this task or its classes not the data's, or it answers NaN.
        """
        self.check_predictor(predictor)
        answers = self.answers(predictor, self.pictures.test, "test")
        measured = self._score(answers["probabilities"], self.pictures.test)
        return ClassVerdict(answers, self.pictures.classes, measured)

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        pictures, split = self.pictures.sets.validation.labelled(), {"split": "validation"}
        if not len(pictures):
            return split
        return scores_of(self._score(self.probabilities(predictor, pictures, "validation"), pictures).to_dict()) | split

    def _score(self, probabilities: np.ndarray, pictures: Pictures) -> ClassificationScores:
        seed, resamples = self.recipe.seed, self.recipe.evaluate.resamples
        classes = self.pictures.classes
        return evaluate_classification(probabilities, pictures.labels, classes, seed=seed, resamples=resamples)

    def agree(self, student: Arrays, teacher: Arrays, verdicts: tuple[ClassVerdict, ClassVerdict]) -> dict[str, Any]:
        return class_agreement(student["probabilities"], teacher["probabilities"], self.pictures.classes).to_dict()

    def details(self, verdicts: Mapping[str, ClassVerdict], teacher: Teacher | None) -> Details:
        student = verdicts["student"]
        pairs = most_confused(student.scores.confusion, CONFUSED)
        content: dict[str, Any] = {
            "confusion": {role: verdict.scores.confusion.tolist() for role, verdict in verdicts.items()},
            "calibration": {role: verdict.scores.calibration.to_dict() for role, verdict in verdicts.items()},
            "confused": [pair.to_dict(self.pictures.classes) for pair in pairs],
            "near_duplicates": self._near_duplicates(verdicts),
        }
        doubted = None
        if self.pictures.sets.web is not None and teacher is not None:
            content["suspects"], doubted = self._suspects(self.pictures.sets.web, teacher)
        answers, truths = student.probabilities.argmax(axis=1), student.scores.truths
        wrong = np.flatnonzero(answers != truths)
        sure = wrong[np.argsort(-student.probabilities.max(axis=1)[wrong], kind="stable")]
        of_pairs = [
            sure[np.isin(truths[sure], pair.classes) & np.isin(answers[sure], pair.classes)][:EACH] for pair in pairs
        ]
        pictures = ClassPictures(
            self._captioned(self.pictures.test, student.probabilities, truths, np.concatenate([*of_pairs, wrong[:0]])),
            self._captioned(self.pictures.test, student.probabilities, truths, sure[:MISTAKES]),
            doubted,
        )
        entries, classes = cast(ClassEntries, content), self.pictures.classes
        return Details(entries, [*class_report(entries, classes, pictures), *self.class_sections(verdicts)])

    def _near_duplicates(self, verdicts: Mapping[str, ClassVerdict]) -> dict[str, Any]:
        """How many test pictures are among those to train on too, and the scores without them."""
        copies, entry = find_duplicates(
            self.pictures.sets.transfer, self.pictures.test, "test", self.pictures.directory
        )
        kept = np.setdiff1d(np.arange(len(self.pictures.test)), copies)
        if not len(copies) or not len(kept):
            return entry
        rest = self.pictures.test.where(np.isin(np.arange(len(self.pictures.test)), kept))
        for role, verdict in verdicts.items():
            entry[role] = scores_of(self._score(verdict.probabilities[kept], rest).to_dict())
        return entry

    def _suspects(self, web: Pictures, teacher: Teacher) -> tuple[dict[str, Any], Captioned]:
        """The web's labels that the teacher does not believe: counted, named in a file, and the worst shown."""
        probabilities, labels = self.opinions(web, teacher), truths_of(web.labels)
        doubted = suspected(probabilities, labels)
        file = self.pictures.directory / SUSPECTS
        with atomic_path(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened)
            writer.writerow(["picture", "label", "label_probability", "opinion", "opinion_probability"])
            for k, row in enumerate(doubted.rows.tolist()):
                label, opinion = self.pictures.classes[doubted.labels[k]], self.pictures.classes[doubted.opinions[k]]
                given = f"{doubted.label_probability[k]:.3g}", opinion, f"{doubted.opinion_probability[k]:.4f}"
                writer.writerow([web.name(row), label, *given])
        entry = {"pictures": len(web), "suspected": len(doubted), "file": f"{file.parent.name}/{file.name}"}
        return entry, self._captioned(web, probabilities, labels, doubted.rows[:DOUBTED])

    def _captioned(
        self, pictures: Pictures, probabilities: np.ndarray, truths: np.ndarray, rows: np.ndarray
    ) -> Captioned:
        answers = probabilities.argmax(axis=1)
        return Captioned(
            pictures.gather(rows),
            [self.pictures.classes[c] for c in truths[rows]],
            [self.pictures.classes[c] for c in answers[rows]],
            probabilities[rows, truths[rows]],
            probabilities[rows, answers[rows]],
        )
