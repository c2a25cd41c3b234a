"""Boxes that a set marks and nobody can use: named under their pictures, which are kept, and refused past a share."""

import numpy as np
from rich.console import Console

from distill.data.prepared.kept import of_a_row
from distill.data.prepared.prepared import LEDGER, Prepared
from distill.data.sources.source import SPLITS
from distill.data.targets import Ragged
from distill.data.wordnet import shown
from distill.errors import DistillError

SHOWN = 4

console = Console(stderr=True, markup=False, emoji=False)


def rows_left_out(prepared: Prepared) -> list[tuple[str, str]]:
    """The picture of each box, or of another target, that could not be used, with what is said of it."""
    return [(name, reason) for name, reason in prepared.ledger if of_a_row(reason)]


def check_boxes(prepared: Prepared, max_share: float, key: str) -> None:
    """Say how many boxes were left out, and of which classes there is none to train on; of a set without boxes nothing.

    Args:
        max_share: of all boxes, past which the set is refused.
        key: what names the set, for the message.

    Raises:
        DistillError: more were left out.
    """
    columns = [prepared.targets[column.name] for column in prepared.columns if column.place == "boxes"]
    kept = [len(values.rows) for values in columns if isinstance(values, Ragged)]
    if not kept:
        return
    boxes = rows_left_out(prepared)
    if boxes:
        marked = kept[0] + len(boxes)
        text = f"{len(boxes)} of {marked} boxes cannot be used"
        named = "".join(f"\n  {name}: {reason}" for name, reason in boxes[:SHOWN]) + "\n  ..." * (len(boxes) > SHOWN)
        place = f"\nAll are in {prepared.directory / LEDGER}."
        if len(boxes) > max_share * marked:
            raise DistillError(
                f"{key}: {text}, more than max_bad_share = {max_share:.2%}:{named}{place} Where most are outside of "
                "their pictures, these were resized after they were marked. Mend the boxes, or raise "
                "prepare.max_bad_share to go on without them."
            )
        console.print(f"{key}: {text}; what they mark counts as background:{named}{place}", soft_wrap=True)
    shows = (prepared.labels[prepared.splits == SPLITS.index("train")] == 1).any(axis=0)
    if shows.any() and not shows.all():
        without = [prepared.classes[number] for number in np.flatnonzero(~shows)]
        console.print(
            f"{key}: {len(without)} of {len(prepared.classes)} classes have no box in the pictures to train on, and "
            f"cannot be learnt from labels: {shown(without)}",
            soft_wrap=True,
        )
