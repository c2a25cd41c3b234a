"""Whether a store still holds what was written, and whether the teacher still says so.

Shapes: n pictures asked again, C outputs.
"""

from collections.abc import Iterator

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from distill.errors import DistillError
from distill.files.checksums import check_sum, read_sums
from distill.objectives.top import TopAnswers
from distill.store.asking import Ask, Asked, Part, Shown, answer
from distill.store.manifest import Manifest, PictureFacts, differences
from distill.store.store import REPAIR, Store, check_file
from teachers.teacher import Teacher

ASKED_AGAIN = 64
"""Answers compared with what the teacher says now."""

TOLERANCE = {"float16": 2e-3, "float32": 1e-4}
"""Of a logit, as a share of its picture's largest or of 1: float16 keeps 11 bits, and machines round differently."""


def check_all_files(store: Store) -> None:
    """Read every file of a store, with a progress bar.

    Raises:
        DistillError: naming the first that is not what was written, or lists of pictures that are not the manifest's.
    """
    facts = store.manifest.pictures
    if PictureFacts.of(facts.pixels, (facts.height, facts.width), store.viewed, store.whole) != facts:
        raise DistillError(f"{store.directory}: its lists of pictures are not those of its manifest: it was altered.")
    for name in track(store.manifest.files(), "checksums", console=Console(stderr=True), transient=True):
        check_file(store.directory, name, store.manifest)
    for name in read_sums(store.directory):
        check_sum(store.directory / name, REPAIR)


def ask_again(store: Store, teacher: Teacher, shown: Shown) -> tuple[int, float]:
    """Ask the teacher about a few views once more.

    Args:
        shown: the pictures of the store.

    Returns:
        how many views, and the largest difference of a logit from the stored one.

    Raises:
        DistillError: the teacher or the pictures are others than the store's, or an answer is another.
    """
    manifest = store.manifest
    if teacher.fingerprint() != manifest.teacher.fingerprint:
        raise DistillError(
            f"{store.directory}: was answered by {manifest.teacher.name}, fingerprint "
            f"{manifest.teacher.fingerprint[:12]}, and the teacher at hand is {teacher.name}, fingerprint "
            f"{teacher.fingerprint()[:12]}."
        )
    here = shown.facts()
    if here != manifest.pictures:
        wrong = "; ".join(differences(vars(manifest.pictures), vars(here)))
        raise DistillError(f"{store.directory}: its pictures are not those of the data: {wrong}.")
    asked, count, worst = Asked(shown, manifest), 0, 0.0
    alone = next(iter(teacher.shapes))
    for view, asked_rows in _spread(manifest):
        hashes = store.whole if view is None else store.viewed
        again = asked.__getitems__(Ask(Part(view, 0, 0, len(hashes)), asked_rows, len(asked_rows)))
        said = answer(teacher, again)
        rows = store.whole_answers(asked_rows) if view is None else store.view_answers(asked_rows, view)
        stored = manifest.codec(view).decode(rows)
        dtype = manifest.dtype if view is None or manifest.top is None else "float16"
        difference, off = torch.zeros(len(asked_rows)), torch.zeros(len(asked_rows), dtype=torch.bool)
        for name, kept in (stored if isinstance(stored, dict) else {alone: stored}).items():
            apart = _difference(said[name], kept)
            largest = said[name].abs().flatten(1).amax(dim=1).clamp(min=1)
            # NaN is not less than anything.
            off |= ~(apart <= TOLERANCE[dtype] * largest)
            difference = torch.maximum(difference, apart)
        if off.any():
            first = int(off.int().argmax())
            shown_as = "whole picture" if view is None else f"view {view} of picture"
            raise DistillError(
                f"{store.directory}: the teacher's answer to {shown_as} {hashes[asked_rows[first]]:016x} is off by "
                f"{float(difference[first]):.3g} from the stored one. Store the answers again in another place."
            )
        worst, count = max(worst, float(difference.max())), count + len(asked_rows)
    return count, worst


def _spread(manifest: Manifest) -> Iterator[tuple[int | None, np.ndarray]]:
    """`ASKED_AGAIN` answers, or all where there are fewer: views, None of whole pictures, and rows spread over each."""
    views = [None, *range(manifest.count)]
    views = [views[place] for place in np.linspace(0, len(views) - 1, min(ASKED_AGAIN, len(views))).astype(int)]
    for number, view in enumerate(views):
        pictures = manifest.pictures.whole if view is None else manifest.pictures.viewed
        count = min(pictures, ASKED_AGAIN // len(views) + (number < ASKED_AGAIN % len(views)))
        # Halves of a step to either end; from view to view other pictures.
        yield view, ((np.arange(count) + (number + 0.5) / len(views)) * pictures / count).astype(np.int64)


def _difference(said: Tensor, stored: Tensor | TopAnswers) -> Tensor:
    """(n,), the largest of a number (n, ...) from the stored ones."""
    if isinstance(stored, TopAnswers):
        said = (said - said.amax(dim=1, keepdim=True)).gather(1, stored.classes.long())
        stored = stored.logits
    return (said - stored.float()).abs().flatten(1).amax(dim=1)
