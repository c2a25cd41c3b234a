"""A directory with a folder of pictures for each class, as a web search or ImageNet leaves them.

root/n02085620-Chihuahua/1.jpg              all for training, or shares held out
root/train/n02085620-Chihuahua/1.jpg        or in parts, beside root/validation (or val, valid) and root/test
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from distill.data.sources.folder import pictures_below
from distill.data.sources.held_out import check_share, held_out
from distill.data.sources.listing import digest
from distill.data.sources.source import Sample, Split
from distill.data.wordnet import shown
from distill.errors import DistillError

PARTS: dict[str, Split] = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class ClassFolders:
    """The pictures in each class's folder, at any depth.

    A class is named as its folder is, and classes stand in the order of their names.

    Attributes:
        root: the directory of the folders, or of the parts `train`, `validation` (or `val`) and `test` that hold them.
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
        tops = {sample.name.partition("/")[0] for sample in pictures}
        split_up = tops <= set(PARTS)
        # One folder may be a class that is called so, such as `train` of vehicles.
        if not split_up and len(parts := sorted(tops & set(PARTS))) > 1:
            others = shown(sorted(tops - set(PARTS)))
            raise DistillError(
                f"root: {self.root} has the parts {', '.join(parts)} and beside them {others}. Expected only parts "
                f"({', '.join(PARTS)}), or only a folder for each class."
            )
        depth = 1 + split_up
        strays = [sample.name for sample in pictures if sample.name.count("/") < depth]
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
        return [
            (sample, folder, split)
            for folder, samples in by_class.items()
            for sample, split in self._shared_out(samples)
        ]

    def _of_parts(self, pictures: list[Sample]) -> list[tuple[Sample, str, Split]]:
        if self.validation or self.test:
            raise DistillError(
                f"root: {self.root} is in parts ({', '.join(PARTS)}) already; leave out validation and test."
            )
        listed = []
        for sample in pictures:
            part, folder, _ = sample.name.split("/", 2)
            listed.append((sample, folder, PARTS[part]))
        trained = {folder for _, folder, split in listed if split == "train"}
        for split in ("validation", "test"):
            classes = {folder for _, folder, part in listed if part == split}
            if classes and (differing := sorted(trained ^ classes)):
                raise DistillError(
                    f"root: {self.root}: {len(differing)} classes are in only one of train and {split}: "
                    f"{shown(differing)}. Expected every class in both."
                )
        return listed

    def _shared_out(self, samples: list[Sample]) -> list[tuple[Sample, Split]]:
        """One class's pictures with their splits."""
        names = {sample.name for sample in samples}
        test = held_out(names, self.test)
        # Of the rest, so that what is tested on stays the same when another share is validated on.
        validation = held_out(names - test, self.validation / (1 - self.test))

        if (self.test and not test) or (self.validation and not validation):
            raise DistillError(
                f"root: {samples[0].name} is of a class of {len(samples)} pictures, too few to hold some out for "
                "validation or test; add pictures, or remove the class."
            )

        def split(name: str) -> Split:
            return "test" if name in test else "validation" if name in validation else "train"

        return [(sample, split(sample.name)) for sample in samples]
