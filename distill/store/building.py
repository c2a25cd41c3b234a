"""The place a store is written in: held by one writer, checked before it is written to, renamed when it is complete.

A store is written in a directory beside its place, `NAME.building`, file by file: each is written whole, then its
checksum beside it, and only both together count. When all are there the directory takes its place in one rename.

Shapes: N pictures, C outputs.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import lightning as L
import numpy as np
from rich.console import Console

from distill.errors import DistillError
from distill.files.atomic import atomic_path, checksum, put
from distill.files.locks import exclusive
from distill.store.asking import Part, Shown
from distill.store.manifest import MANIFEST, PICTURES, WHOLE, Manifest, differences, without_growth
from distill.store.store import Store, building_place, find_manifest

CHECKSUM = ".sha256"

console = Console(stderr=True, markup=False, emoji=False)


@contextmanager
def claimed(directory: Path, manifest: Manifest, fabric: L.Fabric) -> Iterator[None]:
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


def is_complete(directory: Path, manifest: Manifest) -> bool:
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


def missing(building: Path, manifest: Manifest) -> list[Part]:
    """The files that are not written yet; one without its checksum is not."""
    counts = {None: manifest.pictures.whole} | dict.fromkeys(range(manifest.count), manifest.pictures.viewed)
    parts = [
        Part(view, number, start, min(start + manifest.rows, count))
        for view, count in counts.items()
        for number, start in enumerate(range(0, count, manifest.rows))
    ]
    recorded = _recorded(building, manifest)
    damaged = {
        name
        for name, expected in recorded.items()
        if not (building / name).is_file() or checksum(building / name) != expected
    }
    for name in sorted(damaged):
        console.print(f"{building / name}: missing or damaged; asked again.", soft_wrap=True)
    return [part for part in parts if part.name not in recorded or part.name in damaged]


def _recorded(building: Path, manifest: Manifest) -> dict[str, str]:
    """The checksums of the files that were written whole.

    They stand beside the files until the last one is written, and then in the manifest: a store may be stopped between
    that and its taking its place.
    """
    beside = {name: building / (name + CHECKSUM) for name in manifest.files()}
    checksums = {
        name: file.read_text(encoding="ascii", errors="replace").strip()
        for name, file in beside.items()
        if file.is_file()
    }
    return Manifest.read(building / MANIFEST).checksums | checksums


def write_part(file: Path, rows: np.ndarray) -> None:
    """Write one file whole, then what makes it count."""
    _save(file, rows)
    with atomic_path(file.with_name(file.name + CHECKSUM)) as temporary:
        temporary.write_text(checksum(file) + "\n", encoding="ascii")


def _save(file: Path, array: np.ndarray) -> None:
    with atomic_path(file) as temporary, temporary.open("wb") as handle:
        np.save(handle, array, allow_pickle=False)


def complete(directory: Path, manifest: Manifest, shown: Shown, lost: int) -> Store:
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
