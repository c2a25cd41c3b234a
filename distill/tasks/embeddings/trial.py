"""What embeddings are scored on: pictures of known people, every pair of them or the pairs a list names.

Shapes: N pictures, P pairs, D embedding dimensions.
"""

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
from distill.data.sources.listing import HIDDEN
from distill.data.sources.people import People
from distill.errors import DistillError, in_section
from distill.evaluation.all_pairs import AllPairsScores, compare_all_pairs, evaluate_all_pairs
from distill.evaluation.embeddings import similarities
from distill.evaluation.identification import IdentificationScores, evaluate_identification
from distill.evaluation.pairs import present_pairs, read_pairs
from distill.evaluation.roc import check_resolution
from distill.evaluation.verification import VerificationScores, compare_pairs, evaluate_pairs
from distill.files.nearby import nearby
from distill.files.run_directory import key_of
from distill.recipe.recipe import Evaluate, Prepare

RANKS = (1, 5, 20)
PAIRS = ("pairs.txt", "pairs.csv")
_ARCHIVES = ("images", "lfw-deepfunneled", "lfw_funneled", "lfw-funneled", "lfw-align-128", "lfw")

Verification = VerificationScores | AllPairsScores


@dataclass(frozen=True, eq=False)
class ListedPairs:
    """Pairs of pictures: int64 rows (P,) of both, bool (P,) whether they show one person, int64 (P,) the fold."""

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    folds: np.ndarray


@dataclass(frozen=True, eq=False)
class Trial:
    """Pictures of known people.

    Attributes:
        name: what reports call it: `test`, or `lfw`.
        identities: int64 (N,).
        pairs: those to verify; None for every pair.
    """

    name: str
    pictures: Pictures
    identities: np.ndarray
    pairs: ListedPairs | None = None

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

    def without(self, left_out: np.ndarray) -> "Trial":
        """The same but for some pictures and the pairs they are in."""
        kept = np.ones(len(self.identities), bool)
        kept[left_out] = False
        pairs = self.pairs
        if pairs is not None:
            both, renumbered = kept[pairs.first] & kept[pairs.second], np.cumsum(kept) - 1
            pairs = ListedPairs(
                renumbered[pairs.first[both]], renumbered[pairs.second[both]], pairs.same[both], pairs.folds[both]
            )
        return replace(self, pictures=self.pictures.where(kept), identities=self.identities[kept], pairs=pairs)

    def verify(self, embeddings: np.ndarray, fars: tuple[float, ...], seed: int, resamples: int) -> Verification:
        """Score the pairs of embeddings (N, D).

        Raises:
            DistillError: as `evaluate_pairs` and `evaluate_all_pairs`.
        """
        if self.pairs is None:
            return evaluate_all_pairs(embeddings, self.identities, fars=fars, seed=seed, resamples=resamples)
        scores = similarities(embeddings[self.pairs.first], embeddings[self.pairs.second])
        return evaluate_pairs(scores, self.pairs.same, self.pairs.folds, fars=fars, seed=seed, resamples=resamples)

    def identify(self, probes: np.ndarray, gallery: np.ndarray) -> IdentificationScores | None:
        """Search each picture of people with two or more among the others of these.

        Args:
            probes, gallery: embeddings (N, D) of the pictures, by one model or by two of one space.

        Returns:
            None where nobody has two pictures.

        Raises:
            DistillError: dimensions differ, or an embedding is zero or not finite.
        """
        _, person, sizes = np.unique(self.identities, return_inverse=True, return_counts=True)
        several = sizes[person] > 1
        people = int((sizes > 1).sum())
        if not people:
            return None
        ranks = tuple(k for k in RANKS if k <= people)
        return evaluate_identification(probes[several], gallery[several], self.identities[several], ranks=ranks)

    def describe(self) -> dict[str, Any]:
        """Facts for results.json."""
        facts: dict[str, Any] = {"pictures": len(self.identities), "people": len(np.unique(self.identities))}
        if self.pairs is not None:
            facts |= {"pairs": len(self.pairs.same), "folds": len(np.unique(self.pairs.folds))}
        return facts


def verification_difference(first: Verification, second: Verification, far: float) -> dict[str, Any]:
    """The paired difference of accuracy where pairs were listed, else of TAR at `far`.

    Raises:
        DistillError: the two were not scored on the same pictures under the same seed.
    """
    if isinstance(first, VerificationScores) and isinstance(second, VerificationScores):
        return compare_pairs(first, second).to_dict()
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
    source = People(root=people)
    align = None if settings.align is None else Alignment(settings.align)
    size = pictures_as.height, pictures_as.width
    frame = Frame(*size, "crop" if align else pictures_as.fit, align)
    fit = () if frame.fit == "crop" else (frame.fit,)  # sets of before there was a choice keep their places
    place = directory / f"lfw-{key_of(source, size, settings.align, *fit)}"
    with in_section("evaluate.lfw", ()):
        prepared = prepare(source, place, frame, max_bad_share=pictures_as.max_bad_share)
    check_contradictions(prepared, pictures_as.max_bad_share, "evaluate.lfw")
    pictures = Pictures.of(prepared, "train")
    names = prepared.names
    rows = {_as_paired(names[row]): place for place, row in enumerate(pictures.rows[0])}
    left_out = {_as_paired(name): reason for name, reason in prepared.ledger}
    for name, reason in left_out.items():
        kept_as = duplicate_of(reason)
        if kept_as is not None and _as_paired(kept_as) in rows:
            rows[name] = rows[_as_paired(kept_as)]
    kept = present_pairs(listed, rows, allow_missing=settings.allow_missing, left_out=left_out)
    pairs = ListedPairs(
        np.array([rows[pair.first] for pair in kept]),
        np.array([rows[pair.second] for pair in kept]),
        np.array([pair.same for pair in kept]),
        np.array([pair.fold for pair in kept]),
    )
    return Trial("lfw", pictures, pictures.identities, pairs)


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
