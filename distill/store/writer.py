"""Asking a teacher about every view, and writing its answers where a stop costs one file at most.

It is written in a directory beside its place (`distill.store.building`). What an earlier store there answered to the
same pictures is copied, not asked again.

Shapes: N pictures, C outputs, n views of one batch.
"""

import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import lightning as L
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.data import DataLoader

from distill.data.views.batch import ViewBatch
from distill.data.views.loader import Returning, as_is, raising, workers_alive
from distill.errors import DistillError
from distill.files.atomic import aside_of, atomic_path
from distill.files.checksums import SUMS, agrees, read_sums, sums_of, write_sums
from distill.host import check_open_files, end_with
from distill.store.asking import Ask, Asked, Asking, Part, Whole, answer
from distill.store.building import claimed, complete, is_complete, missing, write_part
from distill.store.estimate import announce
from distill.store.manifest import Manifest
from distill.store.previous import Previous
from distill.store.store import Store, building_place

console = Console(stderr=True, markup=False, emoji=False)


def write_store(
    directory: Path, manifest: Manifest, asking: Asking, fabric: L.Fabric, texts: Mapping[str, str] | None = None
) -> Store | None:
    """Answer all that `manifest` names, or go on with it.

    Args:
        directory: where the store is or will be. A store of the same teacher and views, but of other pictures or fewer
            views, is replaced by the new one when that is complete; what is in both is copied. One with answers about
            pictures that are no longer shown stays, as `NAME.old`.
        manifest: without checksums.
        fabric: launched; each of its processes writes files of its own, and has workers of its own.
        texts: files to keep beside the answers, by name.

    Returns:
        the complete store; None in all processes but the first.

    Raises:
        DistillError: the place holds another store, or is being written to by another process, or is full; the
            teacher answers NaN, or a zero vector as an embedding.
    """
    teacher, shown = asking.teacher, asking.shown
    if fabric.global_rank:
        end_with(os.getppid())  # where Lightning started this one, that one holds the lock for both
    if is_complete(directory, manifest):
        if fabric.global_rank:
            return None
        shutil.rmtree(aside_of(directory), ignore_errors=True)  # of a kill after the store was put in its place
        listed = read_sums(directory)
        if lost := [name for name in texts or {} if name not in listed or not agrees(directory / name)]:
            console.print(f"{directory / lost[0]}: damaged, or without a checksum; written again.", soft_wrap=True)
            _write_texts(directory, texts or {})
        return Store.open(directory)
    building = building_place(directory)
    with claimed(directory, manifest, fabric):
        previous = Previous.of(directory, manifest, shown)
        parts: list[Part] = fabric.broadcast(missing(building, manifest) if fabric.global_rank == 0 else [])
        asks = Batches(asking, manifest, previous, parts[fabric.global_rank :: fabric.world_size])
        asks.write_known(building)
        if asks.batches:
            teacher.to(fabric.device).eval()  # one just built is in training mode
            if fabric.global_rank == 0:
                announce(teacher, asks.first().to(fabric.device), asks.unknown, asks.bytes, building, fabric.world_size)
            _answer(asks, asking, building, fabric)
        fabric.barrier()
        if fabric.global_rank:
            return None
        _write_texts(building, texts or {})
        return complete(directory, manifest, shown, 0 if previous is None else previous.loses(shown))


def _write_texts(directory: Path, texts: Mapping[str, str]) -> None:
    """Files beside the answers, and the list of their checksums."""
    (directory / SUMS).unlink(missing_ok=True)  # a kill leaves none beside another's checksum
    for name, text in texts.items():
        with atomic_path(directory / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    write_sums(directory, sums_of(directory, texts))


class Batches:
    """The batches of one process, and what is known already of each file."""

    def __init__(self, asking: Asking, manifest: Manifest, previous: Previous | None, parts: list[Part]) -> None:
        shown, batch_size = asking.shown, asking.batch_size
        self.dataset, self.parts, self.manifest = Asked(shown, manifest), parts, manifest
        self.previous, self.hashes = previous, {True: shown.whole(), False: shown.viewed()}
        self.batches: list[Ask] = []
        self.unknown, self.bytes = 0, 0
        for part in parts:
            rows = np.flatnonzero(~self._known(part)[0])
            self.unknown += len(rows)
            codec = manifest.codec(part.view)
            self.bytes += len(rows) * codec.dtype.itemsize * math.prod(codec.row)
            for start in range(0, len(rows), batch_size):
                batch_rows = rows[start : start + batch_size]
                # Always whole batches: a kernel may round another way in a batch of another size.
                filled = np.concatenate([batch_rows, np.repeat(batch_rows[-1:], batch_size - len(batch_rows))])
                self.batches.append(Ask(part, filled, len(batch_rows)))

    def first(self) -> ViewBatch | Whole:
        """The first batch, to time."""
        return self.dataset.__getitems__(self.batches[0])

    def begin(self, part: Part) -> np.ndarray:
        """The rows of one file, those known filled in."""
        codec = self.manifest.codec(part.view)
        rows = np.zeros((part.stop - part.start, *codec.row), codec.dtype)
        known, answers = self._known(part)
        rows[known] = answers
        return rows

    def write_known(self, building: Path) -> None:
        """Write the files of which everything is known."""
        asked = {ask.part for ask in self.batches}
        for part in self.parts:
            if part not in asked:
                write_part(building / part.name, self.begin(part))

    def _known(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        hashes = self.hashes[part.view is None][part.start : part.stop]
        if self.previous is None:
            codec = self.manifest.codec(part.view)
            return np.zeros(len(hashes), bool), np.empty((0, *codec.row), codec.dtype)
        return self.previous.recall(hashes, part.view)


def _answer(asks: Batches, asking: Asking, building: Path, fabric: L.Fabric) -> None:
    """Ask batch by batch; a file is written when its last batch is answered."""
    teacher, device = asking.teacher, fabric.device
    check_open_files(asking.workers)
    loader: DataLoader[ViewBatch | Whole] = DataLoader(
        Returning(asks.dataset),
        batch_sampler=asks.batches,  # type: ignore[arg-type]  # one request is one batch
        collate_fn=as_is,
        num_workers=asking.workers,
        multiprocessing_context="spawn" if asking.workers else None,
        pin_memory=device.type == "cuda",
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        workers_alive(),
        Progress(*columns, console=console, transient=True, disable=fabric.global_rank > 0) as progress,
    ):
        task = progress.add_task(f"answers of {teacher.name}", total=asks.unknown)
        rows = np.empty(0)
        for number, (ask, shown) in enumerate(zip(asks.batches, raising(loader), strict=True)):
            if number == 0 or ask.part != asks.batches[number - 1].part:
                rows = asks.begin(ask.part)
            answers = {name: values[: ask.count] for name, values in answer(teacher, shown.to(device)).items()}
            if (useless := asking.kind.useless(answers)) is not None:
                raise DistillError(
                    f"teacher {teacher.name}: answers {useless} while {ask.part.name} is written. Check its weights, "
                    "mean and std; nothing of that file was kept."
                )
            rows[ask.rows[: ask.count]] = asks.manifest.codec(ask.part.view).encode(answers)
            progress.advance(task, ask.count)
            if number + 1 == len(asks.batches) or asks.batches[number + 1].part != ask.part:
                write_part(building / ask.part.name, rows)
