"""Dogs drawn on demand: breeds told apart by details, and a web set with wrong labels, that need no download.

Picture ``index`` of a source is a pure function of (seed, part, counts, index): it is the same alone or in any batch,
today or after a resume.

Shapes: N pictures, B breeds, H W pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from distill.data.rendered import dog
from distill.data.rendered.breeds import BREEDS, Dogs, Integers, sample
from distill.data.rendered.dice import Dice
from distill.data.sources.source import SPLITS, Drawing, Sample
from distill.errors import DistillError

BATCH = 256  # pictures described between two yields
VERSION = 1  # of what is drawn; raise it with any change to a picture, so that prepared sets are drawn afresh
_LABELS = 1  # the dice's stream for labels; 0 is for what is seen
_SISTERS = 0.5  # share of wrong labels that name the sister breed: those are what people confuse


@dataclass(frozen=True)
class RenderedDogs:
    """Rendered dogs, one class a breed, as many pictures of each.

    Attributes:
        train: pictures of the training split.
        validation: pictures of the validation split.
        test: pictures of the test split.
        wrong: share of the training pictures whose label names another breed, half of them the sister breed, as in
            pictures a web search gave.
        part: another part shows other dogs of the same breeds, none of which is in any other part.
        seed: another seed draws other dogs; 0 to 2**63 - 1.

    Raises:
        DistillError: a count is negative or leaves a breed out of its split, the share is none, or a number is out of
            range.
    """

    name: Literal["rendered_dogs"] = "rendered_dogs"
    train: int = 1440
    validation: int = 480
    test: int = 1200
    wrong: float = 0.0
    part: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for split, count in zip(SPLITS, self._counts(), strict=True):
            if count < 0 or 0 < count < len(BREEDS):
                raise DistillError(
                    f"{split}: {count} pictures, expected 0, or at least {len(BREEDS)}: one of each breed."
                )
        if not 0 <= self.wrong <= 1:
            raise DistillError(f"wrong: found {self.wrong}, expected a share from 0 to 1.")
        if not 0 <= self.part < 2**16:
            raise DistillError(f"part: found {self.part}, expected 0 to {2**16 - 1}.")
        if not 0 <= self.seed < 2**63:
            raise DistillError(f"seed: found {self.seed}, expected 0 to 2**63 - 1.")

    def classes(self) -> tuple[str, ...]:
        """The breeds, named as folders are: WordNet id and name."""
        return tuple(breed.name for breed in BREEDS)

    def state(self) -> str:
        """The renderer's version; with the fields above it decides every picture."""
        return str(VERSION)

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        """Every picture of the three splits, yet to be drawn."""
        one_hot = [tuple(row) for row in np.eye(len(BREEDS), dtype=np.int64).tolist()]
        splits = np.repeat(np.arange(len(SPLITS)), self._counts())
        for start in range(0, len(splits), BATCH):
            indices = np.arange(start, min(start + BATCH, len(splits)))
            for index, label in zip(indices.tolist(), self.labels(indices).tolist(), strict=True):
                yield Sample(
                    name=f"{self.name}/{self.part}/{index:07d}",
                    picture=Drawing(self, index),
                    labels=one_hot[label],
                    split=SPLITS[splits[index]],
                )

    def draw(self, indices: Integers, height: int, width: int) -> NDArray[np.uint8]:
        """Any pictures of the source: uint8 (N, height, width, 3).

        Args:
            indices: (N,); training, validation and test pictures follow one another.
        """
        return dog.draw(self.describe(indices), height, width)

    def describe(self, indices: Integers) -> Dogs:
        """What is drawn on each of the (N,) pictures."""
        return sample(self._counters(indices), self.breeds(indices), self.seed)

    def breeds(self, indices: Integers) -> Integers:
        """The breed (N,) that each of the (N,) pictures shows, a place in `classes`; a split goes round all."""
        before = np.cumsum((0, *self._counts()))
        split = np.searchsorted(before, indices, side="right") - 1
        return (indices - before[split]) % len(BREEDS)

    def labels(self, indices: Integers) -> Integers:
        """The breed (N,) that each of the (N,) pictures is said to show."""
        breeds = self.breeds(indices)
        dice = Dice(self.seed, _LABELS, self._counters(indices), 4)
        wrong = dice.chance(self.wrong) & (indices < self.train)
        sister = dice.chance(_SISTERS)
        # Among the other breeds but the sister: from the pair after the own one on, round to the pair before it.
        other = (breeds - breeds % 2 + 2 + (dice.uniform(0, len(BREEDS) - 2)).astype(np.int64)) % len(BREEDS)
        return np.where(wrong, np.where(sister, breeds ^ 1, other), breeds)

    def _counters(self, indices: Integers) -> Integers:
        return indices + (self.part << 40)

    def _counts(self) -> tuple[int, int, int]:
        return self.train, self.validation, self.test
