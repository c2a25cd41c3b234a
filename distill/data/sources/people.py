"""A directory with a folder of pictures for each person, as LFW is laid out (Huang et al., UMass TR 07-49, 2007).

root/Ann_Smith/Ann_Smith_0001.jpg
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from distill.data.sources.folder import likely_root, pictures_below
from distill.data.sources.listing import digest
from distill.data.sources.source import Sample
from distill.errors import DistillError


@dataclass(frozen=True)
class People:
    """The pictures in each person's folder, at any depth; all of them are for training.

    A person's number is the place of the folder among those with pictures, in the order of their names.

    Attributes:
        root: the directory of the folders.
    """

    name: Literal["people"] = "people"
    root: Path | None = None

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        listed = pictures_below(self.root, "root")
        strays = [sample.name for sample in listed if "/" not in sample.name]
        if strays:
            raise DistillError(
                f"root: {self.root} holds pictures of no person: {', '.join(strays[:5])}"
                f"{', ...' if len(strays) > 5 else ''}. Expected a folder for each person, and pictures only in those."
            )
        if len({sample.name.partition("/")[0] for sample in listed}) == 1:
            assert self.root is not None  # `pictures_below` refuses that
            raise DistillError(
                f"root: {self.root} holds pictures of one person alone, {listed[0].name.partition('/')[0]!r}. "
                + likely_root(self.root, listed, "people")
            )
        owners = [sample.name.partition("/")[0] for sample in listed]
        numbers = {person: number for number, person in enumerate(sorted(set(owners)))}
        return [replace(sample, identity=numbers[owner]) for sample, owner in zip(listed, owners, strict=True)]

    def state(self) -> str:
        return digest(self.samples(0, 0))
