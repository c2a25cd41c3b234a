"""distill predict FILE FOLDER [--csv FILE] [--draw DIR] [--align.file DETECTOR]"""

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from distill.answers.drawing import drawn as boxes_drawn
from distill.commands.arguments import CommandParser
from distill.data.faces.crops import Crop, crops_of
from distill.data.prepared.decode import BadPicture, decode
from distill.data.sources.folder import pictures_below
from distill.data.sources.source import Sample
from distill.errors import DistillError
from distill.faces.detector import Detector
from distill.faces.settings import Detect
from distill.files.atomic import atomic_path
from distill.predictors.open import open_predictor
from distill.preprocess.landmarks import CELEBA
from distill.preprocess.preprocess import Fit, fit, into_source

BATCH = 64
_FACE = ("face", "score", "left", "top", "right", "bottom")
"""The columns of a face: its number in the photograph, the detector's score, its box in pixels."""
_AS_IT_IS = ((1.0, 1.0), (0.0, 0.0))


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(prog="distill predict", description="Write what a student sees in your own pictures.")
    parser.add_argument("model", type=Path, help="a student's directory or file, or an exported file")
    parser.add_argument("folder", type=Path, help="pictures, at any depth")
    parser.add_argument("--csv", type=Path, default=Path("predictions.csv"), help="default predictions.csv")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="also write the pictures, with what was found in them")
    faces = parser.add_argument_group(
        "faces",
        "With a face detector's file the pictures are photographs, and each face of one is a row, with its box; the "
        "keys are those of a recipe's align: {name: detect}, and align.face is every where nothing is said.",
    )
    for field in fields(Detect):
        kind = Path if field.name == "file" else type(field.default)
        faces.add_argument(f"--align.{field.name}", type=kind, metavar=field.name.upper())
    return parser


def main(arguments: list[str]) -> int:
    """Write a picture's name and what the model answers to it: one row a picture, or one for each thing found there."""
    options = build_parser().parse_args(arguments)
    if options.draw is not None:
        _check_apart(options.draw, options.folder)
    align = _align(options)
    predictor = open_predictor(options.model)
    with _of(options.model):
        heading = predictor.kind.heading() if align is None else [*_FACE, *predictor.kind.heading_of_faces()]
    if predictor.picture is None:
        raise DistillError(f"{options.model}: does not say its picture size; predict with a student.")
    look = _Look(predictor.picture, predictor.fit, align)
    if align is not None:
        look.check(options.model, getattr(options, "align.to") is not None)
    samples = pictures_below(options.folder, "FOLDER")
    console, bad = Console(stderr=True, markup=False, emoji=False), 0
    with atomic_path(options.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *heading])
        rows = 0
        for chunk in _chunks(samples):
            shown, reasons, unused = look.at(chunk)
            bad += unused
            for reason in reasons:
                console.print(f"left out: {reason}", soft_wrap=True)
            answers = predictor(np.stack([one.pixels for one in shown])) if shown else {}
            for number, one in enumerate(shown):
                fitted = {tensor: values[number] for tensor, values in answers.items()}
                answer = predictor.kind.moved(fitted, *one.back)
                rows += 1
                writer.writerows([one.sample.name, *one.face, *row] for row in predictor.kind.rows(answer))
                if options.draw is not None and align is None:
                    with _of(options.model):
                        _draw(one.sample, partial(predictor.kind.drawn, answers=answer), options.draw)
            if options.draw is not None and align is not None:
                _draw_faces(shown, options.draw)
        if bad == len(samples):
            raise DistillError(f"{options.folder}: none of its {bad} pictures can be used.{look.advice}")
    faces = "" if align is None else f", {rows} faces"
    console.print(f"{len(samples) - bad} pictures{faces}, {bad} left out: {options.csv}", soft_wrap=True)
    return 0


@contextmanager
def _of(model: Path) -> Iterator[None]:
    """Say of which model an error is."""
    try:
        yield
    except DistillError as error:
        raise DistillError(f"{model}: {error}") from error


def _check_apart(draw: Path, folder: Path) -> None:
    """Refuse to draw where pictures are read: one would take the place of another, or be predicted next time.

    Raises:
        DistillError: one directory is the other, or inside it.
    """
    one, other = draw.resolve(), folder.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise DistillError(
            f"--draw {draw}: is not apart from {folder}, whose pictures are read. Give another directory."
        )


def _align(options: argparse.Namespace) -> Detect | None:
    """The keys of finding faces; None where there are none."""
    keys = {field.name: getattr(options, f"align.{field.name}") for field in fields(Detect)}
    given = {key: value for key, value in keys.items() if value is not None}
    if not given:
        return None
    align = Detect(**{"face": "every", **given})
    align.check("--align")
    return align


def _draw(sample: Sample, drawn: Callable[[np.ndarray], np.ndarray], directory: Path) -> None:
    assert isinstance(sample.picture, Path)  # what a folder lists
    # Read again: a batch of whole photographs would take gigabytes.
    picture = drawn(decode(sample.picture, sample.name))
    out = directory / sample.name
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(out)


def _draw_faces(shown: list["Shown"], directory: Path) -> None:
    """Write the photographs with a box around each face, under the number it has in the table."""
    for sample, group in groupby(shown, lambda one: one.sample):
        faces = list(group)

        def drawn(picture: np.ndarray, faces: list[Shown] = faces) -> np.ndarray:
            high, wide, _ = picture.shape
            boxes = np.array([[float(value) for value in one.face[2:]] for one in faces])
            return boxes_drawn(picture, boxes / [wide, high, wide, high], [one.face[0] for one in faces])

        _draw(sample, drawn, directory)


class Shown(NamedTuple):
    """A picture, or a face of it, as a model is shown it.

    Attributes:
        pixels: uint8 (H, W, 3), at the model's size.
        back: how places in that become places in the picture: both as shares, x and y times the first plus the second.
        face: the columns of `_FACE`; none where faces are not looked for.
    """

    sample: Sample
    pixels: np.ndarray
    back: tuple[tuple[float, float], tuple[float, float]]
    face: tuple[str, ...]


class _Look:
    """Looks at pictures as a model wants them, or at the faces in them.

    Args:
        size: height and width of the model's pictures.
        fit: how others become such.
        align: how faces are found; None where whole pictures are shown.
    """

    def __init__(self, size: tuple[int, int], fit: Fit, align: Detect | None) -> None:
        self._size, self._fit, self._align = size, fit, align
        self._detector = None if align is None or align.file is None else Detector(align.file, align.side)

    @property
    def advice(self) -> str:
        """What to look at where nothing can be used."""
        return "" if self._align is None else f" Check that they show faces, upright, and that {self._align.file} fits."

    def check(self, model: Path, said: bool) -> None:
        """Ask where faces are to be brought, where the model's pictures may be framed as CelebA's are.

        Args:
            said: whether the command line says it.

        Raises:
            DistillError: it must say it.
        """
        height, width = self._size
        if not said and height != width and abs(height - width * CELEBA.height / CELEBA.width) < 1.5:
            raise DistillError(
                f"{model}: its pictures are {height} x {width}, of the shape of CelebA's aligned ones, and nothing "
                "says where the faces lie in them. Add --align.to celeba where it learnt from those as they are, or "
                "--align.to arcface112."
            )

    def at(self, samples: Sequence[Sample]) -> tuple[list[Shown], list[str], int]:
        """What can be shown of some pictures, the reasons of what cannot, and of how many pictures nothing can."""
        shown: list[Shown] = []
        reasons: list[str] = []
        unused = 0
        for sample in samples:
            assert isinstance(sample.picture, Path)  # what a folder lists
            try:
                picture = decode(sample.picture, sample.name)
            except BadPicture as error:
                reasons.append(str(error))
                unused += 1
                continue
            views, refused = self._views(picture, sample)
            shown += views
            reasons += refused
            unused += not views
        return shown, reasons, unused

    def _views(self, picture: np.ndarray, sample: Sample) -> tuple[list[Shown], list[str]]:
        if self._detector is None or self._align is None:
            high, wide = picture.shape[:2]
            (scale_x, scale_y), (shift_x, shift_y) = into_source(high, wide, *self._size, self._fit)
            back = ((scale_x / wide, scale_y / high), (shift_x / wide, shift_y / high))
            return [Shown(sample, fit(picture, *self._size, self._fit), back, ())], []
        crops, reasons = crops_of(picture, sample.name, self._detector, self._align, self._size)
        return [Shown(sample, crop.pixels, _AS_IT_IS, _face_columns(crop)) for crop in crops], reasons


def _face_columns(crop: Crop) -> tuple[str, ...]:
    return (str(crop.number), f"{crop.score:.4f}", *(f"{edge:.1f}" for edge in crop.box))


def _chunks(samples: list[Sample]) -> Iterator[list[Sample]]:
    for start in track(range(0, len(samples), BATCH), "predicting", console=Console(stderr=True), transient=True):
        yield samples[start : start + BATCH]
