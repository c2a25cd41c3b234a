"""From a source to a prepared set: decode each picture once, bring it to one size, name what had to be left out.

Pictures stream through a bounded window of processes into shards, so neither their number nor their bytes need to fit
into memory; a call that was stopped is gone on with by the next.

Shapes: N pictures, C classes, H W pixels.
"""

import csv
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sized
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.progress import track

from distill.data.prepared.decode import BadPicture
from distill.data.prepared.frame import Frame
from distill.data.prepared.kept import Entry, Kept, contradicts, duplicate_of, of_a_row, pictures_of
from distill.data.prepared.loading import StoredPicture, load_chunk
from distill.data.prepared.pool import work
from distill.data.prepared.prepared import INDEX, LEDGER, RESERVED, VERSION, Prepared, read_index, reopen, write_index
from distill.data.prepared.unfinished import Unfinished, discard_empty, plan_of
from distill.data.sources.listing import Stateful
from distill.data.sources.source import SPLITS, Sample, Source, Targeted
from distill.data.targets import IDENTITIES, Column, labels_column, placed
from distill.errors import DistillError, echo
from distill.faces.choice import about_a_face
from distill.files.atomic import aside_of, atomic_path
from distill.files.locks import exclusive
from distill.files.sealed import read_damaged
from distill.files.text import no_text

WORKERS = min(8, os.cpu_count() or 1)
SHOWN = 5  # bad pictures an error names
_AFRESH = "Name another place, or delete {} to prepare the set afresh."
_ENTRIES = 4  # of the layout of what unfinished sets have entered; raise it when it changes

console = Console(stderr=True, markup=False, emoji=False)


def prepare(
    source: Source,
    directory: Path,
    frame: Frame,
    *,
    max_bad_share: float = 0.01,
    max_raw_bytes: int = 32 * 2**30,
    workers: int = WORKERS,
) -> Prepared:
    """Prepare every picture of a source, or open what an earlier call left.

    A picture of another size is brought to the wanted one; one of that size is stored untouched. Places among its
    targets become shares of the stored picture. A bad picture is named in the ledger and counted. Of pictures with the
    same content one is kept: the first of the test split, or else of validation, or else of train, so that no split
    holds a picture of another. The others go to the ledger too but are not bad. Where their labels or people differ,
    none is used: see `distill.data.prepared.contradictions`. A box that its source could not use is in the ledger under
    the picture, which is kept: see `distill.data.prepared.boxes`.

    Args:
        directory: where the set is or will be. It is written beside its place and renamed; a set prepared from
            something else (other keys, other files, another size) is replaced. What a stopped call had finished is
            gone on with, and comes out as if it had not been stopped.
        frame: what brings a picture to the size of the stored ones; one that is to be aligned and whose landmarks are
            not known is bad.
        max_bad_share: the share of bad pictures, of all listed, past which the set is refused.
        max_raw_bytes: a set whose raw pictures would take more keeps them encoded, and decodes them as they are
            gathered. One that is there already stays as it is.
        workers: processes that decode, at least one; the first pictures are decoded by as many threads.

    Raises:
        DistillError: the source or a target is malformed; too many pictures are bad, or none is left (the ledger then
            stands beside ``directory``); ``directory`` holds something else or cannot be written; its files were
            damaged.
    """
    description = _describe(source, frame)
    part = directory.with_name(f".{directory.name}.part")
    try:
        leftovers = part, aside_of(directory)  # of a kill after the set was put in its place
        if _stored_key(directory) == description["key"] and not any(place.exists() for place in leftovers):
            return _open(directory, max_bad_share)
        with exclusive(part, lambda: console.print(f"{directory}: another process is preparing it; waiting for it.")):
            if _stored_key(directory) == description["key"]:
                for leftover in leftovers:
                    shutil.rmtree(leftover, ignore_errors=True)
                return _open(directory, max_bad_share)
            try:
                _Preparation(source, directory, part, description, frame, max_bad_share, max_raw_bytes, workers).run()
            except BaseException:
                discard_empty(part)
                raise
    except OSError as error:
        raise DistillError(
            f"{directory}: cannot be written ({error.strerror or error}). Free some space or name another place with "
            f"--out; finished shards are kept in {part}, and the same command goes on after them."
        ) from error
    return reopen(directory)


def _open(directory: Path, max_bad_share: float) -> Prepared:
    prepared = Prepared.open(directory)
    ledger = prepared.ledger
    _check_share(ledger, prepared.listed, max_bad_share, directory / LEDGER)
    return prepared


@dataclasses.dataclass(frozen=True)
class _Preparation:
    """One set to be made, in a directory held by this process alone."""

    source: Source
    directory: Path
    part: Path
    description: dict[str, Any]
    frame: Frame
    max_bad_share: float
    max_raw_bytes: int
    workers: int

    def run(self) -> None:
        samples = self._samples()
        total = len(samples) if isinstance(samples, Sized) else None
        plan = {"key": self.description["key"], "max_raw_bytes": self.max_raw_bytes, "entries": _ENTRIES}
        # A stream does not tell its length: it is taken for one that fits, until it does not.
        encoded = _planned(self.part, plan) if total is None else self._exceeds(total)
        if not self._make(samples, total, plan, encoded):
            self._make(self._samples(), total, plan, encoded=True)

    def _samples(self) -> Iterable[Sample]:
        samples = self.source.samples(self.frame.height, self.frame.width)
        return samples if self.frame.align is None else self.frame.align.each(samples)

    def _exceeds(self, count: int) -> bool:
        return 3 * count * self.frame.height * self.frame.width > self.max_raw_bytes

    def _make(self, samples: Iterable[Sample], total: int | None, plan: dict[str, Any], encoded: bool) -> bool:
        """Whether the set was made; False where it turned out too large to be raw."""
        classes, further = self.source.classes(), _declared(self.source)
        columns = (labels_column(len(classes)), IDENTITIES, *further)
        kept = Kept(columns, classes)
        height, width = self.frame.height, self.frame.width
        unfinished = Unfinished(self.part, {**plan, "encoded": encoded}, kept, height, width, encoded)
        beside = self.directory.with_name(f"{self.directory.name}.{LEDGER}")
        try:
            rest = islice(samples, unfinished.listed, None)
            load = partial(load_chunk, frame=self.frame, encoded=encoded)
            with closing(work(rest, load, self.workers)) as pairs:
                text = f"prepare {self.source.name}"
                for sample, stored in track(pairs, text, total, unfinished.listed, console=console, transient=True):
                    entry = _entry(sample, stored, columns, self.source.name)
                    unfinished.add(entry, None if isinstance(stored, BadPicture) else stored.data)
                    if not encoded and self._exceeds(len(kept)):
                        return False
            try:
                listed = len(kept) - kept.contradicted + pictures_of(kept.ledger)
                _check_share(kept.ledger, listed, self.max_bad_share, beside)
            except DistillError:
                _write_ledger(beside, kept.ledger)
                raise
            unfinished.finish()
            _write_ledger(unfinished.directory / LEDGER, kept.ledger)
            content = {**self.description, "classes": classes, "encoded": encoded}
            write_index(unfinished.directory, kept.arrays() | kept.targets(), kept.names, content, unfinished.checksums)
            unfinished.move_to(self.directory)
            beside.unlink(missing_ok=True)  # of an earlier call that was refused
        finally:
            unfinished.close()
        return True


def _declared(source: Source) -> tuple[Column, ...]:
    """What a source knows of its pictures beside labels and people."""
    columns = source.columns() if isinstance(source, Targeted) else ()
    names = [column.name for column in columns]
    if taken := [name for name in names if name in RESERVED or names.count(name) > 1]:
        raise DistillError(
            f"{source.name}: declares the column {taken[0]}, a name that is taken; expected each once, and none of "
            f"{', '.join(RESERVED)}."
        )
    return columns


def _entry(sample: Sample, stored: StoredPicture | BadPicture, columns: tuple[Column, ...], source: str) -> Entry:
    """What came of a picture; its labels and targets are checked though it is bad."""
    classes = columns[0].shape[0]
    labels = sample.labels or (-1,) * classes
    if len(labels) != classes or not {-1, 0, 1}.issuperset(labels):
        raise DistillError(
            f"{source}: {sample.name} has the labels {labels}, expected {classes} values, each 1 (present), "
            "0 (absent) or -1 (unknown)."
        )
    known = dict(sample.targets)
    targets: dict[str, list[float]] = {"labels": list(map(int, labels)), "identities": [int(sample.identity)]}
    for column in columns[len(targets) :]:
        try:
            value = column.value(known.pop(column.name, None))
        except ValueError as error:
            raise DistillError(f"{source}: {sample.name}: target {column.name} {error}.") from None
        if column.place is not None and isinstance(stored, StoredPicture) and stored.placement is not None:
            value = placed(value, column.place, stored.placement)
        targets[column.name] = value.ravel().tolist()
    if known:
        declared = ", ".join(column.name for column in columns[2:]) or "none"
        raise DistillError(
            f"{source}: {sample.name} has the targets {', '.join(known)}, which its source does not declare "
            f"(it declares {declared})."
        )
    split = SPLITS.index(sample.split)
    if isinstance(stored, BadPicture):
        return Entry(sample.name, None, None, stored.reason, split, {})
    return Entry(sample.name, stored.content, stored.file, "", split, targets, sample.left_out)


def _describe(source: Source, frame: Frame) -> dict[str, Any]:
    """What a prepared set depends on, and its hash, the key."""
    if (wrong := next(filter(no_text, source.classes()), None)) is not None:
        raise DistillError(f"classes: {echo(wrong)}: {no_text(wrong)} in it is no character of text. Rename it.")
    fields = {"type": type(source).__qualname__, **dataclasses.asdict(cast(Any, source))}
    state = source.state() if isinstance(source, Stateful) else ""
    landmarks = None if frame.align is None else frame.align.fingerprint()
    description: dict[str, Any] = {
        "version": VERSION,
        "height": frame.height,
        "width": frame.width,
        "align": landmarks,
        "source": fields,
        "state": state,
    }
    # Only where they are not as in every set before there were any: those sets keep their keys.
    if frame.fit != "crop":
        description["fit"] = frame.fit
    if frame.align is not None and (found := frame.align.found()) is not None:
        description["faces"] = found
    if columns := _declared(source):
        description["columns"] = [column.describe() for column in columns]
    text = json.dumps(description, sort_keys=True, default=str)
    return {**json.loads(text), "key": hashlib.sha256(text.encode()).hexdigest()}


def _stored_key(directory: Path) -> str | None:
    """The key of the set that stands at ``directory``, if one does."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return None
    index = read_damaged(directory / INDEX, _AFRESH.format(directory)) if (directory / INDEX).is_file() else None
    if not isinstance(index, dict) or "key" not in index or "checksums" not in index:
        raise DistillError(f"{directory}: holds something that is not a prepared set; name another place or empty it.")
    return str(read_index(directory)["key"])


def _planned(part: Path, plan: dict[str, Any]) -> bool:
    """Whether the unfinished set in ``part`` is one that turned out too large to be raw."""
    return bool(plan_of(part) == {**plan, "encoded": True})


def _write_ledger(path: Path, ledger: list[tuple[str, str]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "reason"), *ledger])


def _check_share(ledger: list[tuple[str, str]], listed: int, max_bad_share: float, place: Path) -> None:
    """Refuse a set with too many bad pictures, or with none that is not. One without a usable face is not bad:
    `distill.data.faces` refuses a set where most are such.

    Args:
        place: where the ledger is or will be, for the error.
    """
    used = (of_a_row, contradicts, duplicate_of, about_a_face)
    bad = [entry for entry in ledger if not any(is_one(entry[1]) for is_one in used)]
    if listed == 0:
        raise DistillError("the source lists no picture; check its root and the names of its splits.")
    shown = "".join(f"\n  {name}: {reason}" for name, reason in bad[:SHOWN]) + ("\n  ..." if len(bad) > SHOWN else "")
    share = f"{len(bad)} of {listed} pictures are bad ({len(bad) / listed:.2%})"
    if len(bad) == listed:
        raise DistillError(f"{share}, none is left:{shown}\nAll are in {place}.")
    if len(bad) > max_bad_share * listed:
        raise DistillError(
            f"{share}, more than max_bad_share = {max_bad_share:.2%}:{shown}\nAll are in {place}. Mend or remove "
            "them, or raise max_bad_share to go on without them."
        )
