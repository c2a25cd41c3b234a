"""What a detector is worth: COCO's average precision, what kinds of error cost how much, beside others.

Shapes: N pictures, K boxes of an answer, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, cast

import numpy as np

from distill import answers as kinds
from distill.answers.detections import Detections
from distill.data.prepared.pictures import Pictures
from distill.evaluation.boxes.boxes import TrueBoxes
from distill.evaluation.boxes.chance import precision_by_chance
from distill.evaluation.boxes.curves import precision_recall
from distill.evaluation.boxes.matching import Matches, match
from distill.evaluation.boxes.scores import AP, AP_50, BoxScores, compare_boxes, evaluate_boxes
from distill.formatting import score as shown_score
from distill.predictors.predictor import Predictor
from distill.preprocess.preprocess import Fit
from distill.tasks.boxes.entries import BoxEntries
from distill.tasks.boxes.found import Found, detected, find, labelled_in_shares, true_boxes
from distill.tasks.boxes.pictures import BoxPictures, has_objects
from distill.tasks.boxes.report import EXAMPLES, box_report
from distill.tasks.checks import check_predictor
from distill.tasks.judging import Details, Judging
from distill.tasks.per_class import Quantity, per_class_section
from distill.tasks.verdict import Verdict
from teachers.teacher import Teacher

COMPARED = 64
"""Test pictures whose whole answers are kept: a file's are held to the student's, number by number."""
CERTAIN = 0.3
"""The score from which a teacher's box stands for what is there, where a student is held against its teacher."""
PRECISION = Quantity(
    kind="class", plural="classes", key="ap", score="average precision", shown_by="boxes", lacking="a box"
)


@dataclass(frozen=True)
class BoxVerdict(Verdict):
    """What a model found in the test pictures, and how that scores.

    Attributes:
        answers: `boxes` (n, K, 4) and `scores` (n, K, C) of the first test pictures, before suppression.
        found: in all of them.
        matches: with what is there.
        there: the boxes of the test pictures, as shares of the prepared ones.
    """

    answers: dict[str, np.ndarray]
    found: Found
    matches: Matches
    scores: BoxScores
    there: TrueBoxes
    metric: ClassVar[str] = AP

    @property
    def seen(self) -> Found:
        return self.found

    @cached_property
    def by_chance(self) -> float | None:  # type: ignore[override]  # computed where it is asked for, once
        """AP of the same boxes held to other test pictures."""
        return precision_by_chance(self.found.in_shares, self.there, self.matches.classes)

    @property
    def score(self) -> float:
        return self.scores.metrics[AP]

    @property
    def headline(self) -> str:
        return f"AP {self.score:.4f}, AP50 {self.scores.metrics[AP_50]:.4f} on test"

    def to_dict(self) -> dict[str, Any]:
        return self.scores.to_dict() | {"split": "test"}

    def compare(self, other: Self) -> dict[str, Any]:
        return compare_boxes(self.scores, other.scores).to_dict()

    def offenders(self, student: Self) -> list[str]:
        """Classes by what they lose in average precision, in points."""
        lost = {name: entry["ap"] - self.scores.by_class[name]["ap"] for name, entry in student.scores.by_class.items()}
        return [f"{name} -{100 * loss:.1f}" for name, loss in sorted(lost.items(), key=_by_loss) if loss > 0.001]

    def summary(self) -> list[str]:
        scores = self.to_dict()
        others = [f"{name} {shown_score(value)}" for name, value in scores["metrics"].items()][1:]
        counts = scores["counts"]
        counted = f"{counts['boxes']} boxes in {counts['pictures']} test pictures"
        lines = [f"{self.chief()}, {counted}", ", ".join(others)]
        return [*lines, *([f"not measured, no box: {', '.join(scores['unmeasured'])}"] if scores["unmeasured"] else [])]


def _by_loss(item: tuple[str, float]) -> float:
    return -item[1]


class BoxJudging(Judging[BoxPictures, BoxVerdict]):
    """Average precision over intersections over union from 0.5 to 0.95."""

    def judge(self, predictor: Predictor) -> BoxVerdict:
        """Score on test.

        Raises:
            DistillError: the model's answers are no boxes, or of other classes than the data's, or it answers NaN.
        """
        check_predictor(predictor, (kinds.Boxes, Detections), self.pictures.classes, self.recipe.data)
        test = self.pictures.sets.test
        found = self._find(predictor, test, "test")
        first = test.where(np.arange(len(test)) < COMPARED)
        answers = self.answers(predictor, first, "the first test pictures")
        matches = match(detected(found, test, self._fit), true_boxes(test, self._fit), self.pictures.classes)
        return BoxVerdict(answers, found, matches, self._score(matches), labelled_in_shares(test))

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        pictures, split = self.pictures.sets.validation, {"split": "validation"}
        if not has_objects(pictures):
            return split
        found = self._find(predictor, pictures, "validation")
        matches = match(detected(found, pictures, self._fit), true_boxes(pictures, self._fit), self.pictures.classes)
        scores = self._score(matches).to_dict()
        return {key: scores[key] for key in ("metrics", "intervals", "counts")} | split

    def seen(self, predictor: Predictor, pictures: Pictures, of: str) -> Found:
        return self._find(predictor, pictures, of)

    def agree(self, student: Found, teacher: Found, verdicts: tuple[BoxVerdict, BoxVerdict]) -> dict[str, Any]:
        """How much of what the teacher is sure of the student finds: AP50 with its boxes for what is there."""
        sure = teacher.surer_than(CERTAIN)
        counts = {"pictures": len(sure.boxes), "boxes": len(sure.boxes.rows)}
        if not counts["boxes"]:
            return counts
        # Intersection over union is the same in shares of a picture as in its pixels.
        there = TrueBoxes(sure.boxes.rows, sure.classes.rows, np.zeros(counts["boxes"], np.int8), sure.boxes.offsets)
        matches = match(student.in_shares, there, self.pictures.classes)
        return {"AP50": float(precision_recall(matches).mean[0].mean())} | counts

    def details(self, verdicts: Mapping[str, BoxVerdict], teacher: Teacher | None) -> Details:
        models = {role: verdicts[role] for role in ("teacher", "student") if role in verdicts}
        test = self.pictures.sets.test
        shown = np.linspace(0, len(test) - 1, min(EXAMPLES, len(test))).astype(np.int64)
        entries, sections = box_report(
            {role: verdict.matches for role, verdict in models.items()},
            {role: verdict.found for role, verdict in models.items()},
            test,
            shown,
        )
        classes = per_class_section(PRECISION, {role: verdict.to_dict() for role, verdict in models.items()})
        return Details(cast(BoxEntries, entries), [classes, *sections])

    def _find(self, predictor: Predictor, pictures: Pictures, of: str) -> Found:
        return find(predictor, pictures, of, self.recipe.evaluate.batch_size)

    def _score(self, matches: Matches) -> BoxScores:
        return evaluate_boxes(matches, seed=self.recipe.seed, resamples=self.recipe.evaluate.resamples)

    @property
    def _fit(self) -> Fit:
        return self.recipe.prepare.fit
