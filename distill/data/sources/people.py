"""A directory with a folder of pictures for each person, as LFW is laid out (Huang et al., UMass TR 07-49, 2007).

root/Ann_Smith/Ann_Smith_0001.jpg           all for training, or shares of the people held out
root/train/Ann_Smith/1.jpg                  or in parts, beside root/test with other people
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from distill.data.sources.folder import likely_root, pictures_below
from distill.data.sources.held_out import check_share, shared_out
from distill.data.sources.listing import digest
from distill.data.sources.parts import PARTS, part_of
from distill.data.sources.source import Sample, Split
from distill.data.wordnet import shown
from distill.errors import DistillError, echo


@dataclass(frozen=True)
class People:
    """The pictures in each person's folder, at any depth.

    A person's number is the place of the folder among those with pictures, in the order of their names.

    Attributes:
        root: the directory of the folders, or of the parts train, validation and test that hold them, in the spellings
            of `PARTS`.
        validation, test: shares of the people held out, where the directory has no parts.

    Raises:
        DistillError: the shares are none, or leave nobody to train on.
    """

    name: Literal["people"] = "people"
    root: Path | None = None
    validation: float = 0.0
    test: float = 0.0

    def __post_init__(self) -> None:
        check_share("validation", self.validation)
        check_share("test", self.test)
        check_share("validation and test together", self.validation + self.test)

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        listed = pictures_below(self.root, "root")
        tops = {sample.name.partition("/")[0] for sample in listed}
        # One folder may be a person who is called so, such as Val.
        split_up = len(tops) > 1 and all(part_of(top) is not None for top in tops)
        depth = 1 if split_up else 0
        strays = [sample.name for sample in listed if sample.name.count("/") <= depth]
        if strays:
            raise DistillError(
                f"root: {self.root} holds {len(strays)} pictures of no person: {shown(strays)}. Expected a folder for "
                "each person, and pictures only in those."
            )
        owners = [sample.name.split("/")[depth] for sample in listed]
        if len(set(owners)) == 1:
            assert self.root is not None  # `pictures_below` refuses that
            raise DistillError(
                f"root: {self.root} holds pictures of one person alone, {echo(owners[0])}. "
                + likely_root(self.root, listed, "people")
            )
        splits = self._of_parts(listed) if split_up else self._shared_out(owners)
        numbers = {person: number for number, person in enumerate(sorted(set(owners)))}
        return [
            replace(sample, identity=numbers[owner], split=split)
            for sample, owner, split in zip(listed, owners, splits, strict=True)
        ]

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def _of_parts(self, listed: list[Sample]) -> list[Split]:
        if self.validation or self.test:
            raise DistillError(
                f"root: {self.root} is in parts ({', '.join(PARTS)}) already; leave out validation and test."
            )
        parts = {top: part_of(top) for top in (sample.name.partition("/")[0] for sample in listed)}
        return [split for sample in listed if (split := parts[sample.name.partition("/")[0]])]

    def _shared_out(self, owners: list[str]) -> list[Split]:
        """The split of each picture, by its person."""
        splits = shared_out(owners, self.validation, self.test)
        if splits is None:
            raise DistillError(
                f"root: {self.root} holds {len(set(owners))} people, too few to hold some out for validation or test; "
                "add people, or leave these out."
            )
        return [splits[owner] for owner in owners]
