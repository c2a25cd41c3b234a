"""PASCAL VOC (Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010) and sets in its layout.

root/Annotations/000005.xml         the objects of a photograph, each with a box
root/JPEGImages/000005.jpg          or with another ending
root/ImageSets/Main/train.txt       the names of the photographs, one a line; so val.txt, test.txt

Boxes count pixels from 1 and hold their last row and column.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.data.sources.bounding_box import Annotation, read_annotation
from distill.data.sources.folder import SUFFIXES, UNREADABLE
from distill.data.sources.listing import digest, directory, walk
from distill.data.sources.marked import COLUMNS, Marked, Photograph, marked_sample
from distill.data.sources.source import Sample, Split
from distill.data.targets import Column
from distill.data.wordnet import shown
from distill.errors import DistillError, echo
from distill.files.nearby import nearby
from distill.files.text import read_text

ANNOTATIONS, PICTURES, LISTS = "Annotations", "JPEGImages", "ImageSets/Main"
CLASSES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
"""The 20 of the challenges, in their order."""


@dataclass(frozen=True)
class Voc:
    """The photographs of the lists, with the boxes of their objects; difficult ones are kept as not to be counted.

    The classes are the 20 of the challenges, or those found, by name, where there are others.

    Attributes:
        root: the directory of the three above, such as VOCdevkit/VOC2007.
        train, validation, test: the lists of each split, without .txt; null for a split that is not used.
    """

    name: Literal["voc"] = "voc"
    root: Path | None = None
    train: str | None = "train"
    validation: str | None = "val"
    test: str | None = "test"

    def classes(self) -> tuple[str, ...]:
        return _classes(annotation for _, _, annotation in self._annotated())

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def samples(self, height: int, width: int) -> list[Sample]:
        annotated = list(self._annotated())
        classes = _classes(annotation for _, _, annotation in annotated)
        pictures = self._pictures([name for name, _, _ in annotated])
        return [
            marked_sample(
                Photograph(name, pictures[name], annotation.size, split), _boxes(annotation, classes), classes
            )
            for name, split, annotation in annotated
        ]

    def state(self) -> str:
        # Names of classes are those of no file: another name is other data.
        return digest([*self.samples(0, 0), Sample(repr(self.classes()), b"")])

    def _root(self) -> Path:
        return directory(self.root, "root", f"{ANNOTATIONS}/, {PICTURES}/ and {LISTS}/")

    def _annotated(self) -> Iterator[tuple[str, Split, Annotation]]:
        """Each photograph that is listed, its split, and what is marked in it."""
        place, names = self._root() / ANNOTATIONS, self._names()
        missing = [name for name in names if not (place / f"{name}.xml").is_file()]
        if missing:
            raise DistillError(
                f"root: {len(missing)} of the {len(names)} photographs listed have no annotation in {place}: "
                f"{shown(missing)}. A photograph without objects has one without <object>. {nearby(place)}"
            )
        for name, split in names.items():
            yield name, split, read_annotation(place / f"{name}.xml")

    def _names(self) -> dict[str, Split]:
        """The photographs of the lists, each with its split."""
        lists: dict[Split, str | None] = {"train": self.train, "validation": self.validation, "test": self.test}
        splits: dict[str, Split] = {}
        for split, list_name in lists.items():
            if list_name is None:
                continue
            file = self._root() / LISTS / f"{list_name}.txt"
            if not file.is_file():
                raise DistillError(
                    f"{split}: {file} is missing; expected the names of photographs, one a line. Name another list, or "
                    f"set {split} to null. {nearby(file)}"
                )
            for number, line in enumerate(read_text(file, "a list of photographs").splitlines(), start=1):
                name = line.strip()
                if name in splits:
                    raise DistillError(
                        f"{file}:{number}: {echo(name)} is listed already, for {splits[name]}; expected it once."
                    )
                if name:
                    splits[name] = split
        return splits

    def _pictures(self, names: list[str]) -> dict[str, Path]:
        """Where each photograph lies; of one that is missing, where it should: it is a bad picture, and counted."""
        place = self._root() / PICTURES
        listed = [file for file in walk(place) if file.suffix.lower() in SUFFIXES | UNREADABLE]
        files = {file.relative_to(place).with_suffix("").as_posix(): file for file in listed}
        missing = [name for name in names if name not in files]
        if 2 * len(missing) > len(names):
            raise DistillError(
                f"root: {len(missing)} of the {len(names)} photographs listed are not in {place}: {shown(missing)}. "
                f"{nearby(place)}"
            )
        return {name: files.get(name, place / f"{name}.jpg") for name in names}


def _classes(annotations: Iterator[Annotation]) -> tuple[str, ...]:
    found = {one.name for annotation in annotations for one in annotation.objects}
    return CLASSES if found <= set(CLASSES) else tuple(sorted(found))


def _boxes(annotation: Annotation, classes: tuple[str, ...]) -> list[Marked]:
    # Edges lie between pixels: the left one of the first pixel is at 0, its right one at 1.
    return [
        Marked((left - 1, top - 1, right, bottom), classes.index(name), difficult)
        for name, (left, top, right, bottom), difficult in annotation.objects
    ]
