"""A look at somebody's pictures: all that they could teach, each as the `data` section of a recipe."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from distill.data.sources import celeba, coco, voc
from distill.data.sources.csv_rows import read_rows
from distill.data.sources.folder import pictures_below
from distill.data.sources.parts import part_of
from distill.data.sources.source import SPLITS, Sample, Source, Split, Targeted
from distill.data.sources.table.reading import (
    LABEL_COLUMNS,
    SPLIT_COLUMNS,
    column_of,
    file_column,
    usual_columns,
)
from distill.errors import DistillError
from distill.inspection.aims import ATTRIBUTES, BOXES, CLASSES, PEOPLE, Aim
from distill.registries import SOURCES

_SHARES = {"validation": 0.1, "test": 0.2}
_TRUTHS = {"0", "1", "-1", "0.0", "1.0", "-1.0", "true", "false", "yes", "no", ""}
_PERSON_COLUMNS = ("person", "identity", "person_id", "subject", "subject_id", "individual", "celebrity", "name", "id")
_CELEBAS = (celeba.ATTRIBUTES, celeba.PARTITION, celeba.IDENTITIES)

Keys = dict[str, Any]
"""Of a recipe's `data` section."""


@dataclass(frozen=True)
class Look:
    """Pictures, and one thing that they could teach.

    Attributes:
        names: classes in their order; of people nobody's.
        align: how their faces are aligned, None where that is left as it is.
    """

    aim: Aim
    keys: Keys
    samples: Sequence[Sample]
    names: tuple[str, ...]
    align: str | None = None

    @property
    def counts(self) -> Counter[str]:
        return Counter(sample.split for sample in self.samples)

    @property
    def number(self) -> int:
        """Of its classes, or people."""
        return len({sample.identity for sample in self.samples} - {-1}) if self.aim.pairs else len(self.names)


def looks(pictures: Path, root: Path | None) -> list[Look]:
    """What pictures could teach, the likeliest first; with the parts they are in, or else with shares held out.

    Args:
        pictures: a folder of a folder for each class or person, or of parts that hold these; CelebA, VOC or COCO in
            their own layout; or a table (CSV).
        root: where a table's names of pictures begin; None for the table's own folder.

    Raises:
        DistillError: they are laid out otherwise, there are too few to hold some out, or a folder has a root.
    """
    if not pictures.is_file() and root is not None:
        raise DistillError(f"--root is {root}: it is of a table (CSV), and {pictures} is none. Leave it out.")
    if not pictures.exists():
        raise DistillError(f"{pictures}: no such folder or table. Expected a folder of pictures for each class.")
    found: list[Look] = []
    refused: list[DistillError] = []
    for aim, keys, align in _ways_of_table(pictures, root) if pictures.is_file() else _ways_of_folder(pictures):
        try:
            found.append(_look(pictures, aim, keys, align))
        except DistillError as error:
            refused.append(error)
    if not found:
        raise refused[0]
    return found


def _ways_of_folder(place: Path) -> Iterator[tuple[Aim, Keys, str | None]]:
    keys: Keys = {"root": str(place)}
    if (place / voc.ANNOTATIONS).is_dir() and (place / voc.PICTURES).is_dir():
        yield BOXES, {"name": "voc", **keys, **_voc_lists(place)}, None
    elif list((place / coco.ANNOTATIONS).glob("instances_*.json")):
        yield BOXES, {"name": "coco", **keys, **_coco_parts(place)}, None
    elif any((place / inner / Path(name).with_suffix(end)).exists() for inner, name, end in _celeba_places()):
        yield ATTRIBUTES, {"name": "celeba", **keys}, None
        yield PEOPLE, {"name": "celeba", **keys}, "celeba"
    else:
        keys = {"root": str(_folder_of_folders(place))}
        yield CLASSES, {"name": "class_folders", **keys}, None
        yield PEOPLE, {"name": "people", **keys}, None


def _celeba_places() -> Iterator[tuple[str, str, str]]:
    """Folders, names and endings of CelebA's lists."""
    return ((inner, name, end) for name in _CELEBAS for inner in ("", "Anno", "Eval") for end in (".txt", ".csv"))


def _voc_lists(place: Path) -> Keys:
    """The lists of a set whose own to test on was never published."""
    lists = {file.stem for file in (place / voc.LISTS).glob("*.txt")}
    return {"validation": None, "test": "val"} if {"train", "val"} <= lists and "test" not in lists else {}


def _coco_parts(place: Path) -> Keys:
    """The parts whose boxes are there, where they are not called as COCO's of 2017."""
    parts: dict[Split, str] = {}
    for file in sorted((place / coco.ANNOTATIONS).glob("instances_*.json")):
        name = file.stem.removeprefix("instances_")
        if split := part_of(re.sub(r"\d+$", "", name)):
            parts.setdefault(split, name)
    tested = parts.get("test", parts.get("validation"))
    return {"train": parts["train"], "test": tested} if "train" in parts and tested else {}


def _folder_of_folders(place: Path) -> Path:
    """Where the folders of classes or people lie: a set may have unpacked into one folder, as LFW's `images`."""
    inner = [sample.name.split("/") for sample in pictures_below(place, "pictures")]
    while len(tops := {parts[0] for parts in inner}) == 1 and min(map(len, inner)) > 2:
        place, inner = place / tops.pop(), [parts[1:] for parts in inner]
    return place


def _ways_of_table(table: Path, root: Path | None) -> Iterator[tuple[Aim, Keys, str | None]]:
    keys: Keys = {"name": "table", "csv": str(table)} | ({"root": str(root)} if root else {})
    source = _source(keys)
    if isinstance(source, Targeted) and source.columns():
        if not any(sum(sample.labels) > 1 for sample in source.samples(0, 0)):
            yield CLASSES, {**keys, "boxes": []}, None  # what is in a picture's one box is what the picture shows
        yield BOXES, keys, None
        return
    header, rows, _ = read_rows(table)
    label = column_of(header, None, LABEL_COLUMNS)
    beside = {file_column(header, None, table), column_of(header, None, SPLIT_COLUMNS)}
    others = [name for name in header if name not in beside]
    person = next(iter(usual_columns(others, _PERSON_COLUMNS)), label)
    truths = [name for name in others if name != person and {row.cells[name].lower() for row in rows} <= _TRUTHS]
    if label is not None:
        yield CLASSES, keys, None
    elif truths:
        yield ATTRIBUTES, {**keys, "attributes": truths}, None
    if person is not None:
        yield PEOPLE, {**keys, "identity": person}, None
    elif label is None and not truths:
        raise DistillError(
            f"{table}: has neither a column of classes (label, class, ...) nor of people (person, identity, ...), nor "
            "columns of 0 and 1."
        )


def _look(pictures: Path, aim: Aim, keys: Keys, align: str | None) -> Look:
    source = _source(keys)
    samples = list(source.samples(0, 0))
    parts = {sample.split for sample in samples}
    if parts == {"train"} and getattr(source, "test", None) == 0.0:  # a share that nothing is said of
        keys = keys | _SHARES
        source = _source(keys)
        samples = list(source.samples(0, 0))
    elif missing := [part for part in SPLITS if part not in parts and part != "validation"]:
        raise DistillError(
            f"{pictures}: is in the parts {', '.join(sorted(parts))}, and has no {missing[0]}. Add that part, or leave "
            "all pictures in one for shares to be held out."
        )
    if aim.pairs:
        tested = sorted(sample.identity for sample in samples if sample.split == "test" and sample.identity >= 0)
        if max((len(list(own)) for _, own in groupby(tested)), default=0) < 2:
            raise DistillError(f"{pictures}: nobody to test on has two pictures, and pairs of these are scored.")
    return Look(aim, keys, samples, () if aim.pairs else source.classes(), align)


def _source(keys: Keys) -> Source:
    source: Source = SOURCES.get(keys["name"])(
        **{
            key: Path(value) if key in ("root", "csv") else tuple(value) if isinstance(value, list) else value
            for key, value in keys.items()
        }
    )
    return source
