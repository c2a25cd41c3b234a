"""COCO (Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014) and sets in its layout.

root/train2017/000000000009.jpg             a directory of pictures for each part
root/annotations/instances_train2017.json   its pictures, categories, and boxes: left, top, width, height in pixels

The boxes of COCO's own test pictures were never published: `val2017` is what is tested on, and a share of `train2017`
is held out for validation.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from distill.data.sources.held_out import check_share, held_out
from distill.data.sources.listing import digest, directory
from distill.data.sources.marked import COLUMNS, Marked, Photograph, marked_sample
from distill.data.sources.source import Sample, Split
from distill.data.targets import Column
from distill.data.wordnet import shown
from distill.errors import DistillError, echo
from distill.files.nearby import nearby
from distill.files.text import read_text

ANNOTATIONS = "annotations"
_EXPECTED = "COCO's instances: images, annotations and categories"


class CocoPicture(NamedTuple):
    """A picture, its height and width where they are written down, and float64 (R, 6) of its boxes: left, top, width,
    height, the number of the class, and 1 of a crowd."""

    file: str
    size: tuple[int, int] | None
    boxes: np.ndarray


class Instances(NamedTuple):
    """A part of the set: the names of its categories by rising id, and its pictures."""

    classes: tuple[str, ...]
    pictures: tuple[CocoPicture, ...]


@dataclass(frozen=True)
class Coco:
    """The pictures of both parts with the boxes of their objects; regions of a crowd are kept as not to be counted.

    The classes are the categories by rising id; ids may have gaps.

    Attributes:
        root: the directory of the pictures' directories and of `annotations`.
        train, test: the names of the parts, such as train2017; null for one that is not used.
        validation: share of the pictures of `train` held out for validation.

    Raises:
        DistillError: the share is none.
    """

    name: Literal["coco"] = "coco"
    root: Path | None = None
    train: str | None = "train2017"
    test: str | None = "val2017"
    validation: float = 0.05

    def __post_init__(self) -> None:
        check_share("validation", self.validation)

    def classes(self) -> tuple[str, ...]:
        parts = self._parts()
        names = {part: instances.classes for part, instances in parts.items()}
        if len(set(names.values())) > 1:
            first, second = names.values()
            raise DistillError(
                f"root: {' and '.join(str(self._file(part)) for part in parts)} have other categories, or others by "
                f"id: {shown(sorted(set(first) ^ set(second)) or first)}. Expected the same in both."
            )
        return next(iter(names.values()), ())

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def samples(self, height: int, width: int) -> list[Sample]:
        classes, parts = self.classes(), self._parts()
        samples = []
        for part, instances in parts.items():
            place = self._root() / part
            names = [picture.file for picture in instances.pictures]
            missing = [name for name in names if not (place / name).is_file()]
            if 2 * len(missing) > len(names):  # fewer are bad pictures, which are counted
                raise DistillError(
                    f"root: {len(missing)} of the {len(names)} pictures of {self._file(part)} are not in {place}: "
                    f"{shown(missing)}. {nearby(place)}"
                )
            kept_back = held_out(names, self.validation) if part == self.train else set()
            usual: Split = "train" if part == self.train else "test"
            for file, size, rows in instances.pictures:
                split: Split = "validation" if file in kept_back else usual
                photograph = Photograph(f"{part}/{file}", place / file, size, split)
                samples.append(marked_sample(photograph, [_marked(row) for row in rows.tolist()], classes))
        return samples

    def state(self) -> str:
        # Names of classes are those of no file: another name is other data.
        return digest([*self.samples(0, 0), Sample(repr(self.classes()), b"")])

    def _root(self) -> Path:
        return directory(self.root, "root", f"{self.train or self.test}/ and {ANNOTATIONS}/")

    def _file(self, part: str) -> Path:
        return self._root() / ANNOTATIONS / f"instances_{part}.json"

    def _parts(self) -> dict[str, Instances]:
        """Those that are used, by name."""
        if self.train == self.test:
            raise DistillError(f"train and test are both {self.train}; expected two parts, or null for one of them.")
        parts = {}
        for key, part in (("train", self.train), ("test", self.test)):
            if part is None:
                continue
            file = self._file(part)
            if not file.is_file():
                raise DistillError(
                    f"{key}: {file} is missing; expected {_EXPECTED}. Name another part, or set {key} to null. "
                    f"{nearby(file)}"
                )
            status = file.stat()
            parts[part] = read_instances(file, (status.st_size, status.st_mtime_ns))
        return parts


def _marked(row: list[float]) -> Marked:
    left, top, width, height, label, crowd = row
    return Marked((left, top, left + width, top + height), int(label), bool(crowd))


@lru_cache(maxsize=4)  # a run asks for classes, state and samples, and COCO's file takes ten seconds
def read_instances(file: Path, stamp: tuple[int, int]) -> Instances:
    """The content of a file of instances.

    Args:
        stamp: size and time of the file, which tell it from an earlier one in its place.

    Raises:
        DistillError: it is no JSON, no file of instances, or names an id twice or one that is not there.
    """
    try:
        content = json.loads(read_text(file, _EXPECTED), object_hook=_without_outlines)
    except (ValueError, RecursionError) as error:
        raise DistillError(f"{file}: is no JSON ({error}); expected {_EXPECTED}.") from None
    try:
        return _instances(content)
    except KeyError as error:
        raise DistillError(f"{file}: an entry has no {error}; expected {_EXPECTED}.") from None
    except (TypeError, AttributeError, IndexError):
        raise DistillError(f"{file}: is laid out in another way; expected {_EXPECTED}.") from None
    except ValueError as error:
        raise DistillError(f"{file}: {error}.") from None


def _without_outlines(entry: dict[str, Any]) -> dict[str, Any]:
    """Outlines are most of the file, and would fill the memory before the last is read."""
    entry.pop("segmentation", None)
    return entry


def _instances(content: dict[str, Any]) -> Instances:
    """What is in the file.

    Raises:
        KeyError, TypeError, AttributeError, IndexError: something is not there, or is something else.
        ValueError: an id is there twice, or is not there; its message says which.
    """
    categories = {int(one["id"]): str(one["name"]) for one in content["categories"]}
    _check_once([one["id"] for one in content["categories"]], "category id")
    _check_once(list(categories.values()), "category")
    classes = {category: number for number, category in enumerate(sorted(categories))}
    _check_once([one["id"] for one in content["images"]], "image id")
    _check_once([one["file_name"] for one in content["images"]], "picture")
    rows: dict[Any, list[list[float]]] = {one["id"]: [] for one in content["images"]}
    _check_once([one["id"] for one in content["annotations"]], "annotation id")
    for one in content["annotations"]:
        named = f"annotation {one['id']}"
        if one["image_id"] not in rows:
            raise ValueError(f"{named} is of the image {echo(one['image_id'])}, which is not among images")
        if one["category_id"] not in classes:
            raise ValueError(f"{named} is of the category {echo(one['category_id'])}, which is not among categories")
        if len(one["bbox"]) != 4:
            raise ValueError(f"{named} has the bbox {echo(one['bbox'])}, expected left, top, width, height")
        left, top, width, height = map(float, one["bbox"])
        label, crowd = classes[one["category_id"]], int(one.get("iscrowd") or 0)
        rows[one["image_id"]].append([left, top, width, height, label, crowd])
    pictures = []
    for one in content["images"]:
        size = int(one.get("height") or 0), int(one.get("width") or 0)
        boxes = np.array(rows[one["id"]], np.float64).reshape(-1, 6)
        pictures.append(CocoPicture(str(one["file_name"]), size if min(size) > 0 else None, boxes))
    return Instances(tuple(categories[category] for category in sorted(categories)), tuple(pictures))


def _check_once(ids: list[Any], what: str) -> None:
    if len(set(ids)) < len(ids):
        seen: set[Any] = set()
        twice = next(one for one in ids if one in seen or seen.add(one))  # type: ignore[func-returns-value]
        raise ValueError(f"the {what} {echo(twice)} is there twice, expected once")
