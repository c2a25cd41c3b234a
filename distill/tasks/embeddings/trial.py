"""What embeddings are scored on: pictures of known people, every pair of them or the pairs a list names.

Shapes: N pictures, P pairs, D embedding dimensions.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from distill.data.prepared.alignment import Alignment
from distill.data.prepared.contradictions import check_contradictions
from distill.data.prepared.frame import Frame
from distill.data.prepared.kept import duplicate_of
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.listing import HIDDEN
from distill.data.sources.people import People
from distill.data.sources.source import Source
from distill.errors import DistillError, in_section
from distill.evaluation.all_pairs import AllPairsScores, compare_all_pairs, evaluate_all_pairs
from distill.evaluation.embeddings import similarities
from distill.evaluation.identification import IdentificationScores, evaluate_identification
from distill.evaluation.open_set import OpenSetScores, evaluate_open_set, open_set_of
from distill.evaluation.pairs import Pair, present_pairs, read_pairs
from distill.evaluation.roc import check_resolution
from distill.evaluation.templates import (
    Templates,
    TemplateScores,
    compare_templates,
    evaluate_templates,
    template_cosines,
)
from distill.evaluation.verification import VerificationScores, compare_pairs, evaluate_pairs
from distill.files.nearby import nearby
from distill.files.run_directory import key_of
from distill.recipe.recipe import Evaluate, Prepare

RANKS = (1, 5, 20)
PAIRS = ("pairs.txt", "pairs.csv")
_ARCHIVES = ("images", "lfw-deepfunneled", "lfw_funneled", "lfw-funneled", "lfw-align-128", "lfw")

Verification = VerificationScores | AllPairsScores | TemplateScores


@dataclass(frozen=True, eq=False)
class ListedPairs:
    """Pairs of pictures, or of templates: int64 rows (P,) of both, bool (P,) whether they show one person, int64 (P,)
    the fold; templates have none."""

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    folds: np.ndarray


@dataclass(frozen=True, eq=False)
class Trial:
    """Pictures of known people.

    Attributes:
        name: what reports call it: `test`, `lfw`, or the name of another set.
        identities: int64 (N,), -1 where it is not known; without pairs all are.
        pairs: those to verify; None for every pair.
        templates: which pictures are in which, where pairs are of templates.
    """

    name: str
    pictures: Pictures
    identities: np.ndarray
    pairs: ListedPairs | None = None
    templates: Templates | None = None

    @classmethod
    def of(cls, pictures: Pictures) -> "Trial":
        """All pairs of a split's pictures of known people."""
        known = pictures.where(pictures.identities >= 0)
        return cls("test", known, known.identities)

    @property
    def genuine(self) -> int:
        if self.pairs is not None:
            return int(self.pairs.same.sum())
        sizes = np.unique(self.identities, return_counts=True)[1]
        return int((sizes * (sizes - 1) // 2).sum())

    @property
    def impostors(self) -> int:
        total = len(self.identities) * (len(self.identities) - 1) // 2 if self.pairs is None else len(self.pairs.same)
        return total - self.genuine

    def check(self, fars: tuple[float, ...]) -> None:
        """Refuse what could not be measured, before anything is trained for it.

        Raises:
            DistillError: there are no genuine or no impostor pairs, or a FAR is below one of these.
        """
        if not self.genuine or not self.impostors:
            raise DistillError(
                f"evaluate: {self.name} has {self.genuine} genuine and {self.impostors} impostor pairs, expected some "
                "of both: people with two or more pictures, and two or more people. Give such data, or evaluate.lfw."
            )
        for far in fars:
            check_resolution(far, self.impostors, "evaluate.fars: FAR", "impostor pairs")

    @property
    def by_folds(self) -> bool:
        """Whether accuracy is measured, fold by fold: of pairs of pictures that a list names."""
        return self.pairs is not None and self.templates is None

    def without(self, left_out: np.ndarray) -> "Trial":
        """The same but for some pictures and the pairs they are in; a template keeps its other pictures."""
        kept = np.ones(len(self.identities), bool)
        kept[left_out] = False
        pairs, templates, compared = self.pairs, self.templates, kept
        if templates is not None and pairs is not None:
            rows = kept[templates.pictures]
            compared = np.zeros(1 + templates.templates.max(), bool)
            compared[templates.templates[rows]] = True
            templates = Templates(
                (np.cumsum(kept) - 1)[templates.pictures[rows]],
                (np.cumsum(compared) - 1)[templates.templates[rows]],
                templates.media[rows],
            )
        if pairs is not None:
            both, renumbered = compared[pairs.first] & compared[pairs.second], np.cumsum(compared) - 1
            pairs = ListedPairs(
                renumbered[pairs.first[both]], renumbered[pairs.second[both]], pairs.same[both], pairs.folds[both]
            )
        pictures, identities = self.pictures.where(kept), self.identities[kept]
        return replace(self, pictures=pictures, identities=identities, pairs=pairs, templates=templates)

    def verify(self, embeddings: np.ndarray, fars: tuple[float, ...], seed: int, resamples: int) -> Verification:
        """Score the pairs of embeddings (N, D).

        Raises:
            DistillError: as `evaluate_pairs`, `evaluate_all_pairs` and `evaluate_templates`.
        """
        if self.pairs is None:
            return evaluate_all_pairs(embeddings, self.identities, fars=fars, seed=seed, resamples=resamples)
        if self.templates is not None:
            joined = self.templates.embeddings(embeddings)
            scores = template_cosines(joined, self.pairs.first, self.pairs.second)
            return evaluate_templates(scores, self.pairs.same, len(joined), fars=fars, seed=seed, resamples=resamples)
        scores = similarities(embeddings[self.pairs.first], embeddings[self.pairs.second])
        return evaluate_pairs(scores, self.pairs.same, self.pairs.folds, fars=fars, seed=seed, resamples=resamples)

    def identify(self, probes: np.ndarray, gallery: np.ndarray) -> IdentificationScores | None:
        """Search each picture of people with two or more among the others of these.

        Args:
            probes, gallery: embeddings (N, D) of the pictures, by one model or by two of one space.

        Returns:
            None where nobody is known to have two pictures.

        Raises:
            DistillError: dimensions differ, or an embedding is zero or not finite.
        """
        _, person, sizes = np.unique(self.identities, return_inverse=True, return_counts=True)
        several = (sizes[person] > 1) & (self.identities >= 0)
        people = len(np.unique(self.identities[several]))
        if not people:
            return None
        ranks = tuple(k for k in RANKS if k <= people)
        return evaluate_identification(probes[several], gallery[several], self.identities[several], ranks=ranks)

    def identify_open(
        self, probes: np.ndarray, gallery: np.ndarray, fpirs: tuple[float, ...], seed: int, resamples: int
    ) -> OpenSetScores | None:
        """Search known people among strangers: a picture of each known person is enrolled.

        Args:
            probes, gallery: as of `identify`.
            fpirs: rates; those below one picture of an unknown person are left out.

        Returns:
            None where nobody has two pictures, or strangers' are too few for every rate.
        """
        known = self.identities >= 0
        who = open_set_of(self.identities[known], math.ceil(1 / fpirs[0]))
        measurable = [fpir for fpir in fpirs if fpir * len(who.unmated) >= 1]
        if not measurable or not len(who.mated):
            return None
        return evaluate_open_set(probes[known], gallery[known], who, fpirs=measurable, seed=seed, resamples=resamples)

    def describe(self) -> dict[str, Any]:
        """Facts for results.json."""
        facts: dict[str, Any] = {"pictures": len(self.identities)}
        if (known := self.identities[self.identities >= 0]).size:
            facts["people"] = len(np.unique(known))
        if self.pairs is not None:
            facts["pairs"] = len(self.pairs.same)
        if self.templates is not None:
            facts["templates"] = len(np.unique(self.templates.templates))
        elif self.pairs is not None:
            facts["folds"] = len(np.unique(self.pairs.folds))
        return facts


def verification_difference(first: Verification, second: Verification, far: float) -> dict[str, Any]:
    """The paired difference of accuracy where pairs of pictures were listed, else of TAR at `far`.

    Raises:
        DistillError: the two were not scored on the same pictures under the same seed.
    """
    if isinstance(first, VerificationScores) and isinstance(second, VerificationScores):
        return compare_pairs(first, second).to_dict()
    if isinstance(first, TemplateScores) and isinstance(second, TemplateScores):
        return compare_templates(first, second, far).to_dict()
    assert isinstance(first, AllPairsScores) and isinstance(second, AllPairsScores)  # of one trial
    return compare_all_pairs(first, second, far).to_dict()


def open_lfw(settings: Evaluate, directory: Path, pictures_as: Prepare) -> Trial:
    """LFW's pairs.

    Args:
        directory: where prepared sets are kept.
        pictures_as: size and fit of its pictures, and how many of them may be bad; they are aligned as `settings` say.

    Raises:
        DistillError: the folder lacks pictures or a list of pairs, pairs name pictures that are missing, or too many
            photographs are in the folders of two people.
    """
    assert settings.lfw is not None
    root = settings.lfw.expanduser()
    if not root.is_dir():
        raise DistillError(
            f"evaluate.lfw: {root} is no directory; expected LFW's people and its pairs.txt or pairs.csv in it. "
            f"{nearby(root)}"
        )
    people = _people(root)
    places = [place / name for name in PAIRS for place in (root, people)]
    listed = read_pairs(next((place for place in places if place.is_file()), root / PAIRS[0]))
    prepared = prepare_scored(People(root=people), "lfw", settings, directory, pictures_as)
    listing = Listing.of(prepared, _as_paired)
    pairs = listing.pairs(listed, allow_missing=settings.allow_missing)
    return Trial("lfw", listing.pictures, listing.pictures.identities, pairs)


def prepare_scored(source: Source, key: str, settings: Evaluate, directory: Path, pictures_as: Prepare) -> Prepared:
    """The pictures of a set that models are scored on.

    Args:
        key: of `evaluate` that named it, for its place and for errors.
        directory, pictures_as: as of `open_lfw`.

    Raises:
        DistillError: too many of the pictures are bad, or in the folders of two people.
    """
    align = None if settings.align is None else Alignment(settings.align)
    size = pictures_as.height, pictures_as.width
    frame = Frame(*size, "crop" if align else pictures_as.fit, align)
    fit = () if frame.fit == "crop" else (frame.fit,)  # sets of before there was a choice keep their places
    place = directory / f"{key}-{key_of(source, size, settings.align, *fit)}"
    with in_section(f"evaluate.{key}", ("root",)):
        prepared = prepare(source, place, frame, max_bad_share=pictures_as.max_bad_share)
    check_contradictions(prepared, pictures_as.max_bad_share, f"evaluate.{key}")
    return prepared


@dataclass(frozen=True, eq=False)
class Listing:
    """Prepared pictures by the names that lists have for them.

    Attributes:
        rows: by name, also of those that are kept as another of the same content.
        left_out: why some are not there, by name.
    """

    pictures: Pictures
    rows: dict[str, int]
    left_out: dict[str, str]

    @classmethod
    def of(cls, prepared: Prepared, listed_as: Callable[[str], str]) -> "Listing":
        """Args: listed_as: from a picture's own name to that in the lists."""
        pictures, names = Pictures.of(prepared, "train"), prepared.names
        rows = {listed_as(names[row]): place for place, row in enumerate(pictures.rows[0])}
        left_out = {listed_as(name): reason for name, reason in prepared.ledger}
        for name, reason in left_out.items():
            kept_as = duplicate_of(reason)
            if kept_as is not None and listed_as(kept_as) in rows:
                rows[name] = rows[listed_as(kept_as)]
        return cls(pictures, rows, left_out)

    def pairs(self, listed: Sequence[Pair], *, allow_missing: bool) -> ListedPairs:
        """The pairs of which both pictures are there.

        Raises:
            DistillError: as `present_pairs` does.
        """
        kept = present_pairs(listed, self.rows, allow_missing=allow_missing, left_out=self.left_out)
        return ListedPairs(
            np.array([self.rows[pair.first] for pair in kept]),
            np.array([self.rows[pair.second] for pair in kept]),
            np.array([pair.same for pair in kept]),
            np.array([pair.fold for pair in kept]),
        )


def _people(root: Path) -> Path:
    """The directory of the people: `images`, an archive's own folder, perhaps in another of its name, or `root`; or the
    one folder there is, whatever its name, where folders lie in it."""
    for name in _ARCHIVES:
        for place in (root / name / name, root / name):
            if place.is_dir():
                return place
    place = root
    while len(inner := _folders(place)) == 1 and _folders(inner[0]):
        (place,) = inner
    return place


def _folders(place: Path) -> list[Path]:
    return [one for one in place.iterdir() if one.is_dir() and one.name[0] != "." and one.name.lower() not in HIDDEN]


def _as_paired(name: str) -> str:
    """A picture's name as `pairs.txt` stands for it, whatever its file ends in: PNG, or JPG in capitals."""
    return PurePosixPath(name).with_suffix(".jpg").as_posix()
