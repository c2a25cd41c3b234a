"""Portraits drawn on demand: labelled faces of known people that need no download.

Picture ``index`` of a source is a pure function of (seed, people and counts, index): it is the same alone or in any
batch, today or after a resume, and no two splits share a person.

Shapes: N pictures, C attributes, H W pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered import portrait
from distill.data.rendered.face_attributes import CLASSES, Faces, Integers, sample
from distill.data.sources.source import SPLITS, Drawing, Sample
from distill.errors import DistillError

BATCH = 256  # pictures described between two yields
VERSION = 1  # of what is drawn; raise it with any change to a picture, so that prepared sets are drawn afresh


@dataclass(frozen=True)
class RenderedFaces:
    """Rendered portraits with CelebA's attributes.

    Attributes:
        train: pictures of the training split.
        validation: pictures of the validation split.
        test: pictures of the test split.
        people: persons over all splits, shared out in proportion to their pictures; each split shows its own in turn.
        seed: another seed draws other people and other pictures; 0 to 2**63 - 1.
        attributes: those to label, in this order; None for all. The pictures are the same.

    Raises:
        DistillError: an attribute is not drawn, a count is negative, there are more persons than pictures, a split is
            left without a person, or the seed is out of range.
    """

    name: Literal["rendered_faces"] = "rendered_faces"
    train: int = 6000
    validation: int = 1000
    test: int = 2000
    people: int = 3000
    seed: int = 0
    attributes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for wanted in self.attributes or ():
            if wanted not in CLASSES:
                raise DistillError(f"attributes: {wanted!r} is not drawn; there are {', '.join(CLASSES)}.")
        for split, count in zip(SPLITS, self._counts(), strict=True):
            if count < 0:
                raise DistillError(f"{split}: {count} pictures, expected 0 or more.")
        if not 0 < self.people <= sum(self._counts()):
            raise DistillError(
                f"people: {self.people} persons for {sum(self._counts())} pictures, expected at least one and at "
                "most one a picture; change people or the counts of the splits."
            )
        if not 0 <= self.seed < 2**63:
            raise DistillError(f"seed: found {self.seed}, expected 0 to 2**63 - 1.")
        for split, count, persons in zip(SPLITS, self._counts(), np.diff(self._persons_before()), strict=True):
            if count and not persons:
                raise DistillError(
                    f"people: {self.people} persons leave none for the {count} pictures of the {split} split; "
                    "raise people."
                )

    def classes(self) -> tuple[str, ...]:
        """Names of the chosen attributes, as CelebA has them."""
        return CLASSES if self.attributes is None else self.attributes

    def state(self) -> str:
        """The renderer's version; with the fields above it decides every picture."""
        return str(VERSION)

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        """Every picture of the three splits, yet to be drawn."""
        total = sum(self._counts())
        splits = np.repeat(np.arange(len(SPLITS)), self._counts())
        columns = [CLASSES.index(name) for name in self.classes()]
        for start in range(0, total, BATCH):
            indices = np.arange(start, min(start + BATCH, total))
            identities = self.identities(indices)
            labels = sample(indices, identities, self.seed).labels.astype(np.int64)
            for index, row, identity in zip(indices.tolist(), labels, identities.tolist(), strict=True):
                yield Sample(
                    name=f"{self.name}/{index:07d}",
                    picture=Drawing(self, index),
                    labels=tuple(row[columns].tolist()),
                    identity=identity,
                    split=SPLITS[splits[index]],
                )

    def render(self, indices: Integers, height: int, width: int) -> tuple[NDArray[np.uint8], Integers, Integers]:
        """Draw any pictures of the source.

        Args:
            indices: (N,), each from 0 to the number of pictures; training, validation and test follow one another.

        Returns:
            Pictures uint8 (N, height, width, 3), labels 0 or 1 (N, C) of all attributes, identities (N,).
        """
        faces = self.describe(indices)
        return portrait.draw(faces, height, width), faces.labels.astype(np.int64), self.identities(indices)

    def draw(self, indices: np.ndarray, height: int, width: int) -> NDArray[np.uint8]:
        """The pictures alone: uint8 (N, height, width, 3)."""
        return self.render(indices, height, width)[0]

    def describe(self, indices: Integers) -> Faces:
        """What is drawn on each of the (N,) pictures."""
        return sample(indices, self.identities(indices), self.seed)

    def identities(self, indices: Integers) -> Integers:
        """The person (N,) on each of the (N,) pictures; a split goes round its own people."""
        pictures_before = np.cumsum((0, *self._counts()))
        persons_before = self._persons_before()
        split = np.searchsorted(pictures_before, indices, side="right") - 1
        return persons_before[split] + (indices - pictures_before[split]) % np.diff(persons_before)[split]

    def _counts(self) -> tuple[int, int, int]:
        return self.train, self.validation, self.test

    def _persons_before(self) -> Integers:
        """(4,) the first person of each split, and the number of all."""
        pictures_before = np.cumsum((0, *self._counts()))
        return pictures_before * self.people // pictures_before[-1]
