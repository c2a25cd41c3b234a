"""From a source to a prepared set: decode each picture once, bring it to one size, name what had to be left out.

Pictures stream through a bounded window of threads (PIL decodes outside Python's lock) into a file that grows, so
neither their number nor their bytes need to fit into memory.

Shapes: N pictures, C classes, H W pixels.
"""

import csv
import dataclasses
import hashlib
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sized
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from rich.console import Console
from rich.progress import track

from distill.data.alignment import Alignment
from distill.data.decode import BadPicture, decode, read
from distill.data.listing import Stateful
from distill.data.prepared import INDEX, LEDGER, VERSION, Prepared, reopen, write_index
from distill.data.source import SPLITS, Sample, Source
from distill.errors import DistillError
from distill.files import atomic_path, read_json
from distill.preprocess import fit

WORKERS = min(8, os.cpu_count() or 1)
WINDOW = 16  # pictures in flight for each worker: enough to keep it busy, few enough that large ones fit into memory
SHOWN = 5  # bad pictures an error names
DUPLICATE = "duplicate of "

Loaded = tuple[int, np.ndarray] | BadPicture
"""A picture's content hash and its uint8 (H, W, 3) pixels, or why it has none."""


def prepare(
    source: Source,
    directory: Path,
    *,
    height: int,
    width: int,
    align: Alignment | None = None,
    max_bad_share: float = 0.01,
    workers: int = WORKERS,
    progress: bool = True,
) -> Prepared:
    """Prepare every picture of a source, or open what an earlier call left.

    A picture is cut to the largest centred box of the wanted shape and resized; one of that size is stored untouched.
    A bad picture is named in the ledger and counted. Of pictures with the same content one is kept: the first of the
    test split, or else of validation, or else of train, so that no split holds a picture of another. The others go to
    the ledger too but are not bad.

    Args:
        directory: where the set is or will be. It is written beside its place and renamed; a set prepared from
            something else (other keys, other files, another size) is replaced.
        height, width: pixels of the stored pictures.
        align: brings the face to its place instead; a picture whose landmarks are not known is bad.
        max_bad_share: the share of bad pictures, of all listed, past which the set is refused.
        workers: threads that decode, at least one.

    Raises:
        DistillError: the source is malformed; too many pictures are bad, or none is left (the ledger then stands
            beside ``directory``); ``directory`` holds something else or cannot be written; its files were damaged.
    """
    description = _describe(source, height, width, align)
    if _stored_key(directory) == description["key"]:
        prepared = Prepared.open(directory)
        ledger = _read_ledger(directory / LEDGER)
        _check_share(ledger, len(prepared) + len(ledger), max_bad_share, directory / LEDGER)
        return prepared
    ledger_file = directory.with_name(f"{directory.name}.{LEDGER}")
    with atomic_path(directory) as temporary:
        temporary.mkdir(exist_ok=True)
        kept = _Kept(source)
        _fill(temporary / "pictures.npy", kept, height, width, align, workers, progress)
        _write_ledger(ledger_file, kept.ledger)
        _check_share(kept.ledger, len(kept.rows) + len(kept.ledger), max_bad_share, ledger_file)
        os.replace(ledger_file, temporary / LEDGER)
        names = [row.name for row in kept.rows]
        write_index(temporary, kept.arrays(), {**description, "names": names, "classes": kept.classes})
    return reopen(directory)


class _Row(NamedTuple):
    name: str
    content: int
    labels: np.ndarray
    identity: int
    split: int


class _Kept:
    """What is known of the pictures written so far, row by row, and the ledger of the others."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.classes = source.classes()
        self.rows: list[_Row] = []
        self.ledger: list[tuple[str, str]] = []
        self._row_of: dict[int, int] = {}

    def add(self, sample: Sample, loaded: Loaded) -> np.ndarray | None:
        """Enter a picture; its pixels come back where they are to be written as the next row."""
        if isinstance(loaded, BadPicture):
            self.ledger.append((loaded.name, loaded.reason))
            return None
        content, pixels = loaded
        row = _Row(sample.name, content, self._labels(sample), sample.identity, SPLITS.index(sample.split))
        place = self._row_of.get(content)
        if place is None:
            self._row_of[content] = len(self.rows)
            self.rows.append(row)
            return pixels
        first = self.rows[place]
        if row.split > first.split:  # the pixels are the same: the row is handed over to the split that must keep it
            self.rows[place], row, first = row, first, row
        self.ledger.append((row.name, DUPLICATE + first.name))
        return None

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays beside the pictures, as `Prepared` has them."""
        return {
            "hashes": np.array([row.content for row in self.rows], np.uint64),
            "labels": np.stack([row.labels for row in self.rows]),
            "identities": np.array([row.identity for row in self.rows], np.int64),
            "splits": np.array([row.split for row in self.rows], np.uint8),
        }

    def _labels(self, sample: Sample) -> np.ndarray:
        labels = sample.labels or (-1,) * len(self.classes)
        if len(labels) != len(self.classes) or not {-1, 0, 1}.issuperset(labels):
            raise DistillError(
                f"{self.source.name}: {sample.name} has the labels {labels}, expected {len(self.classes)} values, each "
                "1 (present), 0 (absent) or -1 (unknown)."
            )
        return np.array(labels, np.int8)


def _fill(
    file: Path, kept: _Kept, height: int, width: int, align: Alignment | None, workers: int, progress: bool
) -> None:
    """Write the pictures of the source, an array that grows while they come."""
    samples = kept.source.samples(height, width)
    total = len(samples) if isinstance(samples, Sized) else None
    # Written, not memory-mapped: a full disk is then an error and not a signal that kills. The large buffer spares the
    # decoding threads the release and return of Python's lock at every picture.
    with ThreadPoolExecutor(workers) as pool, file.open("wb", buffering=1 << 22) as handle:
        _write_header(handle, 0, height, width)
        loaded = _load_all(pool, samples, height, width, align, workers * WINDOW)
        text = f"prepare {kept.source.name}"
        for sample, result in track(
            loaded, text, total, console=Console(stderr=True), transient=True, disable=not progress
        ):
            pixels = kept.add(sample, result)
            if pixels is not None:
                handle.write(pixels.data)
        handle.seek(0)
        _write_header(handle, len(kept.rows), height, width)


def _describe(source: Source, height: int, width: int, align: Alignment | None) -> dict[str, Any]:
    """What a prepared set depends on, and its hash, the key."""
    fields = {"type": type(source).__qualname__, **dataclasses.asdict(cast(Any, source))}
    state = source.state() if isinstance(source, Stateful) else ""
    landmarks = None if align is None else align.fingerprint()
    description = {
        "version": VERSION,
        "height": height,
        "width": width,
        "align": landmarks,
        "source": fields,
        "state": state,
    }
    text = json.dumps(description, sort_keys=True, default=str)
    return {**json.loads(text), "key": hashlib.sha256(text.encode()).hexdigest()}


def _stored_key(directory: Path) -> str | None:
    """The key of the set that stands at ``directory``, if one does."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return None
    index = read_json(directory / INDEX) if (directory / INDEX).is_file() else None
    if not isinstance(index, dict) or "key" not in index or "checksums" not in index:
        raise DistillError(f"{directory}: holds something that is not a prepared set; name another place or empty it.")
    return str(index["key"])


def _load_all(
    pool: Executor, samples: Iterable[Sample], height: int, width: int, align: Alignment | None, window: int
) -> Iterator[tuple[Sample, Loaded]]:
    """Load in the pool, in order, never more than ``window`` pictures ahead."""
    pending: deque[tuple[Sample, Future[Loaded]]] = deque()
    for sample in samples:
        pending.append((sample, pool.submit(_load, sample, height, width, align)))
        if len(pending) == window:
            first, future = pending.popleft()
            yield first, future.result()
    for first, future in pending:
        yield first, future.result()


def _load(sample: Sample, height: int, width: int, align: Alignment | None) -> Loaded:
    """Hash, decode, and fit or align one picture."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        if isinstance(sample.picture, np.ndarray):
            pixels = np.ascontiguousarray(sample.picture)
            if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
                found = f"{pixels.dtype} {pixels.shape}"
                raise BadPicture(sample.name, f"pixels are {found}, expected uint8 (height, width, 3)")
            digest.update(repr(pixels.shape).encode())
            digest.update(pixels.data)
        else:
            encoded = read(sample.picture, sample.name) if isinstance(sample.picture, Path) else sample.picture
            digest.update(encoded)
            pixels = decode(encoded, sample.name)
        fitted = align(pixels, sample.name, height, width) if align else fit(pixels, height, width)
    except BadPicture as bad:
        return bad
    return int.from_bytes(digest.digest(), "little"), fitted


def _write_header(file: BinaryIO, count: int, height: int, width: int) -> None:
    """NumPy pads the header so that the first axis can grow: one with another count takes the same place."""
    shape = (count, height, width, 3)
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _write_ledger(path: Path, ledger: list[tuple[str, str]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "reason"), *ledger])


def _read_ledger(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(name, reason) for name, reason in list(csv.reader(file))[1:]]


def _check_share(ledger: list[tuple[str, str]], listed: int, max_bad_share: float, place: Path) -> None:
    """Refuse a set with too many bad pictures, or with none that is not.

    Args:
        place: where the ledger is or will be, for the error.
    """
    bad = [entry for entry in ledger if not entry[1].startswith(DUPLICATE)]
    if listed == 0:
        raise DistillError("data: the source lists no picture; check its root and the names of its splits.")
    shown = "".join(f"\n  {name}: {reason}" for name, reason in bad[:SHOWN]) + ("\n  ..." if len(bad) > SHOWN else "")
    share = f"{len(bad)} of {listed} pictures are bad ({len(bad) / listed:.2%})"
    if len(bad) == listed:
        raise DistillError(f"data: {share}, none is left:{shown}\nAll are in {place}.")
    if len(bad) > max_bad_share * listed:
        raise DistillError(
            f"data: {share}, more than max_bad_share = {max_bad_share:.2%}:{shown}\nAll are in {place}. Mend or remove "
            "them, or raise max_bad_share to go on without them."
        )
