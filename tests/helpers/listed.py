"""Small sets that are prepared from pictures in memory or in a folder."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Sample
from distill.data.targets import Column

FRAMING = ("height", "width", "fit", "align")


def pixels(seed: int, height: int = 10, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class Listed:
    """A stream of samples; `key` stands for the keys of a recipe."""

    listed: tuple[Sample, ...]
    names: tuple[str, ...] = ()
    key: int = 0
    name: str = "listed"
    further: tuple[Column, ...] = ()

    def classes(self) -> tuple[str, ...]:
        return self.names

    def columns(self) -> tuple[Column, ...]:
        return self.further

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        yield from self.listed


def put(root: Path, count: int, start: int = 0) -> None:
    root.mkdir(exist_ok=True)
    for number in range(start, start + count):
        (root / f"{number:03d}.png").write_bytes(png(pixels(number)))


def run(source: object, place: Path, **options: object) -> Prepared:
    """Prepare it; ``options`` are those of `prepare`, and fields of its frame."""
    framing = {"height": 10, "width": 8} | {key: options.pop(key) for key in FRAMING if key in options}
    return prepare(source, place, Frame(**framing), **{"workers": 2, **options})
