"""A directory with a folder of pictures for each class, as a web search or ImageNet leaves them.

root/n02085620-Chihuahua/1.jpg              all for training, or shares held out
root/train/n02085620-Chihuahua/1.jpg        or in parts, beside root/validation and root/test, in other spellings too
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
from distill.errors import DistillError


@dataclass(frozen=True)
class ClassFolders:
    """The pictures in each class's folder, at any depth.

    A class is named as its folder is, and classes stand in the order of their names.

    Attributes:
        root: the directory of the folders, or of the parts train, validation and test that hold them, in the spellings
            of `PARTS`.
        validation, test: shares of each class's pictures held out, where the directory has no parts.

    Raises:
        DistillError: the shares are none, or leave nothing to train on.
    """

    name: Literal["class_folders"] = "class_folders"
    root: Path | None = None
    validation: float = 0.0
    test: float = 0.0

    def __post_init__(self) -> None:
        check_share("validation", self.validation)
        check_share("test", self.test)
        check_share("validation and test together", self.validation + self.test)

    def classes(self) -> tuple[str, ...]:
        return tuple(sorted({folder for _, folder, _ in self._listed()}))

    def samples(self, height: int, width: int) -> list[Sample]:
        listed, classes = self._listed(), self.classes()
        one_hot = {folder: tuple(int(folder == one) for one in classes) for folder in classes}
        return [replace(sample, labels=one_hot[folder], split=split) for sample, folder, split in listed]

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def _listed(self) -> list[tuple[Sample, str, Split]]:
        """Each picture, its class's folder and its split."""
        pictures = pictures_below(self.root, "root")
        tops = {sample.name.partition("/")[0] for sample in pictures if "/" in sample.name}
        strays = [sample.name for sample in pictures if "/" not in sample.name]
        parts = sorted(top for top in tops if part_of(top) is not None)
        split_up = tops != set() and len(parts) == len(tops)
        # One folder may be a class that is called so, such as `train` of vehicles.
        if not split_up and len(parts) > 1:
            others = shown(sorted(tops - set(parts)))
            raise DistillError(
                f"root: {self.root} has the parts {', '.join(parts)} and beside them {others}. Expected only parts "
                f"({', '.join(PARTS)}), or only a folder for each class."
            )
        if split_up:
            strays += [sample.name for sample in pictures if sample.name.count("/") == 1]
        if strays:
            raise DistillError(
                f"root: {self.root} holds {len(strays)} pictures of no class: {shown(strays)}. Expected a folder "
                "for each class, and pictures only in those."
            )
        if split_up:
            return self._of_parts(pictures)
        by_class: dict[str, list[Sample]] = {}
        for sample in pictures:
            by_class.setdefault(sample.name.partition("/")[0], []).append(sample)
        self._check_classes(by_class)
        return [
            (sample, folder, split)
            for folder, samples in by_class.items()
            for sample, split in self._shared_out(samples)
        ]

    def _check_classes(self, by_class: dict[str, list[Sample]]) -> None:
        """Refuse folders that are parts of unknown names, and one that is the root of others."""
        inner = {
            folder: {sample.name.split("/", 2)[1] for sample in found if sample.name.count("/") > 1}
            for folder, found in by_class.items()
        }
        if len(by_class) == 1:
            (folder,) = by_class
            assert self.root is not None
            raise DistillError(
                f"root: {self.root} holds one class alone, {folder!r}, and there is nothing to tell it from. "
                + likely_root(self.root, by_class[folder], "classes")
            )
        shared = set.intersection(*inner.values())
        deep = all(sample.name.count("/") > 1 for found in by_class.values() for sample in found)
        if deep and len(shared) > 1 and 2 * len(shared) >= max(map(len, inner.values())):
            raise DistillError(
                f"root: the folders {shown(sorted(by_class))} of {self.root} all hold the same folders "
                f"({shown(sorted(shared))}), so they are parts of the set and no classes. Call them train, validation "
                "and test, or name one of them as the root."
            )

    def _of_parts(self, pictures: list[Sample]) -> list[tuple[Sample, str, Split]]:
        if self.validation or self.test:
            raise DistillError(
                f"root: {self.root} is in parts ({', '.join(PARTS)}) already; leave out validation and test."
            )
        listed = []
        folders: dict[Split, str] = {}
        for sample in pictures:
            part, folder, _ = sample.name.split("/", 2)
            split = part_of(part)
            assert split is not None  # all of them are parts
            if folders.setdefault(split, part) != part:
                raise DistillError(
                    f"root: {self.root} has {folders[split]} and {part}, and both are called as the pictures for "
                    f"{split} are. Rename or remove one of them."
                )
            listed.append((sample, folder, split))
        if len({folder for _, folder, _ in listed}) == 1:
            raise DistillError(
                f"root: the parts of {self.root} hold one class alone, {folder!r}, and there is nothing to tell it "
                "from. Expected in each part a folder for each class."
            )
        classes = {split: {folder for _, folder, part in listed if part == split} for split in folders}
        first = "train" if "train" in classes else next(iter(classes))
        for split, found in classes.items():
            if differing := sorted(classes[first] ^ found):
                raise DistillError(
                    f"root: {self.root}: {len(differing)} classes are in only one of {first} and {split}: "
                    f"{shown(differing)}. Expected every class in both."
                )
        return listed

    def _shared_out(self, samples: list[Sample]) -> list[tuple[Sample, Split]]:
        """One class's pictures with their splits."""
        splits = shared_out((sample.name for sample in samples), self.validation, self.test)
        if splits is None:
            raise DistillError(
                f"root: {samples[0].name} is of a class of {len(samples)} pictures, too few to hold some out for "
                "validation or test; add pictures, or remove the class."
            )
        return [(sample, splits[sample.name]) for sample in samples]
