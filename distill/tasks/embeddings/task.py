"""Embeddings: vectors that are alike where two pictures show one person.

Shapes: N pictures, D embedding dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn

from distill.data.duplicates.report import find_duplicates
from distill.data.prepared.pictures import Pictures
from distill.data.sources.source import SPLITS
from distill.errors import DistillError
from distill.evaluation.embeddings import check_dimensions, combine_flips, similarities, unit_embeddings
from distill.evaluation.hardest import hardest_listed, hardest_pairs
from distill.evaluation.histogram import cosine_histogram
from distill.evaluation.identification import IdentificationScores
from distill.evaluation.roc import Roc, tar_name
from distill.modules import MetricLearner
from distill.modules.metric_learner import Triplets, arcface
from distill.modules.metrics import ANSWERS, CosineToTeacher, Metric, TarAtFar
from distill.modules.training import TrainingModule
from distill.predictors.predictor import Predictor
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import READY_MADE
from distill.recipe.stages import Stage
from distill.store.teacher import Stored
from distill.tasks.contract import check_embedder, check_embedding_objective
from distill.tasks.embeddings.report import Pairs
from distill.tasks.embeddings.trial import Trial, Verification, compare, open_lfw
from distill.tasks.sets import Sets
from distill.tasks.task import AnyTeacher, Details, Task
from distill.tasks.verdict import Judged, Verdict
from teachers.teacher import Teacher

console = Console(stderr=True, markup=False, emoji=False)
CURVE_POINTS = 200
HARDEST = 6  # pairs of each kind, in the report
MOVED = 200  # pictures whose pairs are searched for those an exported file sees differently


@dataclass(frozen=True)
class EmbeddingVerdict:
    """What a model answered to the pictures of a trial, and how that scores.

    Attributes:
        answers: float32 (N, D) of unit length, flips joined.
        straight: float32 (N, D) of unit length, of the pictures alone: what a file answers.
        metric: `accuracy` of listed pairs, else TAR at the first FAR.
    """

    answers: np.ndarray
    straight: np.ndarray
    trial: Trial
    metric: str
    verification: Verification
    identification: IdentificationScores | None

    @property
    def score(self) -> float:
        return float(self.verification.to_dict()["metrics"][self.metric])

    @property
    def headline(self) -> str:
        return f"{self.metric} {self.score:.4f} on {self.trial.name}"

    @property
    def by_chance(self) -> None:
        return None

    def manifest(self) -> dict[str, Any]:
        # Of the embeddings that will be compared with them, whatever the scores are of.
        points = self.trial.verify(self.straight, tuple(self.verification.points), seed=0, resamples=2).points
        return {"far_thresholds": {f"{far:g}": point.threshold for far, point in points.items()}}

    def to_dict(self) -> dict[str, Any]:
        found = self.verification.to_dict()
        if self.identification is not None:
            more = self.identification.to_dict()
            for key in ("metrics", "intervals", "counts"):
                found[key] |= more[key]
        # What counts stands first: headlines and tables begin with it.
        found["metrics"] = {self.metric: found["metrics"][self.metric]} | found["metrics"]
        found["counts"]["pictures"] = len(self.answers)
        return found | {"split": self.trial.name}


class Embeddings(Task):
    """Scored by verification and identification, on LFW's pairs or on every pair of the test people."""

    activation = "unit"
    classes = None

    @cached_property
    def trial(self) -> Trial:
        """The pictures that models are scored on.

        Raises:
            DistillError: they cannot be had.
        """
        settings, prepare = self.recipe.evaluate, self.recipe.prepare
        if settings.lfw is None:
            return Trial.of(self.sets.test)
        return open_lfw(settings, prepare.root or self.directory, prepare)

    @property
    def scored(self) -> tuple[Pictures, ...]:
        pictures = self.trial.pictures
        mirrored = () if self.recipe.evaluate.flips == "none" else (pictures.mirror(),)
        return self.sets.validation, pictures, *mirrored

    def check_sets(self, sets: Sets) -> None:
        self.check_best(sets)
        teaches = "teach" in self.recipe.stages
        if teaches and self.recipe.teach.keep == "best" and not self._verifiable(sets.validation):
            raise DistillError(
                f"teach.keep is best, and {self.recipe.data.name} has too few pairs of validation pictures to tell the "
                f"best pass by TAR at FAR {self.recipe.evaluate.fars[0]:g}. Set it to last, or give more pictures."
            )
        prepared = sets.prepared
        known = prepared.identities >= 0
        people, parts = np.unique(np.stack([prepared.identities, prepared.splits])[:, known], axis=1)
        numbers, counts = np.unique(people, return_counts=True)
        if (shared := numbers[counts > 1]).size:
            first = [SPLITS[part] for part in parts[people == shared[0]]]
            raise DistillError(
                f"data: {len(shared)} people are in more than one part, the first of them number {shared[0]}, in "
                f"{' and '.join(first)}. A network must be scored on people it never saw; share the data out by person."
            )
        if teaches and (unknown := int((sets.labelled.identities < 0).sum())):
            raise DistillError(
                f"stages: `teach` needs to know the person on every training picture, and {self.recipe.data.name} does "
                f"not say for {unknown} of {len(sets.labelled)}. Leave `teach` out and name a teacher that is trained."
            )

    def check(self) -> None:
        check_embedding_objective(self.recipe.objective)
        self.trial.check(self.recipe.evaluate.fars)

    def check_teacher(self, teacher: AnyTeacher) -> None:
        check_embedder(teacher)

    def load_teacher(self) -> AnyTeacher:
        teacher = self.recipe.teacher
        return teacher.load(0) if isinstance(teacher, Stored) else teacher.embedder()

    def new_teacher(self) -> tuple[nn.Module, Preprocess]:
        teacher, stage = self.recipe.teacher, self.recipe.teach
        assert not isinstance(teacher, READY_MADE)  # refused by Recipe
        if stage.drop_rate or stage.drop_path_rate:
            raise DistillError("teach.drop_rate, teach.drop_path_rate: of classifiers; leave both at 0 for embeddings.")
        return teacher.trainable_embedder()

    def taught_teacher(self, weights: Path) -> Teacher:
        teacher = self.recipe.teacher
        assert not isinstance(teacher, READY_MADE)
        return replace(teacher, weights=weights).embedder()

    def outputs(self, teacher: AnyTeacher | None) -> int:
        assert teacher is not None  # every recipe of embeddings transfers
        return teacher.outputs

    def learner(self, network: nn.Module, preprocess: Preprocess, stage: Stage, seed: int) -> TrainingModule:
        teach = self.recipe.teach
        blank = torch.zeros(1, 3, preprocess.height, preprocess.width)
        with torch.no_grad():
            dimensions = network.eval()(blank).shape[1]
        people = self.sets.labelled.identities
        if teach.metric_loss == "triplet":
            criterion: nn.Module = Triplets(teach.triplet_margin)
        else:
            criterion = arcface(len(np.unique(people)), dimensions, margin=teach.margin, scale=teach.scale)
        return MetricLearner(
            network.train(), preprocess, stage.optimization, people, criterion,
            seed=seed, metric=self.metric(None),
        )  # fmt: skip

    def metric(self, teacher: AnyTeacher | None) -> Metric | None:
        if self._verifiable(self.sets.validation):
            return TarAtFar(self.recipe.evaluate.fars[0])
        return None if teacher is None else CosineToTeacher()

    def truths(self, teacher: AnyTeacher | None) -> dict[str, np.ndarray]:
        pictures = self.sets.validation
        if teacher is None or self._verifiable(pictures) or not len(pictures):
            return {}
        return {ANSWERS: self.answers(self.teacher_predictor(teacher), pictures, "validation")}

    def _verifiable(self, pictures: Pictures) -> bool:
        """Whether there are pairs enough to measure TAR at the first FAR on."""
        people = Trial.of(pictures)
        return bool(people.genuine and people.impostors * self.recipe.evaluate.fars[0] >= 1)

    def embed(self, predictor: Judged, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings (N, D) of a trial's pictures, of unit length: with flips joined, as scored, and without.

        Raises:
            DistillError: the model answers classes, NaN or zero vectors.
        """
        if predictor.classes is not None:
            raise DistillError(
                f"{predictor.name}: answers {len(predictor.classes)} classes, expected an embedding. Score it by a "
                "recipe for attributes."
            )
        flips = self.recipe.evaluate.flips
        straight = unit_embeddings(self.answers(predictor, trial.pictures, trial.name), owner=predictor.name)
        if flips == "none":
            return straight, straight
        mirrored = self.answers(predictor, trial.pictures.mirror(), f"{trial.name}, mirrored")
        return combine_flips(straight, mirrored, flips), straight

    def judge(self, predictor: Judged) -> EmbeddingVerdict:
        return self.verdict(*self.embed(predictor, self.trial), self.trial)

    def verdict(self, embeddings: np.ndarray, straight: np.ndarray, trial: Trial) -> EmbeddingVerdict:
        """Score embeddings (N, D) of a trial's pictures, as `embed` gives them."""
        settings = self.recipe.evaluate
        return EmbeddingVerdict(
            embeddings,
            straight,
            trial,
            "accuracy" if trial.pairs is not None else tar_name(settings.fars[0]),
            trial.verify(embeddings, settings.fars, self.recipe.seed, settings.resamples),
            trial.identify(embeddings, embeddings),
        )

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        people, settings = Trial.of(self.sets.validation), self.recipe.evaluate
        if not self._verifiable(people.pictures):
            return {"split": "validation"}
        embeddings = self.answers(predictor, people.pictures, "validation")
        scores = people.verify(embeddings, settings.fars[:1], self.recipe.seed, settings.resamples).to_dict()
        return {key: scores[key] for key in ("metrics", "intervals", "counts")} | {"split": "validation"}

    def compare(self, first: Verdict, second: Verdict) -> dict[str, Any]:
        return compare(_own(first).verification, _own(second).verification, self.recipe.evaluate.fars[0])

    def offenders(self, file: Verdict, student: Verdict) -> list[str]:
        """Pairs of pictures by the change of their cosine, among the pictures whose embeddings moved most."""
        ours, theirs, pictures = file.answers, student.answers, self.trial.pictures
        moved = np.argsort(similarities(ours, theirs), kind="stable")[:MOVED]
        change = np.abs(ours[moved] @ ours[moved].T - theirs[moved] @ theirs[moved].T)
        first, second = np.triu_indices(len(moved), k=1)
        order = np.argsort(-change[first, second], kind="stable")[:HARDEST]
        return [
            f"{pictures.name(int(moved[first[k]]))} with {pictures.name(int(moved[second[k]]))} "
            f"{change[first[k], second[k]]:.3f}"
            for k in order
        ]

    def agreement(
        self, student: Judged, learnt: Verdict, teacher: AnyTeacher, taught: Verdict
    ) -> dict[str, dict[str, Any]]:
        transfer = self.transfer_sample()
        both = [self.answers(one, transfer, "transfer") for one in (student, self.teacher_predictor(teacher))]
        pairs = {"transfer": both, _own(learnt).trial.name: [learnt.answers, taught.answers]}
        return {
            name: {"cosine": float(similarities(ours, theirs).mean()), "pictures": len(ours)}
            for name, (ours, theirs) in pairs.items()
        }

    def details(self, verdicts: Mapping[str, Verdict], teacher: AnyTeacher | None) -> Details:
        scored = {role: _own(verdict) for role, verdict in verdicts.items()}
        found: dict[str, Any] = {
            "roc": {role: _curve(verdict.verification.roc) for role, verdict in scored.items()},
            "histograms": {
                role: cosine_histogram(verdict.verification.roc).to_dict() for role, verdict in scored.items()
            },
            "ranks": {
                role: verdict.identification.curve.tolist()
                for role, verdict in scored.items()
                if verdict.identification is not None
            },
            "near_duplicates": self._near_duplicates(scored),
        }
        if "teacher" in scored:
            found["at_teacher_thresholds"] = at_thresholds_of(scored["teacher"], scored["student"])
            found["galleries"] = galleries(scored["student"], scored["teacher"], ("student", "teacher"))
        return Details(found, pairs=self._hardest(scored))

    def _near_duplicates(self, scored: Mapping[str, EmbeddingVerdict]) -> dict[str, Any]:
        """How many pictures are in the transfer set too, and the scores without them; names go into a file."""
        trial = self.trial
        places, found = find_duplicates(self.sets.transfer, trial.pictures, trial.name, self.directory)
        if not len(places):
            return found
        rest = trial.without(places)
        kept = np.setdiff1d(np.arange(len(trial.identities)), places)
        try:
            rest.check(self.recipe.evaluate.fars)
            without = {
                role: self.verdict(verdict.answers[kept], verdict.straight[kept], rest).to_dict()
                for role, verdict in scored.items()
            }
        except DistillError as error:  # too few are left to be measured
            console.print(f"no scores without the near duplicates: {error}", soft_wrap=True)
            return found
        for role, scores in without.items():
            found[role] = {key: scores[key] for key in ("metrics", "intervals", "counts")}
        return found

    def _hardest(self, scored: Mapping[str, EmbeddingVerdict]) -> Pairs:
        """Pairs of pictures that the student is most wrong about."""
        student, trial = scored["student"].answers, self.trial
        if trial.pairs is None:
            found = hardest_pairs(student, trial.identities, HARDEST)
            first, second, same = found.first, found.second, found.same
        else:
            scores = similarities(student[trial.pairs.first], student[trial.pairs.second])
            chosen = hardest_listed(scores, trial.pairs.same, HARDEST)
            first, second, same = (side[chosen] for side in (trial.pairs.first, trial.pairs.second, trial.pairs.same))
        both = trial.pictures.gather(np.stack((first, second), axis=1).ravel())
        by = {role: similarities(verdict.answers[first], verdict.answers[second]) for role, verdict in scored.items()}
        return Pairs(both.reshape(-1, 2, *both.shape[1:]), same, by["student"], by.get("teacher"))

    def describe(self) -> dict[str, Any]:
        found, identities = super().describe(), self.sets.prepared.identities
        people = {
            split: len(np.unique(identities[rows][identities[rows] >= 0]))
            for split in SPLITS
            if len(rows := self.sets.prepared.indices(split))
        }
        return found | {"classes": [], "people": people, "trial": {"name": self.trial.name, **self.trial.describe()}}


def at_thresholds_of(old: EmbeddingVerdict, new: EmbeddingVerdict) -> list[dict[str, Any]]:
    """What the new model's pairs do at the old one's thresholds, FAR by FAR: do the thresholds in use keep working?"""
    found = []
    for far, point in old.verification.points.items():
        measured = new.verification.roc.at_threshold(point.threshold)
        if new.trial.pairs is None:  # pairs that share pictures are no independent cases
            measured = replace(measured, far_interval=None, tar_interval=None)
        found.append({**measured.to_dict(), "far": far, "far_measured": measured.far})
    return found


def _curve(roc: Roc) -> dict[str, Any]:
    far, tar = roc.curve(CURVE_POINTS)
    return {"far": far.tolist(), "tar": tar.tolist()}


def galleries(probes: EmbeddingVerdict, gallery: EmbeddingVerdict, names: tuple[str, str]) -> dict[str, Any]:
    """One model's pictures searched in a gallery of the other's, and each in its own.

    Raises:
        DistillError: their dimensions differ.
    """
    check_dimensions(probes.answers, gallery.answers, f"pictures by {names[0]}", f"pictures by {names[1]}")
    searches = {
        names[0]: probes.identification,
        names[1]: gallery.identification,
        f"{names[0]} in {names[1]}": probes.trial.identify(probes.answers, gallery.answers),
    }
    kept = ("metrics", "intervals", "counts", "rank_curve")
    return {
        name: {key: value for key, value in scores.to_dict().items() if key in kept}
        for name, scores in searches.items()
        if scores is not None
    }


def _own(verdict: Verdict) -> EmbeddingVerdict:
    assert isinstance(verdict, EmbeddingVerdict)  # of this task's judge
    return verdict
