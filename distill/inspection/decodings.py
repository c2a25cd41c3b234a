"""How a detector may write what it sees, as keys of a recipe's `teacher` section."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import permutations, product
from typing import Any, get_args

from teachers.box_outputs import Corners, Scores, Unit

STRIDES = (8, 16, 32)
"""Pixels of a cell of the grids that YOLOX and its kind leave their boxes on."""
_TOGETHER = 3  # outputs that are read at most: boxes, scores and classes


@dataclass(frozen=True)
class Decoding:
    """One way to read a detector's outputs.

    Attributes:
        outputs: the names of those that are read; None where there is one.
        boxes, unit, scores, strides: as `teachers.box_outputs.BoxOutputs` has them.
    """

    outputs: tuple[str, ...] | None
    boxes: Corners
    unit: Unit
    scores: Scores
    strides: tuple[int, ...] | None = None

    def keys(self) -> dict[str, Any]:
        """Of the teacher's section; one that would say nothing is left out."""
        keys = {one.name: getattr(self, one.name) for one in fields(self)}
        return {key: value for key, value in keys.items() if value is not None}

    def __str__(self) -> str:
        where = f"on grids of {', '.join(map(str, self.strides))}" if self.strides else f"in {self.unit}"
        read = f" of {' and '.join(self.outputs)}" if self.outputs else ""
        return f"{self.boxes} {where} by {self.scores}{read}"


def decodings(outputs: Sequence[str], strides: tuple[int, ...] = STRIDES) -> Iterator[Decoding]:
    """All ways to read a file of these outputs: on grids, then decoded; the likeliest first.

    Args:
        outputs: names of several, which are read by one alone, or by two or three in any order: boxes, scores, classes.
            None of a file that has one.
    """
    several = [some for count in range(1, _TOGETHER + 1) for some in permutations(outputs, count)]
    read: Sequence[tuple[str, ...] | None] = several or [None]
    for names, scores in product(read, get_args(Scores)):
        yield Decoding(names, "cxcywh", "pixels", scores, strides)
    for names, scores, unit, boxes in product(read, get_args(Scores), get_args(Unit), get_args(Corners)):
        yield Decoding(names, boxes, unit, scores)
