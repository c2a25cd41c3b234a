"""Whether a store still holds what was written, and whether the teacher still says so.

Shapes: n pictures asked again, C outputs.
"""

import numpy as np
from rich.console import Console
from rich.progress import track
from torch import Tensor

from distill.errors import DistillError
from distill.objectives.top import TopAnswers
from distill.store.asking import Ask, Asked, Part, Shown, answer
from distill.store.manifest import PictureFacts, differences
from distill.store.store import Store, check_file
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
    asked, count = Asked(shown, manifest), min(ASKED_AGAIN, manifest.pictures.viewed)
    rows = np.linspace(0, manifest.pictures.viewed - 1, count).astype(np.int64)
    worst = 0.0
    for view in range(min(manifest.count, count)):
        chosen = rows[view :: manifest.count]
        again = asked.__getitems__(Ask(Part(view, 0, 0, manifest.pictures.viewed), chosen, len(chosen)))
        said = answer(teacher, again)
        stored = manifest.codec(view).decode(store.view_answers(chosen, view))
        difference = _difference(said, stored)
        worst = max(worst, float(difference.max()))
        off = difference > TOLERANCE[manifest.dtype] * said.abs().amax(dim=1).clamp(min=1)
        if off.any():
            row = chosen[int(off.int().argmax())]
            raise DistillError(
                f"{store.directory}: the teacher's answer to view {view} of picture {store.viewed[row]:016x} is off by "
                f"{float(difference.max()):.3g} from the stored one. Store the answers again."
            )
    return count, worst


def _difference(said: Tensor, stored: Tensor | TopAnswers) -> Tensor:
    """(n,), the largest of a logit (n, C) from the stored ones."""
    if isinstance(stored, TopAnswers):
        said = (said - said.amax(dim=1, keepdim=True)).gather(1, stored.classes.long())
        stored = stored.logits
    return (said - stored.float()).abs().amax(dim=1)
