"""Faces brought to one place: each picture is turned, scaled and shifted once, when it is read.

The landmarks of a picture come from the template its set was aligned to, from what a detector found in it
(`distill.data.faces`), or from a CSV file:

    file,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5
    Ann/Ann_0001.jpg,101.5,112.0,...

with the name as the data source lists it, and the five of `LANDMARKS` in pixels of the upright picture as
`distill.preprocess.landmarks` counts them. Other columns are passed over.

A pixel of the result is read bilinearly at its own centre's place in the picture. Where the picture is larger than the
face wanted, that would skip pixels (as PIL's `Image.transform` does), so the picture is first reduced by the
antialiased kernel every resize here uses, until one pixel of it is one of the result. What lies outside the picture
is black, as in the pictures recognisers are trained on.

Shapes: H W pixels.
"""

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import grid_sample

from distill.data.prepared.decode import BadPicture
from distill.data.sources.source import Sample
from distill.errors import DistillError, echo, in_section
from distill.faces.found import Found, further
from distill.files.text import read_text
from distill.preprocess.landmarks import ARCFACE, LANDMARKS, TEMPLATES, AlignedTo, Point, Template, similarity
from distill.preprocess.preprocess import Preprocess

_COLUMNS = ("file", *(f"{axis}{number}" for number in range(1, 6) for axis in "xy"))
_SHAPE_TOLERANCE = 1.5  # pixels, what rounding both sides of a resized picture may change


class Alignment:
    """Brings faces to the place that ArcFace's 112 x 112 template gives them, or another where they were found.

    Args:
        landmarks: the template the pictures are aligned to already, whatever their size; a CSV file; or what was found
            in the pictures.

    Raises:
        DistillError: the file is missing or malformed.
    """

    def __init__(self, landmarks: AlignedTo | Path | Found) -> None:
        self._source = landmarks.file if isinstance(landmarks, Found) else landmarks
        self._to = TEMPLATES[landmarks.to] if isinstance(landmarks, Found) else ARCFACE
        self._template: Template | None = None
        self._listed: Mapping[str, Mapping[str, Point]] = {}
        self._found = isinstance(landmarks, Found)
        self._reasons: Mapping[str, str] = {}
        self._faces: Mapping[str, int] = {}
        if isinstance(landmarks, Found):
            self._listed, self._reasons, self._faces = landmarks.landmarks, landmarks.reasons, landmarks.faces
        elif isinstance(landmarks, Path):
            self._listed = _read(landmarks.expanduser())
        else:
            self._template = TEMPLATES[landmarks]

    def __call__(self, picture: np.ndarray, name: str, height: int, width: int) -> np.ndarray:
        """The largest centred box of the wanted shape in the template: uint8 (H, W, 3) to uint8 (height, width, 3).

        Raises:
            BadPicture: its landmarks are not known, with the reason where faces were looked for; are no face's; or lie
                outside it.
        """
        size_y, size_x, _ = picture.shape
        matrix = self.matrix(size_y, size_x, name, height, width)
        try:
            return warp(picture, matrix, height, width)
        except ValueError as error:
            raise BadPicture(name, str(error)) from None

    def matrix(self, size_y: int, size_x: int, name: str, height: int, width: int) -> np.ndarray:
        """From places of a picture of size_y x size_x pixels to those of the result: float64 (2, 3).

        Raises:
            BadPicture: its landmarks are not known, or are no face's.
        """
        try:
            return similarity(self._points(name, size_y, size_x), self._to.cut(height, width))
        except ValueError as error:
            raise BadPicture(name, str(error)) from None

    def fingerprint(self) -> str:
        """sha256 over where faces are brought and, but for those found, over the landmarks of every picture: of these
        the content hash of each picture tells."""
        known = self._template if self._template is not None else "found" if self._found else self._listed
        return hashlib.sha256(repr((known, self._to)).encode()).hexdigest()

    def found(self) -> str | None:
        """sha256 over what was found in every picture; None where faces were not looked for."""
        if not self._found:
            return None
        return hashlib.sha256(repr((self._listed, self._reasons, self._faces)).encode()).hexdigest()

    def shown(self, name: str) -> bytes:
        """What decides beside a picture's own bytes on what is shown of it: the face that was found there, so that a
        store's answer to one face is never taken for that to another."""
        return repr((self._listed.get(name), self._to)).encode() if self._found else b""

    def each(self, samples: Iterable[Sample]) -> Iterable[Sample]:
        """The samples, those of which several faces are taken once for each of them; as many as the list has where it
        is one and nothing changes."""
        return self._each(samples) if self._faces else samples

    def _each(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        for sample in samples:
            yield sample
            for number in range(2, self._faces.get(sample.name, 1) + 1):
                yield replace(sample, name=further(sample.name, number))

    def _points(self, name: str, height: int, width: int) -> Mapping[str, Point]:
        if self._template is None:
            if name in self._reasons:
                raise BadPicture(name, self._reasons[name])
            if name not in self._listed:
                raise BadPicture(name, f"no landmarks (no row in {self._source})")
            return self._listed[name]
        expected = self._template
        if abs(height - width * expected.height / expected.width) > _SHAPE_TOLERANCE:
            shape = f"{height} x {width}, expected the shape of {expected.height} x {expected.width}"
            raise BadPicture(name, f"not aligned to {self._source} ({shape})")
        return expected.stretched(height, width)


def warp(picture: np.ndarray, matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture under a similarity transform: uint8 (H, W, 3) to uint8 (height, width, 3).

    Args:
        matrix: (2, 3), from places of the picture to places of the result, as `similarity` gives it.

    Raises:
        ValueError: all of the result lies outside the picture.
    """
    size_y, size_x, _ = picture.shape
    inverse = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
    rows, columns = np.mgrid[:height, :width]
    x, y = (inverse[:2] @ np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)).reshape(2, height, width)
    inside = (x >= -0.5) & (x <= size_x - 0.5) & (y >= -0.5) & (y <= size_y - 0.5)
    if not inside.any():
        raise ValueError("its landmarks lie outside the picture")
    reduction = max(1.0, math.hypot(inverse[0, 0], inverse[1, 0]))
    # Only the part around the face is reduced: a photograph may be far larger.
    left, right = _span(x, size_x, reduction)
    top, bottom = _span(y, size_y, reduction)
    part = torch.from_numpy(np.ascontiguousarray(picture[top:bottom, left:right])).unsqueeze(0)
    reduced = Preprocess.resizing(max(1, round((bottom - top) / reduction)), max(1, round((right - left) / reduction)))
    # Counted from edge to edge of the part, -1 to 1, a place is the same at any size of it.
    shares = np.stack([(x - left + 0.5) / (right - left), (y - top + 0.5) / (bottom - top)], axis=-1)
    grid = torch.from_numpy(shares * 2 - 1).float().unsqueeze(0)
    sampled = grid_sample(reduced.scale(part), grid, padding_mode="border", align_corners=False)
    pixels = sampled[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
    pixels[~inside] = 0
    return np.ascontiguousarray(pixels)


def _span(places: np.ndarray, size: int, reduction: float) -> tuple[int, int]:
    """First and end of the pixels of an axis that any of the places is read from, kernels included."""
    reach = 2 * reduction + 1
    first = min(max(0, math.floor(places.min() - reach)), size - 1)
    return first, max(first + 1, min(size, math.ceil(places.max() + reach) + 1))


def _read(path: Path) -> dict[str, dict[str, Point]]:
    """The landmarks of each picture of a CSV file."""
    listed: dict[str, dict[str, Point]] = {}
    with in_section("prepare.align", ()):
        text = read_text(path, "a CSV of landmarks")
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            header = ",".join(_COLUMNS)
            raise DistillError(f"prepare.align: {path}:1: no column {', '.join(missing)}; expected {header}.")
        for row in rows:
            where = f"prepare.align: {path}:{rows.line_num}"
            try:
                values = [float(row[column]) for column in _COLUMNS[1:]]
            except (TypeError, ValueError):
                values = []
            if not values or not all(map(math.isfinite, values)):
                raise DistillError(f"{where}: {echo(list(row.values()))}, expected a file and ten numbers.")
            if row["file"] in listed:
                raise DistillError(f"{where}: {echo(row['file'])} has a row already; expected one a picture.")
            listed[row["file"]] = dict(zip(LANDMARKS, zip(values[::2], values[1::2], strict=True), strict=True))
    except csv.Error as error:
        raise DistillError(f"prepare.align: {path}: cannot be read as CSV ({error}).") from None
    if not listed:
        raise DistillError(f"prepare.align: {path}: no landmarks in it; expected one row a picture.")
    return listed
