"""A recipe for somebody's own pictures and teacher, from a look at both: a commented file that is read and changed."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import yaml
from PIL import Image

from distill import formatting
from distill.data.prepared.quiet import quieten_pictures
from distill.data.sources.source import SPLITS, Sample
from distill.export.int8.calibration import NEEDED
from distill.inspection.contract import Contract
from distill.inspection.look import Look
from distill.inspection.sample import EACH
from distill.inspection.section import plain
from distill.preprocess.preprocess import Fit

LONGEST = 25
"""Lines of a drafted recipe."""

_LOOKED_AT = 64  # pictures whose size is read
_STEPS = 3000
_PASSES = (10, 200)
_BATCHES = 4  # in a pass, where there are pictures enough
_HALVINGS = 32  # a MobileNet halves its input five times
_FARS, _FARS_OF_FEW = (1e-2, 1e-3), 0.1
_SHOWN = 10  # impostor pairs that are accepted at a rate, for it to be measured


def draft(data: Look, contract: Contract, name: str, asked: int) -> str:
    """The YAML of a recipe.

    Args:
        contract: of its teacher.
        name: of the recipe's file.
        asked: pictures of the data that its teacher is asked about, 0 for none.
    """
    aim = data.aim
    height, width = contract.size or (aim.side, aim.side)
    if data.align is not None:  # to a template that is as high as wide
        height = width = max(height, width)
    resolution = max(_HALVINGS, min(aim.resolution, min(height, width) // _HALVINGS * _HALVINGS))
    learnt = data.counts["train"]
    passes, batch = _length(learnt, aim.batch)
    parts = ", ".join(f"{formatting.count(data.counts[part])} {part}" for part in SPLITS)
    prepare: dict[str, Any] = {"height": max(height, resolution), "width": max(width, resolution)}
    others = [one for one in get_args(Fit) if one != (contract.fit or aim.fit)]
    fitted = f"  # or {', '.join(others)}" if data.align is None else "  # faces are brought to their place"
    prepare |= {"fit": contract.fit or aim.fit} if data.align is None else {"align": data.align}
    steps = formatting.count(passes * max(1, learnt // batch))
    lines = [
        f"# distill run {name}",
        f"# {formatting.count(data.number)} {aim.counted}, {formatting.count(len(data.samples))} pictures of about "
        f"{_size(data.samples)} pixels: {parts}.",
        f"task: {aim.task}  # {aim.said}",
        "stages: [transfer]  # the student learns what the teacher answers; labels only score it",
        f"data: {_flow(data.keys)}",
        "# unlabelled: {name: folder, root: MORE_PICTURES}  # to transfer on as well",
        f"prepare: {_flow(prepare)}{fitted}",
        *_teacher(contract, data.number),
        f"student: {_flow({**aim.student, 'resolution': resolution})}",
        f"objective: {_flow(dict(aim.objective))}",
        f"transfer: {_flow({'epochs': passes, 'batch_size': batch, **aim.transfer})}  # {steps} steps",
        *([f"evaluate: {_flow({'fars': _fars(data, asked)})}  # false accept rates of TAR"] if aim.pairs else []),
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


def _fars(data: Look, asked: int) -> list[float]:
    """Those that pairs of the people to test on can show, and pairs of what the teacher is asked about."""
    sizes = Counter(one.identity for one in data.samples if one.split == "test" and one.identity >= 0)
    impostors = math.comb(sizes.total(), 2) - sum(math.comb(size, 2) for size in sizes.values())
    if asked:  # of a person up to four
        impostors = min(impostors, asked * (asked - EACH) // 2)
    return [far for far in _FARS if far * impostors >= _SHOWN] or [_FARS_OF_FEW]


def _length(learnt: int, most_pictures: int) -> tuple[int, int]:
    """Passes over so many pictures, and how many are in a batch."""
    batch, (fewest, most) = most_pictures, _PASSES
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
