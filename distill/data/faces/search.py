"""Faces looked for in every photograph of a source, or had from an earlier run."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Sized
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from rich.console import Console
from rich.progress import track

from distill.data.faces.kept import ROWS, VERSION, KeptFaces, Looked
from distill.data.prepared.decode import BadPicture, decode
from distill.data.prepared.pool import work
from distill.data.prepared.prepare import WORKERS
from distill.data.sources.listing import Stateful
from distill.data.sources.source import Drawing, Sample, Source
from distill.errors import DistillError
from distill.faces.detector import Detector
from distill.files.locks import exclusive

console = Console(stderr=True, markup=False, emoji=False)


def look_for_faces(source: Source, size: tuple[int, int], directory: Path, detector: Detector) -> KeptFaces:
    """The faces in every photograph of a source; those of an earlier call where nothing has changed, and after those of
    one that was stopped.

    Args:
        size: of prepared pictures, at which a source may list.
        directory: where they are kept.

    Raises:
        DistillError: the detector's file cannot be used, the source is malformed, or draws; what was kept is damaged.
    """
    key = _key(source, detector)
    kept = KeptFaces(directory, key)
    if kept.finished:
        return kept
    with exclusive(directory, lambda: console.print(f"{directory}: another process is looking; waiting for it.")):
        kept = KeptFaces(directory, key)
        if not kept.finished:
            kept.begin()
            samples = source.samples(*size)
            total = len(samples) if isinstance(samples, Sized) else None
            rest = islice(samples, kept.photographs, None)
            text = f"faces of {source.name}"
            with closing(work(rest, partial(_look, detector=detector), WORKERS)) as pairs:
                progress = track(pairs, text, total, kept.photographs, console=console, transient=True)
                looked = (one for _, one in progress)
                while batch := list(islice(looked, ROWS)):
                    kept.add(batch)
            kept.finish()
    return kept


def photograph(sample: Sample) -> np.ndarray:
    """The upright pixels of a sample, uint8 (H, W, 3).

    Raises:
        BadPicture: it cannot be read.
        DistillError: it is drawn.
    """
    if isinstance(sample.picture, Drawing):
        raise DistillError("align.name is detect, and the data is drawn, not photographed. Leave align out.")
    if isinstance(sample.picture, np.ndarray):
        return sample.picture
    packed = sample.picture if isinstance(sample.picture, Path | bytes) else sample.picture.read()
    return decode(packed, sample.name)


def _look(samples: list[Sample], detector: Detector) -> list[Looked]:
    return list(_each(samples, detector))


def _each(samples: Iterable[Sample], detector: Detector) -> Iterator[Looked]:
    for sample in samples:
        try:
            faces = detector(photograph(sample))
        except BadPicture:
            yield Looked(sample.name, None)
        else:
            yield Looked(sample.name, faces)


def _key(source: Source, detector: Detector) -> str:
    """sha256 of what decides on what is found: which photographs, and what looks at them how."""
    facts = {
        "version": VERSION,
        "source": {"type": type(source).__qualname__, **dataclasses.asdict(cast(Any, source))},
        "state": source.state() if isinstance(source, Stateful) else "",
        "detector": detector.fingerprint(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
