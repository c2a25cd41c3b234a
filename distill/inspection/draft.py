"""A recipe for somebody's own pictures and teacher, from a look at both: a commented file that is read and changed."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from distill import formatting
from distill.data.prepared.quiet import quieten_pictures
from distill.data.sources.csv_rows import read_rows
from distill.data.sources.source import SPLITS, Sample, Source, Targeted
from distill.errors import DistillError
from distill.export.int8.calibration import NEEDED
from distill.inspection.contract import Contract
from distill.inspection.section import plain
from distill.registries import SOURCES

LONGEST = 25
"""Lines of a drafted recipe."""

_SHARES = {"validation": 0.1, "test": 0.2}
_LOOKED_AT = 64  # pictures whose size is read
_STEPS = 3000
_PASSES = (10, 200)
_BATCH, _BATCHES = 64, 4  # pictures in one, at most; batches in a pass, where there are pictures enough
_RESOLUTION = 128  # of the student, at most
_HALVINGS = 32  # a MobileNet halves its input five times
_TRUTHS = {"0", "1", "-1", "0.0", "1.0", "-1.0", "true", "false", "yes", "no", ""}


@dataclass(frozen=True)
class Look:
    """What a look at somebody's pictures showed.

    Attributes:
        keys: of a recipe's `data` section.
        exclusive: whether a picture shows one of the classes, and not any number of them.
    """

    keys: dict[str, Any]
    samples: Sequence[Sample]
    classes: tuple[str, ...]
    exclusive: bool

    @property
    def counts(self) -> Counter[str]:
        return Counter(sample.split for sample in self.samples)


def draft(data: Look, contract: Contract, name: str) -> str:
    """The YAML of a recipe.

    Args:
        contract: of its teacher.
        name: of the recipe's file.
    """
    height, width = contract.size or (224, 224)
    resolution = max(_HALVINGS, min(_RESOLUTION, min(height, width) // _HALVINGS * _HALVINGS))
    learnt = data.counts["train"]
    passes, batch = _length(learnt)
    what, objective = ("classes", "softmax_kl") if data.exclusive else ("attributes", "bernoulli_kl")
    said = "that exclude each other" if data.exclusive else "a probability for each by itself"
    parts = ", ".join(f"{formatting.count(data.counts[part])} {part}" for part in SPLITS)
    prepare = {"height": max(height, resolution), "width": max(width, resolution), "fit": contract.fit}
    steps = formatting.count(passes * max(1, learnt // batch))
    lines = [
        f"# distill run {name}",
        f"# {len(data.classes)} {what}, {formatting.count(len(data.samples))} pictures of about "
        f"{_size(data.samples)} pixels: {parts}.",
        f"task: {what}  # {said}",
        "stages: [transfer]  # the student learns what the teacher answers; labels only score it",
        f"data: {_flow(data.keys)}",
        "# unlabelled: {name: folder, root: MORE_PICTURES}  # to transfer on as well",
        f"prepare: {_flow(prepare)}  # or stretch, or pad",
        *_teacher(contract, len(data.classes)),
        f"student: {_flow({'name': 'mobilenet_v1', 'width': 0.5, 'resolution': resolution})}",
        f"objective: {_flow({'name': objective, 'temperature': 2.0 if data.exclusive else 1.0})}",
        f"transfer: {_flow({'epochs': passes, 'batch_size': batch})}  # {steps} steps",
        f"export: {_flow({'formats': ['onnx', 'onnx-int8'] if learnt >= NEEDED else ['onnx']})}",
    ]
    while len(lines) > LONGEST and (remarks := [line for line in lines if line.startswith("  #")]):
        lines.remove(remarks[-1])  # on what could not be told apart
    if len(lines) > LONGEST:
        lines = _shorter(lines)
    return "\n".join(lines) + "\n"


def _shorter(lines: list[str]) -> list[str]:
    """The same with the keys of the teacher in one line."""
    begin = lines.index("teacher:")
    end = next(place for place in range(begin + 1, len(lines)) if not lines[place].startswith("  "))
    keys = yaml.safe_load("\n".join(lines[begin:end]))["teacher"]
    return [*lines[:begin], f"teacher: {_flow(keys)}", *lines[end:]]


def look(pictures: Path, root: Path | None) -> Look:
    """With the parts they are in, or else with shares held out.

    Args:
        pictures: a folder of a folder for each class, or of parts that hold these; or a table (CSV).
        root: where a table's names of pictures begin; None for the table's own folder.

    Raises:
        DistillError: they are laid out otherwise, there are too few to hold some out, or a folder has a root.
    """
    keys: dict[str, Any] = {"name": "class_folders", "root": str(pictures)}
    attributes: list[str] = []
    if pictures.is_file():
        keys = {"name": "table", "csv": str(pictures)} | ({"root": str(root)} if root else {})
    elif root is not None:
        raise DistillError(f"--root is {root}: it is of a table (CSV), and {pictures} is none. Leave it out.")
    elif not pictures.is_dir():
        raise DistillError(f"{pictures}: no such folder or table. Expected a folder of pictures for each class.")
    source = _source(keys)
    if isinstance(source, Targeted) and source.columns():
        if any(sum(sample.labels) > 1 for sample in source.samples(0, 0)):
            raise DistillError(
                f"{pictures}: has boxes of several classes in one picture; drafted are recipes of classes and "
                "attributes. Write one of its own for boxes."
            )
        keys["boxes"] = []  # what is in a picture's one box is what the picture shows
        source = _source(keys)
    if not source.classes() and pictures.is_file():
        attributes = _attributes(pictures)
        keys["attributes"] = attributes
        source = _source(keys)
    parts = {sample.split for sample in source.samples(0, 0)}
    if parts == {"train"}:
        keys |= _SHARES
        source = _source(keys)
    elif missing := [part for part in SPLITS if part not in parts and part != "validation"]:
        raise DistillError(
            f"{pictures}: is in the parts {', '.join(sorted(parts))}, and has no {missing[0]}. Add that part, or leave "
            "all pictures in one for shares to be held out."
        )
    return Look(keys, list(source.samples(0, 0)), source.classes(), not attributes)


def _source(keys: dict[str, Any]) -> Source:
    source: Source = SOURCES.get(keys["name"])(
        **{
            key: Path(value) if key in ("root", "csv") else tuple(value) if isinstance(value, list) else value
            for key, value in keys.items()
        }
    )
    return source


def _attributes(table: Path) -> list[str]:
    """The columns that say yes or no."""
    header, rows, _ = read_rows(table)
    columns = [name for name in header if {row.cells[name].lower() for row in rows} <= _TRUTHS]
    if not columns:
        raise DistillError(f"{table}: has neither a column of classes (label, class, ...) nor columns of 0 and 1.")
    return columns


def _length(learnt: int) -> tuple[int, int]:
    """Passes over so many pictures, and how many are in a batch."""
    batch, (fewest, most) = _BATCH, _PASSES
    while batch > 2 and learnt < _BATCHES * batch:
        batch //= 2
    return min(most, max(fewest, round(_STEPS * batch / max(learnt, 1)))), batch


def _teacher(contract: Contract, classes: int) -> list[str]:
    """The section, with what is not known as comments."""
    if contract.section:
        return [f"# {contract.seen}.", *contract.section]
    lines = [f"# {contract.seen}.", "teacher:", *(f"  {_pair(key, value)}" for key, value in contract.keys.items())]
    if contract.unsaid:
        lines.append("  # The file does not say these; a wrong one raises no error and costs accuracy. Find them out:")
    lines += [f"  # {key}: {value}  # {others}" for key, (value, others) in contract.unsaid.items()]
    if contract.outputs not in (None, classes):
        names = f"of its {contract.outputs} outputs in order, one a line; or class_map"
        lines.append(f"  # classes: NAMES.txt  # {names}: there are {classes} classes")
    return lines


def _size(samples: Sequence[Sample]) -> str:
    """The median height and width of some of the pictures; of those that can be opened."""
    quieten_pictures()
    sizes = []
    for sample in samples[:: max(1, len(samples) // _LOOKED_AT)]:
        try:
            with Image.open(sample.picture) as picture:  # type: ignore[arg-type]  # of these sources a file
                sizes.append(picture.size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # a bad picture is named when pictures are prepared
    if not sizes:
        return "unknown"
    width, height = (round(statistics.median(side)) for side in zip(*sizes, strict=True))
    return f"{height} x {width}"


def _flow(content: Any) -> str:
    return yaml.safe_dump(content, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True).strip()


def _pair(key: str, value: Any) -> str:
    return _flow({key: plain(value)})[1:-1]
