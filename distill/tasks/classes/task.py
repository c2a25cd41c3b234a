"""Classes that exclude each other: the softmax shares one probability out among the data's labels.

Shapes: N pictures, C classes.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np
from rich.console import Console
from torch import nn

from distill.data.duplicates.report import find_duplicates
from distill.data.prepared.pictures import Pictures
from distill.data.sources.source import SPLITS
from distill.errors import DistillError
from distill.evaluation.agreement import class_agreement
from distill.evaluation.classification import (
    TOP_1,
    ClassificationScores,
    compare,
    evaluate_classification,
    truths_of,
)
from distill.evaluation.confusion import most_confused
from distill.evaluation.suspects import believed, suspected
from distill.files.atomic import atomic_path
from distill.modules import FineTuner
from distill.modules.metrics import Metric, TopOne
from distill.modules.training import TrainingModule
from distill.objectives.labels import LABEL_LOSSES
from distill.predictors.predictor import Predictor
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import StageName
from distill.recipe.stages import LabelStage, Stage
from distill.tasks.classes.entries import ClassEntries
from distill.tasks.classes.report import Captioned, ClassPictures, class_report
from distill.tasks.contract import check_class_objective, check_classifier
from distill.tasks.labelled import LabelledTask
from distill.tasks.per_class import Quantity
from distill.tasks.sets import Sets
from distill.tasks.task import AnyTeacher, Details
from distill.tasks.verdict import Judged, Verdict

CONFUSED, EACH = 6, 4  # pairs of classes in the report, and pictures of each
MISTAKES, DOUBTED = 12, 24  # pictures in the report
SUSPECTS = "suspects.csv"
ACCURACY = Quantity(
    kind="class", plural="classes", key="accuracy", score="accuracy", shown_by="pictures", lacking="a test picture"
)

console = Console(stderr=True, markup=False, emoji=False)


@dataclass(frozen=True)
class ClassVerdict:
    """What a model answered to the test pictures of known class, and how that scores.

    Attributes:
        answers: float32 probabilities (N, C).
    """

    answers: np.ndarray
    scores: ClassificationScores
    metric: ClassVar[str] = TOP_1

    @property
    def score(self) -> float:
        return self.scores.metrics[TOP_1]

    @property
    def headline(self) -> str:
        return f"{TOP_1} {self.score:.4f} on test"

    @property
    def by_chance(self) -> float:
        return 1 / self.answers.shape[1]

    def manifest(self) -> dict[str, Any]:
        return {}

    def to_dict(self) -> dict[str, Any]:
        return self.scores.to_dict() | {"split": "test"}


class Classes(LabelledTask):
    """Scored by top-1 on the data's test split; validation pictures are not needed, but for `keep: best`."""

    activation = "softmax"
    quantity = ACCURACY
    needed = (("test", "report on"),)
    _asked: tuple[AnyTeacher, np.ndarray, np.ndarray] | None = None  # who, the hashes of which pictures, the answers

    @cached_property
    def test(self) -> Pictures:
        """The test pictures of known class."""
        return _known(self.sets.test)

    def check_sets(self, sets: Sets) -> None:
        """Refuse labels of several classes, too."""
        super().check_sets(sets)
        name = self.recipe.data.name
        present = {}
        for split in SPLITS:
            try:
                truths = truths_of(sets.prepared.labels[sets.prepared.indices(split)])
            except DistillError as error:
                raise DistillError(f"data.name is {name}, {split}: {error} Attributes are task: attributes.") from error
            present[split] = np.unique(truths[truths >= 0])
        if not len(present["test"]):
            raise DistillError(f"data: {name} knows the class of no test picture.")
        if untested := sorted(set(present["train"]) - set(present["test"])):
            names = ", ".join(sets.classes[c] for c in untested)
            console.print(f"data: {len(untested)} classes have no test picture and are not scored: {names}")
        if untaught := sorted(set(present["test"]) - set(present["train"])):
            names = ", ".join(sets.classes[c] for c in untaught)
            console.print(f"data: {len(untaught)} classes have test pictures but none to train on: {names}")

    def check(self) -> None:
        if "transfer" in self.recipe.stages:
            check_class_objective(self.recipe.objective, (self.sets.transfer.labels == 1).any(axis=1))

    def check_teacher(self, teacher: AnyTeacher) -> None:
        check_classifier(teacher, self.classes)

    def training_pictures(self, name: StageName, teacher: AnyTeacher | None) -> Pictures:
        """With `pretrain.teacher_top`, those of its pictures whose label the teacher believes.

        Raises:
            DistillError: it believes none.
        """
        pictures, top = super().training_pictures(name, teacher), self.recipe.pretrain.teacher_top
        if name != "pretrain" or top is None:
            return pictures
        assert teacher is not None  # Recipe.asks_teacher
        known = _known(pictures)
        kept = known.where(believed(self._opinions(known, teacher), truths_of(known.labels), top))
        _, section = self.sets.of_stage(name)
        if not len(kept):
            raise DistillError(
                f"pretrain.teacher_top is {top}: of {len(known)} pictures of {section} {teacher.name} finds the label "
                f"of none among its {top} most probable classes. Is its class map the data's, its preprocessing right?"
            )
        console.print(f"pretrain: {teacher.name} believes the labels of {len(kept)} of {len(known)} pictures.")
        return kept

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        assert isinstance(stage, LabelStage)
        return FineTuner(
            network, preprocess, stage.optimization, seed=seed, metric=TopOne(), loss=LABEL_LOSSES[stage.loss]
        )

    def metric(self, teacher: AnyTeacher | None) -> Metric:
        return TopOne()

    def judge(self, predictor: Judged) -> ClassVerdict:
        """Score on test.

        Raises:
            DistillError: the model's outputs are not of this task or its classes not the data's, or it answers NaN.
        """
        self.check_predictor(predictor)
        answers = self.answers(predictor, self.test, "test")
        return ClassVerdict(answers, self._score(answers, self.test))

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        pictures, split = _known(self.sets.validation), {"split": "validation"}
        if not len(pictures):
            return split
        scores = self._score(self.answers(predictor, pictures, "validation"), pictures).to_dict()
        return {key: scores[key] for key in ("metrics", "intervals", "counts")} | split

    def _score(self, answers: np.ndarray, pictures: Pictures) -> ClassificationScores:
        seed, resamples = self.recipe.seed, self.recipe.evaluate.resamples
        return evaluate_classification(answers, pictures.labels, self.classes, seed=seed, resamples=resamples)

    def compare(self, first: Verdict, second: Verdict) -> dict[str, Any]:
        return compare(_own(first).scores, _own(second).scores).to_dict()

    def offenders(self, file: Verdict, student: Verdict) -> list[str]:
        """Classes by the pictures of them that only the student has right; where there are none, by probabilities."""
        truths = _own(student).scores.truths
        lost = (student.answers.argmax(axis=1) == truths) & (file.answers.argmax(axis=1) != truths)
        counts, totals = (np.bincount(some, minlength=len(self.classes)) for some in (truths[lost], truths))
        order = np.argsort(-counts, kind="stable")
        worse = [f"{self.classes[c]} {counts[c]} of {totals[c]} pictures" for c in order if counts[c]]
        return worse or super().offenders(file, student)

    def agreement(
        self, student: Judged, learnt: Verdict, teacher: AnyTeacher, taught: Verdict
    ) -> dict[str, dict[str, Any]]:
        transfer = self.transfer_sample()
        both = [self.answers(one, transfer, "transfer") for one in (student, self.teacher_predictor(teacher))]
        pairs = {"transfer": both, "test": [learnt.answers, taught.answers]}
        return {name: class_agreement(ours, theirs, self.classes).to_dict() for name, (ours, theirs) in pairs.items()}

    def details(self, verdicts: Mapping[str, Verdict], teacher: AnyTeacher | None) -> Details:
        scored = {role: _own(verdict) for role, verdict in verdicts.items()}
        student = scored["student"]
        pairs = most_confused(student.scores.confusion, CONFUSED)
        found: dict[str, Any] = {
            "confusion": {role: verdict.scores.confusion.tolist() for role, verdict in scored.items()},
            "calibration": {role: verdict.scores.calibration.to_dict() for role, verdict in scored.items()},
            "confused": [pair.to_dict(self.classes) for pair in pairs],
            "near_duplicates": self._near_duplicates(scored),
        }
        doubted = None
        if self.sets.web is not None and teacher is not None:
            found["suspects"], doubted = self._suspects(self.sets.web, teacher)
        answers, truths = student.answers.argmax(axis=1), student.scores.truths
        wrong = np.flatnonzero(answers != truths)
        sure = wrong[np.argsort(-student.answers.max(axis=1)[wrong], kind="stable")]
        of_pairs = [
            sure[np.isin(truths[sure], pair.classes) & np.isin(answers[sure], pair.classes)][:EACH] for pair in pairs
        ]
        pictures = ClassPictures(
            self._captioned(self.test, student.answers, truths, np.concatenate([*of_pairs, wrong[:0]])),
            self._captioned(self.test, student.answers, truths, sure[:MISTAKES]),
            doubted,
        )
        entries = cast(ClassEntries, found)
        return Details(entries, [*class_report(entries, self.classes, pictures), *self.class_sections(verdicts)])

    def _near_duplicates(self, scored: Mapping[str, ClassVerdict]) -> dict[str, Any]:
        """How many test pictures are among those to train on too, and the scores without them."""
        places, found = find_duplicates(self.sets.transfer, self.test, "test", self.directory)
        kept = np.setdiff1d(np.arange(len(self.test)), places)
        if not len(places) or not len(kept):
            return found
        rest = self.test.where(np.isin(np.arange(len(self.test)), kept))
        for role, verdict in scored.items():
            scores = self._score(verdict.answers[kept], rest).to_dict()
            found[role] = {key: scores[key] for key in ("metrics", "intervals", "counts")}
        return found

    def _opinions(self, pictures: Pictures, teacher: AnyTeacher) -> np.ndarray:
        """The teacher's probabilities, asked once for what is learnt from it and what is said of it."""
        hashes = pictures.hashes
        if self._asked is None or self._asked[0] is not teacher or not np.array_equal(self._asked[1], hashes):
            probabilities = self.answers(self.teacher_predictor(teacher), pictures, "pretrain")
            self._asked = teacher, hashes, probabilities
        return self._asked[2]

    def _suspects(self, web: Pictures, teacher: AnyTeacher) -> tuple[dict[str, Any], Captioned]:
        """The web's labels that the teacher does not believe: counted, named in a file, and the worst shown."""
        probabilities, labels = self._opinions(web, teacher), truths_of(web.labels)
        doubted = suspected(probabilities, labels)
        file = self.directory / SUSPECTS
        with atomic_path(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened)
            writer.writerow(["picture", "label", "label_probability", "opinion", "opinion_probability"])
            for k, place in enumerate(doubted.places.tolist()):
                label, opinion = self.classes[doubted.labels[k]], self.classes[doubted.opinions[k]]
                given = f"{doubted.label_probability[k]:.3g}", opinion, f"{doubted.opinion_probability[k]:.4f}"
                writer.writerow([web.name(place), label, *given])
        found = {"pictures": len(web), "suspected": len(doubted), "file": f"{file.parent.name}/{file.name}"}
        return found, self._captioned(web, probabilities, labels, doubted.places[:DOUBTED])

    def _captioned(
        self, pictures: Pictures, probabilities: np.ndarray, truths: np.ndarray, places: np.ndarray
    ) -> Captioned:
        answers = probabilities.argmax(axis=1)
        return Captioned(
            pictures.gather(places),
            [self.classes[c] for c in truths[places]],
            [self.classes[c] for c in answers[places]],
            probabilities[places, truths[places]],
            probabilities[places, answers[places]],
        )


def _known(pictures: Pictures) -> Pictures:
    """Those whose class is known."""
    return pictures.where((pictures.labels == 1).any(axis=1))


def _own(verdict: Verdict) -> ClassVerdict:
    assert isinstance(verdict, ClassVerdict)  # of this task's judge
    return verdict
