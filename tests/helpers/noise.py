"""Noise as a data source: pictures whose every pixel counts, of any size and number."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Sample, Split

HEIGHT, WIDTH = 20, 16


@dataclass(frozen=True)
class Noise:
    """Pictures of coloured noise, each attribute drawn at random and unknown (-1) now and then."""

    seed: int
    splits: tuple[tuple[Split, int], ...]
    names: tuple[str, ...] = ()
    height: int = HEIGHT
    width: int = WIDTH
    name: str = "noise"

    def classes(self) -> tuple[str, ...]:
        return self.names

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        random = np.random.default_rng(self.seed)
        for split, count in self.splits:
            for number in range(count):
                picture = random.integers(0, 256, (self.height, self.width, 3), dtype=np.uint8)
                labels = random.choice([0, 1, -1], len(self.names), p=[0.5, 0.4, 0.1]).tolist()
                yield Sample(f"{split} {number}", picture, tuple(labels), split=split)


def every(prepared: Prepared) -> np.ndarray:
    """All pictures of a set, uint8 (N, H, W, 3)."""
    return prepared.pictures.gather(np.arange(len(prepared)))


def prepare_noise(place: Path, source: Noise) -> Prepared:
    """The pictures of ``source``, stored untouched."""
    return prepare(source, place, Frame(source.height, source.width), workers=1)
