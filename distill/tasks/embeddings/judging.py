"""What a model of embeddings is worth: verification of pairs, and identification among others.

Shapes: N pictures, D embedding dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import numpy as np
from rich.console import Console

from distill import formatting
from distill.answers import Embedding
from distill.answers.kind import Arrays, Kind
from distill.data.duplicates.report import find_duplicates
from distill.errors import DistillError
from distill.evaluation.embeddings import check_dimensions, combine_flips, similarities, unit_embeddings
from distill.evaluation.hardest import hardest_listed, hardest_pairs
from distill.evaluation.histogram import cosine_histogram
from distill.evaluation.identification import IdentificationScores
from distill.evaluation.open_set import OpenSetScores
from distill.evaluation.roc import Roc, tar_name
from distill.evaluation.verification import VerificationScores
from distill.predictors.predictor import Predictor
from distill.report.results import CutOffs
from distill.tasks.embeddings.entries import EmbeddingEntries
from distill.tasks.embeddings.finding import FindingScores, finding_scores
from distill.tasks.embeddings.people import PeoplePictures
from distill.tasks.embeddings.report import ShownPairs, embedding_report
from distill.tasks.embeddings.trial import Trial, Verification, verification_difference
from distill.tasks.judging import Details, Judging
from distill.tasks.verdict import SCORES, Verdict, scores_of
from teachers.teacher import Teacher

console = Console(stderr=True, markup=False, emoji=False)
CURVE_POINTS = 200
HARDEST = 6  # pairs of each kind, in the report
MOVED = 200  # pictures whose pairs are searched for those an exported file sees differently


@dataclass(frozen=True)
class EmbeddingVerdict(Verdict):
    """What a model answered to the pictures of a trial, and how that scores.

    Attributes:
        answers: float32 (N, D) of unit length, flips joined.
        straight: float32 (N, D) of unit length, of the pictures alone: what a file answers.
        first: the metric that comes first: `accuracy` of listed pairs of pictures, else TAR at the first FAR.
        finding: the whole way from photographs, where faces had to be found.
    """

    answers: dict[str, np.ndarray]
    straight: np.ndarray
    trial: Trial
    first: str
    verification: Verification
    identification: IdentificationScores | None
    open_set: OpenSetScores | None
    finding: FindingScores | None = None
    searches: ClassVar[bool] = True

    @property
    def embeddings(self) -> np.ndarray:
        """float32 (N, D) of unit length, flips joined."""
        return self.answers["embeddings"]

    @property
    def metric(self) -> str:
        return self.first

    @property
    def score(self) -> float:
        return float(self.verification.to_dict()["metrics"][self.metric])

    @property
    def by_chance(self) -> float:
        """Cosines that say nothing accept as large a share of one person's pairs as of two people's; and the same
        answer to every pair is right about the more frequent kind."""
        rates = {tar_name(far): far for far in self.verification.points}
        if self.metric in rates:
            return rates[self.metric]
        genuine, impostors = self.trial.genuine, self.trial.impostors
        return max(genuine, impostors) / (genuine + impostors)

    @property
    def headline(self) -> str:
        return f"{self.metric} {self.score:.4f} on {self.trial.name}"

    def complete(self, kind: Kind) -> Kind:
        assert isinstance(kind, Embedding)  # this task's
        if self.trial.templates is not None:  # whose cosines are of means, not of two pictures
            return kind
        # Of the embeddings that will be compared with them, whatever the scores are of.
        points = self.trial.verify(self.straight, tuple(self.verification.points), seed=0, resamples=2).points
        return replace(kind, far_thresholds={f"{far:g}": point.threshold for far, point in points.items()})

    def to_dict(self) -> dict[str, Any]:
        scores = self.verification.to_dict()
        if self.identification is not None:
            searched = self.identification.to_dict()
            for key in SCORES:
                scores[key] |= searched[key]
        if self.open_set is not None:
            among_strangers = self.open_set.to_dict()
            for key in SCORES:
                scores[key] |= among_strangers[key]
            scores["open_set"] = among_strangers["open_set"]
        # What counts stands first: headlines and tables begin with it.
        scores["metrics"] = {self.metric: scores["metrics"][self.metric]} | scores["metrics"]
        scores["counts"]["pictures"] = len(self.embeddings)
        if self.finding is not None:
            scores["finding"] = self.finding.to_dict()
        return scores | {"split": self.trial.name}

    def compare(self, other: Self) -> dict[str, Any]:
        return verification_difference(self.verification, other.verification, next(iter(self.verification.points)))

    def search(self, gallery: Self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        return galleries(self, gallery, ("model", "gallery")), at_thresholds_of(gallery, self)

    def offenders(self, student: Self) -> list[str]:
        """Pairs of pictures by the change of their cosine, among the pictures whose embeddings moved most."""
        ours, theirs, pictures = self.embeddings, student.embeddings, self.trial.pictures
        moved = np.argsort(similarities(ours, theirs), kind="stable")[:MOVED]
        change = np.abs(ours[moved] @ ours[moved].T - theirs[moved] @ theirs[moved].T)
        first, second = np.triu_indices(len(moved), k=1)
        order = np.argsort(-change[first, second], kind="stable")[:HARDEST]
        return [
            f"{pictures.name(int(moved[first[k]]))} with {pictures.name(int(moved[second[k]]))} "
            f"{change[first[k], second[k]]:.3f}"
            for k in order
        ]

    def summary(self) -> list[str]:
        scores = self.to_dict()
        others = [f"{name} {formatting.score(value)}" for name, value in scores["metrics"].items()][1:]
        counted = f"{scores['counts']['pictures']} pictures of {scores['split']}"
        lines = [f"{self.chief()}, {', '.join(others)}, {counted}"]
        return lines if self.finding is None else [*lines, *self.finding.summary()]


class EmbeddingJudging(Judging[PeoplePictures, EmbeddingVerdict]):
    """Verification and identification of the trial's people."""

    @property
    def held_out(self) -> str:
        return self.pictures.trial.name

    def embed(self, predictor: Predictor, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings (N, D) of a trial's pictures, of unit length: with flips joined, as scored, and without.

        Raises:
            DistillError: the model answers classes, NaN or zero vectors.
        """
        if (names := predictor.kind.class_names) is not None:
            raise DistillError(
                f"{predictor.name}: answers {len(names)} classes, expected an embedding. Score it by a "
                "recipe for attributes."
            )
        flips = self.recipe.evaluate.flips
        straight = unit_embeddings(
            self.answers(predictor, trial.pictures, trial.name)["embeddings"], owner=predictor.name
        )
        if flips == "none":
            return straight, straight
        mirrored = self.answers(predictor, trial.pictures.mirror(), f"{trial.name}, mirrored")["embeddings"]
        return combine_flips(straight, mirrored, flips), straight

    def judge(self, predictor: Predictor) -> EmbeddingVerdict:
        trial = self.pictures.trial
        verdict = self.verdict(*self.embed(predictor, trial), trial)
        if trial.lost is None:
            return verdict
        assert isinstance(verdict.verification, VerificationScores)  # of listed pairs
        given = None if trial.given is None else trial.given.cosines(self.embed(predictor, trial.given)[0])
        finding = finding_scores(trial.lost, trial.cosines(verdict.embeddings), verdict.verification, given)
        return replace(verdict, finding=finding)

    def verdict(self, embeddings: np.ndarray, straight: np.ndarray, trial: Trial) -> EmbeddingVerdict:
        """Score embeddings (N, D) of a trial's pictures, as `embed` gives them."""
        settings = self.recipe.evaluate
        return EmbeddingVerdict(
            {"embeddings": embeddings},
            straight,
            trial,
            "accuracy" if trial.by_folds else tar_name(settings.fars[0]),
            trial.verify(embeddings, settings.fars, self.recipe.seed, settings.resamples),
            trial.identify(embeddings, embeddings),
            trial.identify_open(embeddings, embeddings, settings.fars, self.recipe.seed, settings.resamples),
        )

    def cut_offs(self, kind: Kind) -> CutOffs | None:
        if not isinstance(kind, Embedding) or not kind.far_thresholds:
            return None
        said = "Two pictures count as one person from this cosine on, at the FAR named, of the pictures alone"
        return {"said": said, "values": {f"FAR {far}": cosine for far, cosine in kind.far_thresholds.items()}}

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        people, settings = Trial.of(self.pictures.sets.validation), self.recipe.evaluate
        if not self.pictures.verifiable(people.pictures):
            return {"split": "validation"}
        embeddings = self.answers(predictor, people.pictures, "validation")["embeddings"]
        scores = people.verify(embeddings, settings.fars[:1], self.recipe.seed, settings.resamples).to_dict()
        return scores_of(scores) | {"split": "validation"}

    def agree(
        self, student: Arrays, teacher: Arrays, verdicts: tuple[EmbeddingVerdict, EmbeddingVerdict]
    ) -> dict[str, Any]:
        ours, theirs = student["embeddings"], teacher["embeddings"]
        return {"cosine": float(similarities(ours, theirs).mean()), "pictures": len(ours)}

    def details(self, verdicts: Mapping[str, EmbeddingVerdict], teacher: Teacher | None) -> Details:
        content: dict[str, Any] = {
            "roc": {role: _curve(verdict.verification.roc) for role, verdict in verdicts.items()},
            "histograms": {
                role: cosine_histogram(verdict.verification.roc).to_dict() for role, verdict in verdicts.items()
            },
            "ranks": {
                role: verdict.identification.curve.tolist()
                for role, verdict in verdicts.items()
                if verdict.identification is not None
            },
            "near_duplicates": self._near_duplicates(verdicts),
        }
        if "teacher" in verdicts:
            content["at_teacher_thresholds"] = at_thresholds_of(verdicts["teacher"], verdicts["student"])
            content["galleries"] = galleries(verdicts["student"], verdicts["teacher"], ("student", "teacher"))
        entries = cast(EmbeddingEntries, content)
        open_sets = {role: verdict.open_set for role, verdict in verdicts.items() if verdict.open_set is not None}
        scores = {role: verdict.to_dict() for role, verdict in verdicts.items()}
        return Details(entries, embedding_report(entries, self._hardest(verdicts), open_sets, scores))

    def _near_duplicates(self, verdicts: Mapping[str, EmbeddingVerdict]) -> dict[str, Any]:
        """How many pictures are in the transfer set too, and the scores without them; names go into a file."""
        trial = self.pictures.trial
        copies, entry = find_duplicates(
            self.pictures.sets.transfer, trial.pictures, trial.name, self.pictures.directory
        )
        if not len(copies):
            return entry
        rest = trial.without(copies)
        kept = np.setdiff1d(np.arange(len(trial.identities)), copies)
        try:
            rest.check(self.recipe.evaluate.fars)
            without = {
                role: self.verdict(verdict.embeddings[kept], verdict.straight[kept], rest).to_dict()
                for role, verdict in verdicts.items()
            }
        except DistillError as error:  # too few are left to be measured
            console.print(f"no scores without the near duplicates: {error}", soft_wrap=True)
            return entry
        for role, scores in without.items():
            entry[role] = scores_of(scores)
        return entry

    def _hardest(self, verdicts: Mapping[str, EmbeddingVerdict]) -> ShownPairs:
        """Pairs of pictures that the student is most wrong about."""
        student, trial = verdicts["student"].embeddings, self.pictures.trial
        if trial.templates is not None:  # a mean is no picture
            none = np.zeros((0, 2, *trial.pictures[:1].shape[1:]), np.uint8)
            return ShownPairs(none, np.zeros(0, bool), np.zeros(0))
        if trial.pairs is None:
            hardest = hardest_pairs(student, trial.identities, HARDEST)
            first, second, same = hardest.first, hardest.second, hardest.same
        else:
            scores = similarities(student[trial.pairs.first], student[trial.pairs.second])
            rows = hardest_listed(scores, trial.pairs.same, HARDEST)
            first, second, same = (side[rows] for side in (trial.pairs.first, trial.pairs.second, trial.pairs.same))
        both = trial.pictures.gather(np.stack((first, second), axis=1).ravel())
        by = {
            role: similarities(verdict.embeddings[first], verdict.embeddings[second])
            for role, verdict in verdicts.items()
        }
        return ShownPairs(both.reshape(-1, 2, *both.shape[1:]), same, by["student"], by.get("teacher"))


def at_thresholds_of(old: EmbeddingVerdict, new: EmbeddingVerdict) -> list[dict[str, Any]]:
    """What the new model's pairs do at the old one's thresholds, FAR by FAR: do the thresholds in use keep working?"""
    rows = []
    for far, point in old.verification.points.items():
        measured = new.verification.roc.at_threshold(point.threshold)
        if new.trial.pairs is None:  # pairs that share pictures are no independent cases
            measured = replace(measured, far_interval=None, tar_interval=None)
        rows.append({**measured.to_dict(), "far": far, "far_measured": measured.far})
    return rows


def _curve(roc: Roc) -> dict[str, Any]:
    far, tar = roc.curve(CURVE_POINTS)
    return {"far": far.tolist(), "tar": tar.tolist()}


def galleries(probes: EmbeddingVerdict, gallery: EmbeddingVerdict, names: tuple[str, str]) -> dict[str, dict[str, Any]]:
    """One model's pictures searched in a gallery of the other's, and each in its own.

    Raises:
        DistillError: their dimensions differ.
    """
    check_dimensions(probes.embeddings, gallery.embeddings, f"pictures by {names[0]}", f"pictures by {names[1]}")
    trial, known = probes.trial, probes.open_set
    across = probes.embeddings, gallery.embeddings
    among_strangers = (
        None if known is None else trial.identify_open(*across, tuple(known.points), known.seed, len(known.resampled))
    )
    searches = {
        names[0]: (probes.identification, probes.open_set),
        names[1]: (gallery.identification, gallery.open_set),
        f"{names[0]} in {names[1]}": (trial.identify(*across), among_strangers),
    }
    return {
        name: _search(identification, open_set)
        for name, (identification, open_set) in searches.items()
        if identification is not None
    }


def _search(identification: IdentificationScores, open_set: OpenSetScores | None) -> dict[str, Any]:
    """The scores of one search, as results.json has them."""
    content = {key: value for key, value in identification.to_dict().items() if key in (*SCORES, "rank_curve")}
    if open_set is not None:
        for key, values in open_set.to_dict().items():
            content[key] = content.get(key, {}) | values
    return content
