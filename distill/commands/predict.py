"""distill predict FILE FOLDER [--csv FILE] [--draw DIR]"""

import argparse
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from distill.answers.kind import Arrays, Kind
from distill.commands.arguments import CommandParser
from distill.data.prepared.decode import BadPicture, decode
from distill.data.sources.folder import pictures_below
from distill.data.sources.source import Sample
from distill.errors import DistillError
from distill.files.atomic import atomic_path
from distill.predictors.open import open_predictor
from distill.preprocess.preprocess import Fit, fit, into_source

BATCH = 64


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(prog="distill predict", description="Write what a student sees in your own pictures.")
    parser.add_argument("model", type=Path, help="a student's directory or file, or an exported file")
    parser.add_argument("folder", type=Path, help="pictures, at any depth")
    parser.add_argument("--csv", type=Path, default=Path("predictions.csv"), help="default predictions.csv")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="also write the pictures, with what was found in them")
    return parser


def main(arguments: list[str]) -> int:
    """Write a picture's name and what the model answers to it: one row a picture, or one for each thing found there."""
    options = build_parser().parse_args(arguments)
    if options.draw is not None:
        _check_apart(options.draw, options.folder)
    predictor = open_predictor(options.model)
    with _of(options.model):
        heading = predictor.kind.heading()
    if predictor.picture is None:
        raise DistillError(f"{options.model}: does not say its picture size; predict with a student.")
    samples = pictures_below(options.folder, "FOLDER")
    console, bad = Console(stderr=True, markup=False, emoji=False), 0
    with atomic_path(options.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *heading])
        for shown, reasons in _batches(samples, predictor.picture, predictor.fit):
            for reason in reasons:
                bad += 1
                console.print(f"left out: {reason}", soft_wrap=True)
            answers = predictor(np.stack([picture for _, picture, _ in shown])) if shown else {}
            for number, (sample, _, (scale, shift)) in enumerate(shown):
                fitted = {tensor: values[number] for tensor, values in answers.items()}
                answer = predictor.kind.moved(fitted, scale, shift)
                writer.writerows([sample.name, *row] for row in predictor.kind.rows(answer))
                if options.draw is not None:
                    with _of(options.model):
                        _draw(sample, predictor.kind, answer, options.draw)
        if bad == len(samples):
            raise DistillError(f"{options.folder}: none of its {bad} pictures can be used.")
    console.print(f"{len(samples) - bad} pictures, {bad} left out: {options.csv}", soft_wrap=True)
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


def _draw(sample: Sample, kind: Kind, answer: Arrays, directory: Path) -> None:
    assert isinstance(sample.picture, Path)  # what a folder lists
    # Read again: a batch of whole photographs would take gigabytes.
    picture = kind.drawn(decode(sample.picture, sample.name), answer)
    out = directory / sample.name
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(out)


Shown = tuple[Sample, np.ndarray, tuple[tuple[float, float], tuple[float, float]]]
"""A picture, the same at the model's size, and how places in that become places in it: both as shares, x and y times
the first plus the second."""


def _batches(samples: list[Sample], size: tuple[int, int], how: Fit) -> Iterator[tuple[list[Shown], list[str]]]:
    """Pictures that can be used, and the reasons of those that cannot."""
    for start in track(range(0, len(samples), BATCH), "predicting", console=Console(stderr=True), transient=True):
        shown, reasons = [], []
        for sample in samples[start : start + BATCH]:
            assert isinstance(sample.picture, Path)  # what a folder lists
            try:
                picture = decode(sample.picture, sample.name)
            except BadPicture as error:
                reasons.append(str(error))
                continue
            high, wide = picture.shape[:2]
            (scale_x, scale_y), (shift_x, shift_y) = into_source(high, wide, *size, how)
            back = ((scale_x / wide, scale_y / high), (shift_x / wide, shift_y / high))
            shown.append((sample, fit(picture, *size, how), back))
        yield shown, reasons
