"""What becomes of a picture before it is stored: hashed, decoded, cut, and fitted or aligned.

Shapes: H W pixels.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from distill.data.prepared.alignment import Alignment
from distill.data.prepared.decode import BadPicture, decode, read
from distill.data.prepared.frame import Frame
from distill.data.prepared.shards import lossless
from distill.data.sources.source import Drawing, Packed, Sample


class Loaded(NamedTuple):
    """A picture that can be used.

    Attributes:
        content: its 64-bit hash.
        file: the same without the box that was cut out.
        pixels: uint8 (H, W, 3), fitted.
        original: the encoded picture, where these are its pixels.
        placement: (2, 3), from places of the whole picture, in pixels, to shares of the fitted one; None where its
            sample has no targets.
    """

    content: int
    file: int
    pixels: np.ndarray
    original: bytes | None
    placement: np.ndarray | None


class StoredPicture(NamedTuple):
    """A loaded picture as it leaves its process and is written: `data` are the pixels or, in an encoded set, bytes."""

    content: int
    file: int
    data: np.ndarray | bytes
    placement: np.ndarray | None


def load_chunk(samples: list[Sample], frame: Frame, encoded: bool) -> list[StoredPicture | BadPicture]:
    """What is to be stored of each picture."""
    stored: list[StoredPicture | BadPicture] = []
    for sample in _drawn(samples, frame.height, frame.width):
        loaded = _load(sample, frame)
        if isinstance(loaded, BadPicture):
            stored.append(loaded)
            continue
        data = (loaded.original or lossless(loaded.pixels)) if encoded else loaded.pixels
        stored.append(StoredPicture(loaded.content, loaded.file, data, loaded.placement))
    return stored


def _drawn(samples: list[Sample], height: int, width: int) -> Iterator[Sample]:
    """The same samples, drawings as pixels."""
    for renderer, group in groupby(samples, lambda s: s.picture.renderer if isinstance(s.picture, Drawing) else None):
        if renderer is None:
            yield from group
            continue
        some = list(group)
        indices = np.array([cast(Drawing, sample.picture).index for sample in some])
        for sample, pixels in zip(some, renderer.draw(indices, height, width), strict=True):
            yield dataclasses.replace(sample, picture=pixels)


def _load(sample: Sample, frame: Frame) -> Loaded | BadPicture:
    """Hash, decode, and fit or align one picture."""
    digest = hashlib.blake2b(digest_size=8)
    encoded = decoded = None
    try:
        if isinstance(sample.picture, np.ndarray):
            pixels = np.ascontiguousarray(sample.picture)
            if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
                found = f"{pixels.dtype} {pixels.shape}"
                raise BadPicture(sample.name, f"pixels are {found}, expected uint8 (height, width, 3)")
            digest.update(repr(pixels.shape).encode())
            digest.update(pixels.data)
        else:
            assert not isinstance(sample.picture, Drawing)  # drawn by now
            encoded = _encoded(sample.picture, sample.name)
            digest.update(encoded)
            pixels = decoded = decode(encoded, sample.name)
        if sample.size is not None and pixels.shape[:2] != sample.size:
            (height, width), (own_height, own_width) = sample.size, pixels.shape[:2]
            raise BadPicture(
                sample.name, f"is {own_width} x {own_height} pixels, and its places were marked in {width} x {height}"
            )
        file = _number(digest)
        if sample.box is not None:
            digest.update(repr(sample.box).encode())
            pixels = _cut(pixels, sample, frame.align)
        fitted = frame(pixels, sample.name)
        placement = _placement(pixels, sample, frame) if sample.targets else None
    except BadPicture as bad:
        return bad
    return Loaded(_number(digest), file, fitted, encoded if fitted is decoded else None, placement)


def _encoded(picture: Path | bytes | Packed, name: str) -> bytes:
    if isinstance(picture, Path):
        return read(picture, name)
    return picture if isinstance(picture, bytes) else picture.read()


def _placement(cut: np.ndarray, sample: Sample, frame: Frame) -> np.ndarray:
    """From places of a sample's whole picture to shares of what is made of the part cut out of it: (2, 3)."""
    matrix = frame.placement(cut, sample.name)
    if sample.box is not None:
        left, top = max(0, sample.box[0]), max(0, sample.box[1])
        matrix[:, 2] -= matrix[:, :2] @ (left, top)
    return matrix


def _number(digest: hashlib.blake2b) -> int:
    return int.from_bytes(digest.digest(), "little")


def _cut(pixels: np.ndarray, sample: Sample, align: Alignment | None) -> np.ndarray:
    """The part of a picture inside its box."""
    assert sample.box is not None
    if align is not None:
        raise BadPicture(sample.name, "is to be cut to its box and aligned by landmarks of the whole picture")
    left, top, right, bottom = sample.box
    cut = np.ascontiguousarray(pixels[max(0, top) : bottom, max(0, left) : right])
    if not cut.size:
        height, width = pixels.shape[:2]
        raise BadPicture(sample.name, f"its box {sample.box} is outside of the {width} x {height} pixels")
    return cut
