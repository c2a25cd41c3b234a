"""Asking a teacher about every view, and writing its answers where a stop costs one file at most.

A store is written in a directory beside its place, `NAME.building`, file by file: each is written whole, then its
checksum beside it, and only both together count. When all are there the directory takes its place in one rename. What
an earlier store there answered to the same pictures is copied, not asked again.

Shapes: N pictures, C outputs, n views of one batch.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import lightning as L
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader

from distill.data.views.batch import ViewBatch
from distill.data.views.loader import Returning, as_is, raising
from distill.errors import DistillError
from distill.files.atomic import atomic_path, checksum, put
from distill.files.locks import exclusive
from distill.host import end_with
from distill.store.asking import Ask, Asked, Asking, Part, Shown, answer
from distill.store.estimate import announce
from distill.store.manifest import MANIFEST, PICTURES, WHOLE, Manifest, differences, without_growth
from distill.store.previous import Previous
from distill.store.store import Store, building_place, find_manifest

CHECKSUM = ".sha256"

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
    if _is_complete(directory, manifest):
        return None if fabric.global_rank else Store.open(directory)
    building = building_place(directory)
    with _claimed(directory, manifest, fabric):
        previous = Previous.of(directory, manifest, shown)
        parts: list[Part] = fabric.broadcast(_missing(building, manifest) if fabric.global_rank == 0 else [])
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
        for name, text in (texts or {}).items():
            with atomic_path(building / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return _complete(directory, manifest, shown, 0 if previous is None else previous.loses(shown))


@contextmanager
def _claimed(directory: Path, manifest: Manifest, fabric: L.Fabric) -> Iterator[None]:
    """Hold the place where the store is written: one writer at a time, of one store.

    The lock is the system's, so it ends with a process that is killed.
    """
    if fabric.global_rank:
        fabric.barrier()
        yield
        return
    _check_place(directory, manifest)
    building = building_place(directory)

    def refuse() -> None:
        raise DistillError(
            f"{building}: another process is writing to it. Wait for it, or name another place with --out."
        )

    with exclusive(building, waiting=refuse):
        for leftover in building.glob(".*.part"):  # of a process that was killed
            leftover.unlink()
        _check_begun(building, manifest)
        fabric.barrier()
        yield


def _is_complete(directory: Path, manifest: Manifest) -> bool:
    """Whether the store stands there already, every file of it as it was written."""
    written = find_manifest(directory)
    if written is None or written.describe() != manifest.describe():
        return False
    files = ((directory / name, expected) for name, expected in written.checksums.items())
    return all(file.is_file() and checksum(file) == expected for file, expected in files)


def check_free(directory: Path) -> None:
    """Refuse a place where no store is and none can be written.

    Raises:
        DistillError: it is taken, or cannot be made.
    """
    if directory.exists() and not directory.is_dir():
        raise DistillError(f"{directory}: a file, expected the directory of a store. Name another with --out.")
    if directory.exists() and not (directory / MANIFEST).is_file() and any(directory.iterdir()):
        raise DistillError(f"{directory}: exists and is not a store of teacher answers. Name another with --out.")
    above = next(place for place in directory.absolute().parents if place.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise DistillError(
            f"{directory}: cannot be written, for {above} is no directory that this user may write to. Name another "
            "with --out."
        )


def _check_place(directory: Path, manifest: Manifest) -> None:
    """Refuse a place that holds something else."""
    check_free(directory)
    written = find_manifest(directory)
    if written is not None:
        _refuse_other(directory, differences(without_growth(written), without_growth(manifest)))


def _check_begun(building: Path, manifest: Manifest) -> None:
    """Go on with what was begun, or begin; a begun store of which nothing was answered yet stands in nobody's way."""
    begun = building / MANIFEST
    recorded = {}
    if begun.exists():
        written = Manifest.read(begun)
        recorded = _recorded(building, written)
    if recorded:
        _refuse_other(building, differences(without_growth(written), without_growth(manifest)))
        if written.pictures != manifest.pictures:
            raise DistillError(
                f"{building}: was begun with {written.pictures.viewed} pictures to show in views, and now there are "
                f"{manifest.pictures.viewed}, or others. Finish it with those first, for a finished store takes new "
                "ones in; or delete it."
            )
    wanted = manifest.files()
    recorded = {name: value for name, value in recorded.items() if name in wanted}
    # Whatever else is there is of more views, or of a process that outlived the one that began it.
    for file in building.glob("*.npy*"):
        if file.name.removesuffix(CHECKSUM) not in recorded:
            file.unlink()
    replace(manifest, checksums=recorded).write(begun)


def views_begun(directory: Path) -> int:
    """How many views end with the last of which every picture is answered, in a store begun at ``directory``."""
    building = building_place(directory)
    if not (building / MANIFEST).exists():
        return 0
    written = Manifest.read(building / MANIFEST)
    recorded = _recorded(building, written)
    answered = [view for view in range(written.count) if recorded.keys() >= set(written.files_of(view))]
    return 1 + answered[-1] if answered else 0


def _keep_aside(directory: Path, lost: int) -> None:
    """What was answered about pictures that are no longer shown is not for this program to delete."""
    place, number = directory.with_name(f"{directory.name}.old"), 1
    while place.exists():
        number += 1
        place = directory.with_name(f"{directory.name}.old{number}")
    directory.rename(place)
    console.print(
        f"{place}: the store before, for it has answers about {lost} pictures that the new one has none about. "
        "Delete it if they are not wanted.",
        soft_wrap=True,
    )


def _refuse_other(place: Path, differing: Sequence[str]) -> None:
    if differing:
        raise DistillError(
            f"{place}: holds answers to something else: {'; '.join(differing)}. Name another place with --out, or "
            "delete that one."
        )


def _missing(building: Path, manifest: Manifest) -> list[Part]:
    """The files that are not written yet; one without its checksum is not."""
    counts = {None: manifest.pictures.whole} | dict.fromkeys(range(manifest.count), manifest.pictures.viewed)
    parts = [
        Part(view, number, start, min(start + manifest.rows, count))
        for view, count in counts.items()
        for number, start in enumerate(range(0, count, manifest.rows))
    ]
    recorded = _recorded(building, manifest)
    return [
        part
        for part in parts
        if part.name not in recorded
        or not (building / part.name).is_file()
        or checksum(building / part.name) != recorded[part.name]
    ]


def _recorded(building: Path, manifest: Manifest) -> dict[str, str]:
    """The checksums of the files that were written whole.

    They stand beside the files until the last one is written, and then in the manifest: a store may be stopped between
    that and its taking its place.
    """
    beside = {name: building / (name + CHECKSUM) for name in manifest.files()}
    checksums = {name: file.read_text(encoding="ascii").strip() for name, file in beside.items() if file.is_file()}
    return Manifest.read(building / MANIFEST).checksums | checksums


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

    def first(self) -> ViewBatch | Tensor:
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
                _write(building / part.name, self.begin(part))

    def _known(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        hashes = self.hashes[part.view is None][part.start : part.stop]
        if self.previous is None:
            codec = self.manifest.codec(part.view)
            return np.zeros(len(hashes), bool), np.empty((0, *codec.row), codec.dtype)
        return self.previous.recall(hashes, part.view)


def _answer(asks: Batches, asking: Asking, building: Path, fabric: L.Fabric) -> None:
    """Ask batch by batch; a file is written when its last batch is answered."""
    teacher, device = asking.teacher, fabric.device
    loader: DataLoader[ViewBatch | Tensor] = DataLoader(
        Returning(asks.dataset),
        batch_sampler=asks.batches,  # type: ignore[arg-type]  # one request is one batch
        collate_fn=as_is,
        num_workers=asking.workers,
        multiprocessing_context="spawn" if asking.workers else None,
        pin_memory=device.type == "cuda",
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=fabric.global_rank > 0) as progress:
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
                _write(building / ask.part.name, rows)


def _write(file: Path, rows: np.ndarray) -> None:
    """Write one file whole, then what makes it count."""
    _save(file, rows)
    with atomic_path(file.with_name(file.name + CHECKSUM)) as temporary:
        temporary.write_text(checksum(file) + "\n", encoding="ascii")


def _save(file: Path, array: np.ndarray) -> None:
    with atomic_path(file) as temporary, temporary.open("wb") as handle:
        np.save(handle, array, allow_pickle=False)


def _complete(directory: Path, manifest: Manifest, shown: Shown, lost: int) -> Store:
    """Gather the checksums and put the store in its place.

    Args:
        lost: pictures about which the one there has answers that this one has not.
    """
    building = building_place(directory)
    _save(building / PICTURES, shown.viewed())
    _save(building / WHOLE, shown.whole())
    checksums = _recorded(building, manifest) | {name: checksum(building / name) for name in (PICTURES, WHOLE)}
    replace(manifest, checksums=checksums).write(building / MANIFEST)
    for name in manifest.files():
        (building / (name + CHECKSUM)).unlink(missing_ok=True)
    if lost:
        _keep_aside(directory, lost)
    put(building, directory)
    return Store.open(directory)
