"""A teacher that knows more classes than the data has, or in another order: which of its outputs are the data's.

By the names the teacher gives them (`teacher.classes`), or by WordNet id.

ImageNet's classes are synsets of WordNet, known by ids such as n02085620, and data cut from it names its classes by
them: `n02085620-Chihuahua`. An id says which output is which, whatever the order or the language of the folders.

Shapes: N batch, C classes of the data, W outputs of the whole teacher.
"""

from pathlib import Path
from typing import Literal, Protocol

import torch
from timm.data import ImageNetInfo
from torch import Tensor

from distill.answers.kind import Kind
from distill.data.wordnet import shown, wordnet_id, wordnet_ids
from distill.errors import DistillError, OutputsError, echo, in_section
from distill.files.text import read_text
from teachers.asking_teacher import AskingTeacher
from teachers.mirrored_teacher import MirroredTeacher
from teachers.shared_teacher import SharedTeacher
from teachers.teacher import Teacher, fingerprint_of, read_classes

ClassMap = Literal["imagenet", "imagenet_background"] | Path
"""Whose outputs a teacher has: the 1000 of ImageNet, these after a background as 0, or a file."""

NONE = "-"
"""In a file, an output that is none of WordNet's."""


class Selectable(Protocol):
    """A recipe's teacher whose outputs may be more than the data's classes."""

    @property
    def classes(self) -> tuple[str, ...] | Path | None: ...

    @property
    def class_map(self) -> ClassMap | None: ...

    @property
    def mirror(self) -> bool: ...

    def own_classes(self) -> tuple[str, ...] | None:
        """What its outputs are called, by the recipe or by its own file; None where nobody says."""
        ...

    def load(self, outputs: int) -> Teacher:
        """The teacher with all its outputs.

        Raises:
            OutputsError: it has another number of them.
        """
        ...


class SelectedTeacher(AskingTeacher):
    """Some outputs of a teacher, in the data's order; a softmax over them shares out their probability anew.

    Args:
        whole: the teacher that is asked, of W outputs.
        columns: of the C outputs that are kept, among those.
        classes: the data's names of them.
    """

    columns: Tensor

    def __init__(self, whole: Teacher, columns: tuple[int, ...], classes: tuple[str, ...]) -> None:
        name = f"{whole.name}, {len(columns)} of {whole.outputs} outputs"
        super().__init__(name, whole, len(columns), classes)
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.eval()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale to `logits`, float32 (N, C)."""
        return {"logits": self.whole(pictures)["logits"].index_select(1, self.columns)}

    def fingerprint(self) -> str:
        """sha256 over the whole teacher and which of its outputs are which classes."""
        return fingerprint_of(self.whole.fingerprint(), self.columns.tolist(), self.classes)


def load_classifier(config: Selectable, classes: tuple[str, ...], kind: Kind | None = None) -> Teacher:
    """The teacher of a recipe with one output for each class of the data.

    Args:
        classes: of the data; with a class map, each name begins with its WordNet id.
        kind: of the answers that are wanted; one that shares other classes out takes a teacher of these.

    Raises:
        DistillError: its outputs are not as many as these, or as its class map says; the map lacks a class, or a class
            has no WordNet id; or the teacher cannot be loaded.
    """
    teacher = (kind is not None and _shared_out(config, classes, kind)) or _of_classes(config, classes)
    return MirroredTeacher(teacher) if config.mirror else teacher


def _shared_out(config: Selectable, classes: tuple[str, ...], kind: Kind) -> Teacher | None:
    """A teacher of classes that can be shared out among the data's; None where it has these, or does not name its own.

    Raises:
        DistillError: its names are none of such classes, or not as many as its outputs.
    """
    named = config.own_classes() if kind.shares and config.class_map is None else None
    if named is None or set(classes) <= set(named):
        return None
    shares = kind.shares_of(named)
    try:
        return SharedTeacher(config.load(len(named)), shares, classes)
    except OutputsError as error:
        raise DistillError(f"teacher.classes: names {len(named)} outputs. {error}") from error


def _of_classes(config: Selectable, classes: tuple[str, ...]) -> Teacher:
    if config.class_map is None:
        named = read_classes(config.classes) or ()
        try:
            whole = config.load(len(named) if set(classes) <= set(named) else len(classes))
            return _by_name(whole, classes)
        except OutputsError as error:
            raise DistillError(
                f"{error} Or name its outputs: teacher.class_map is imagenet, imagenet_background, or a file with the "
                "WordNet id of each; or `teach` it these classes first, as the first of the stages."
            ) from error
    outputs = read_class_map(config.class_map)
    columns = columns_of(classes, outputs, config.class_map)
    try:
        whole = config.load(len(outputs))
    except OutputsError as error:
        raise DistillError(f"teacher.class_map: {config.class_map} names {len(outputs)} outputs. {error}") from error
    if whole.classes is not None:
        raise DistillError(
            f"teacher.class_map: {config.class_map}, but {whole.name} names its {whole.outputs} outputs itself. Leave "
            "the key out, and teacher.classes as well."
        )
    return SelectedTeacher(whole, columns, classes)


def _by_name(whole: Teacher, classes: tuple[str, ...]) -> Teacher:
    """Where a teacher names its outputs, the data's among them and in its order.

    Raises:
        DistillError: two outputs have the name of one class.
    """
    if whole.classes is None or whole.classes == classes or not set(classes) <= set(whole.classes):
        return whole
    for name in classes:
        if (count := whole.classes.count(name)) > 1:
            raise DistillError(
                f"teacher.classes: {count} of the {whole.outputs} outputs of {whole.name} are named {name!r}, and the "
                "data has one such class. Give the others another name."
            )
    return SelectedTeacher(whole, tuple(map(whole.classes.index, classes)), classes)


def read_class_map(class_map: ClassMap) -> tuple[str, ...]:
    """The WordNet id of each output (W,), or `NONE`.

    A file has a line for each: the id, alone or at the beginning of a name, and after a blank whatever else is to be
    said of it.

    Raises:
        DistillError: the file is missing, a line of it begins otherwise, or an id stands in it twice.
    """
    if not isinstance(class_map, Path):
        synsets = tuple(ImageNetInfo("imagenet-1k").label_names())
        return synsets if class_map == "imagenet" else (NONE, *synsets)
    with in_section("teacher.class_map", ()):
        lines = read_text(class_map.expanduser(), "one WordNet id a line").splitlines()
    seen: dict[str, int] = {}
    outputs = []
    for number, line in enumerate(lines, start=1):
        first = line.split(maxsplit=1)[0] if line.strip() else ""
        known = NONE if first == NONE else wordnet_id(first)
        if known is None:
            raise DistillError(
                f"{class_map}, line {number}: {echo(line)}, expected a WordNet id such as n02085620, or {NONE} for an "
                "output that has none."
            )
        if known != NONE and seen.setdefault(known, number) != number:
            raise DistillError(
                f"{class_map}, line {number}: {known} is line {seen[known]} already; each output is one."
            )
        outputs.append(known)
    return tuple(outputs)


def columns_of(classes: tuple[str, ...], outputs: tuple[str, ...], class_map: ClassMap) -> tuple[int, ...]:
    """Which output each class is, (C,).

    Raises:
        DistillError: a class has no WordNet id or the id of another one, or there is no output for it.
    """
    ids = wordnet_ids(classes, f"teacher.class_map is {class_map}, and of the data")
    if absent := [name for name, known in zip(classes, ids, strict=True) if known not in outputs]:
        raise DistillError(
            f"teacher.class_map: {class_map} has no output for {len(absent)} of the data's {len(classes)} classes: "
            f"{shown(absent)}. Give a teacher that knows them, or data without them."
        )
    return tuple(map(outputs.index, ids))
