"""Pictures of people: which are learnt from, and the trial that models are scored by."""

from functools import cached_property
from typing import Any

import numpy as np

from distill.data.prepared.pictures import Pictures
from distill.data.sources.source import SPLITS
from distill.errors import DistillError
from distill.tasks.embeddings.published import open_published
from distill.tasks.embeddings.trial import Trial, open_lfw
from distill.tasks.pictures import TaskPictures
from distill.tasks.sets import Sets


class PeoplePictures(TaskPictures):
    """Of people that are in one part each."""

    @cached_property
    def trial(self) -> Trial:
        """The pictures that models are scored on.

        Raises:
            DistillError: they cannot be had.
        """
        settings = self.recipe.evaluate
        if settings.lfw is None and settings.pairs.name is None:
            return Trial.of(self.sets.test)
        place = self.recipe.prepare.root or self.directory
        opened = open_lfw if settings.pairs.name is None else open_published
        return opened(settings, place, self.recipe.prepare)

    @property
    def scored(self) -> tuple[Pictures, ...]:
        pictures = self.trial.pictures
        mirrored = () if self.recipe.evaluate.flips == "none" else (pictures.mirror(),)
        return self.sets.validation, pictures, *mirrored

    def check_sets(self, sets: Sets) -> None:
        self.check_best(sets)
        teaches = "teach" in self.recipe.stages
        if teaches and self.recipe.teach.keep == "best" and not self.verifiable(sets.validation):
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

    def verifiable(self, pictures: Pictures) -> bool:
        """Whether there are pairs enough to measure TAR at the first FAR on."""
        people = Trial.of(pictures)
        return bool(people.genuine and people.impostors * self.recipe.evaluate.fars[0] >= 1)

    def describe(self) -> dict[str, Any]:
        facts, identities = super().describe(), self.sets.prepared.identities
        people = {
            split: len(np.unique(identities[rows][identities[rows] >= 0]))
            for split in SPLITS
            if len(rows := self.sets.prepared.indices(split))
        }
        return facts | {"classes": [], "people": people, "trial": {"name": self.trial.name, **self.trial.describe()}}
