"""Which pictures of one folder are in another too: the same file, or the same photograph under other bytes.

For prepared pictures inside a run `near_duplicates` says the same; here files are read as they are.

Shapes: N pictures, M pairs.
"""

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from distill.data.duplicates.near_duplicates import small, small_duplicates
from distill.data.prepared.decode import BadPicture, decode, read
from distill.data.prepared.pool import work
from distill.data.sources.folder import pictures_below
from distill.data.sources.source import Sample
from distill.errors import DistillError

WORKERS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, eq=False)
class Looked:
    """What is kept of a folder's pictures to compare them.

    Attributes:
        names: below the folder's root, N of them.
        contents: uint64 (N,), 64-bit BLAKE2b of each file.
        whole: grey uint8 (N, 32, 32), all of each picture.
        middle: the same of its largest centred square, which is what a set of square pictures may have kept.
        left_out: reasons of those that cannot be used.
    """

    names: list[str]
    contents: np.ndarray
    whole: np.ndarray
    middle: np.ndarray
    left_out: list[str]


@dataclass(frozen=True, eq=False)
class Leaks:
    """Pairs of pictures that are one, the same files first, then by falling correlation.

    Attributes:
        pairs: int64 (M, 2), an index into each folder's names.
        exact: bool (M,), whether the files have the same bytes.
        correlations: float64 (M,), of the small grey pictures; 1 where exact.
        mirrored: bool (M,).
    """

    pairs: np.ndarray
    exact: np.ndarray
    correlations: np.ndarray
    mirrored: np.ndarray

    def __len__(self) -> int:
        return len(self.pairs)


def look(root: Path, *, workers: int = WORKERS, progress: bool = True) -> Looked:
    """Read every picture below a folder.

    Raises:
        DistillError: there is no such folder, or none of its pictures can be used.
    """
    samples = pictures_below(root, "FOLDER")
    console = Console(stderr=True, markup=False, emoji=False)
    pairs = work(samples, _seen, workers)
    shown = track(pairs, f"reading {root}", len(samples), console=console, transient=True, disable=not progress)
    names, seen, left_out = [], [], []
    for sample, loaded in shown:
        if isinstance(loaded, _Seen):
            names.append(sample.name)
            seen.append(loaded)
        else:
            left_out.append(str(loaded))
    if not seen:
        raise DistillError(f"{root}: none of its {len(samples)} pictures can be used; the first: {left_out[0]}.")
    return Looked(
        names,
        np.array([picture.content for picture in seen], np.uint64),
        np.stack([picture.whole for picture in seen]),
        np.stack([picture.middle for picture in seen]),
        left_out,
    )


def leaks(first: Looked, second: Looked) -> Leaks:
    """Compare every picture of one folder with every one of the other; of a folder with itself, each pair once."""
    facts: dict[tuple[int, int], tuple[bool, float, bool]] = {}
    for pictures, others in ((first.whole, second.whole), (first.middle, second.middle)):
        near = small_duplicates(pictures, others)
        for pair, correlation, mirrored in zip(near.pairs.tolist(), near.correlations, near.mirrored, strict=True):
            known = facts.get((pair[0], pair[1]))
            if known is None or known[1] < correlation:
                facts[pair[0], pair[1]] = (False, float(correlation), bool(mirrored))
    rows_of: dict[int, list[int]] = {}
    for place, content in enumerate(first.contents.tolist()):
        rows_of.setdefault(content, []).append(place)
    for other_place, content in enumerate(second.contents.tolist()):
        for place in rows_of.get(content, ()):
            facts[place, other_place] = (True, 1.0, False)
    if first is second:
        facts = {pair: fact for pair, fact in facts.items() if pair[0] < pair[1]}
    order = sorted(facts, key=lambda pair: (not facts[pair][0], -facts[pair][1], pair))
    exact, correlations, mirrored = zip(*(facts[pair] for pair in order), strict=True) if order else ((), (), ())
    return Leaks(
        np.array(order, np.int64).reshape(-1, 2),
        np.array(exact, bool),
        np.array(correlations, np.float64),
        np.array(mirrored, bool),
    )


class _Seen(NamedTuple):
    content: int
    whole: np.ndarray
    middle: np.ndarray


def _seen(samples: list[Sample]) -> list[_Seen | BadPicture]:
    return [_see(sample) for sample in samples]


def _see(sample: Sample) -> _Seen | BadPicture:
    assert isinstance(sample.picture, Path)  # what a folder lists
    try:
        encoded = read(sample.picture, sample.name)
        pixels = decode(encoded, sample.name)
    except BadPicture as bad:
        return bad
    height, width, _ = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    whole = middle = small(pixels[None])[0]
    if height != width:
        middle = small(pixels[None, top : top + side, left : left + side])[0]
    return _Seen(int.from_bytes(blake2b(encoded, digest_size=8).digest(), "little"), whole, middle)
