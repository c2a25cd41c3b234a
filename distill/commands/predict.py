"""distill predict FILE FOLDER [--csv FILE]"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from distill.data.prepared.decode import BadPicture, decode
from distill.data.sources.folder import pictures_below
from distill.data.sources.source import Sample
from distill.errors import DistillError
from distill.files.atomic import atomic_path
from distill.predictors.open import open_predictor
from distill.preprocess.preprocess import Fit, fit

BATCH = 64


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = argparse.ArgumentParser(
        prog="distill predict", description="Write what a student sees in your own pictures."
    )
    parser.add_argument("model", type=Path, help="a student's directory or file, or an exported file")
    parser.add_argument("folder", type=Path, help="pictures, at any depth")
    parser.add_argument("--csv", type=Path, default=Path("predictions.csv"), help="default predictions.csv")
    return parser


def main(arguments: list[str]) -> int:
    """Write a picture's name and what the model answers to it: one row a picture, or one for each thing found there."""
    options = build_parser().parse_args(arguments)
    predictor = open_predictor(options.model)
    try:
        heading = predictor.kind.heading()
    except DistillError as error:
        raise DistillError(f"{options.model}: {error}") from error
    if predictor.picture is None:
        raise DistillError(f"{options.model}: does not say its picture size; predict with a student.")
    samples = pictures_below(options.folder, "FOLDER")
    console, bad = Console(stderr=True, markup=False, emoji=False), 0
    with atomic_path(options.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *heading])
        for names, pictures, reasons in _batches(samples, predictor.picture, predictor.fit):
            for reason in reasons:
                bad += 1
                console.print(f"left out: {reason}", soft_wrap=True)
            answers = predictor(np.stack(pictures)) if pictures else {}
            for number, name in enumerate(names):
                answer = {tensor: values[number] for tensor, values in answers.items()}
                writer.writerows([name, *row] for row in predictor.kind.rows(answer))
        if bad == len(samples):
            raise DistillError(f"{options.folder}: none of its {bad} pictures can be used.")
    console.print(f"{len(samples) - bad} pictures, {bad} left out: {options.csv}", soft_wrap=True)
    return 0


def _batches(
    samples: list[Sample], size: tuple[int, int], how: Fit
) -> Iterator[tuple[list[str], list[np.ndarray], list[str]]]:
    """Names and pictures that can be used, and the reasons of those that cannot."""
    for start in track(range(0, len(samples), BATCH), "predicting", console=Console(stderr=True), transient=True):
        names, pictures, reasons = [], [], []
        for sample in samples[start : start + BATCH]:
            assert isinstance(sample.picture, Path)  # what a folder lists
            try:
                pictures.append(fit(decode(sample.picture, sample.name), *size, how))
                names.append(sample.name)
            except BadPicture as error:
                reasons.append(str(error))
        yield names, pictures, reasons
