"""distill predict FILE FOLDER [--csv FILE]"""

import argparse
import csv
from collections.abc import Callable, Iterator
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
from distill.predictors.predictor import Predictor
from distill.preprocess.preprocess import Fit, fit

BATCH = 64


def main(arguments: list[str]) -> int:
    """Write one row a picture: its name, what the model sees in it, and every probability."""
    parser = argparse.ArgumentParser(
        prog="distill predict", description="Write what a student sees in your own pictures."
    )
    parser.add_argument("model", type=Path, help="a student's directory or file, or an exported file")
    parser.add_argument("folder", type=Path, help="pictures, at any depth")
    parser.add_argument("--csv", type=Path, default=Path("predictions.csv"), help="default predictions.csv")
    chosen = parser.parse_args(arguments)
    predictor = open_predictor(chosen.model)
    if predictor.activation == "unit":
        raise DistillError(
            f"{chosen.model}: gives embeddings, which are compared, and have no classes to write. Score pairs with "
            "distill evaluate, or look faces up in the page that distill export --formats web writes."
        )
    if predictor.classes is None or predictor.picture is None:
        raise DistillError(f"{chosen.model}: does not name its classes and picture size; predict with a student.")
    samples = pictures_below(chosen.folder, "FOLDER")
    describe, heading = _describer(predictor, predictor.classes)
    console, bad = Console(stderr=True, markup=False, emoji=False), 0
    with atomic_path(chosen.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *heading, *predictor.classes])
        for names, pictures, reasons in _batches(samples, predictor.picture, predictor.fit):
            for reason in reasons:
                bad += 1
                console.print(f"left out: {reason}", soft_wrap=True)
            for name, row in zip(names, _answers(predictor, pictures), strict=True):
                writer.writerow([name, *describe(row), *(f"{p:.4f}" for p in row)])
        if bad == len(samples):
            raise DistillError(f"{chosen.folder}: none of its {bad} pictures can be used.")
    console.print(f"{len(samples) - bad} pictures, {bad} left out: {chosen.csv}", soft_wrap=True)
    return 0


def _describer(
    predictor: Predictor, classes: tuple[str, ...]
) -> tuple[Callable[[np.ndarray], list[str]], tuple[str, ...]]:
    """From probabilities (C,) to what stands before them in a row, and its heading: what is present at the model's
    thresholds or, where classes exclude each other, the most probable one and its probability."""
    if predictor.activation == "softmax":
        return lambda row: [classes[row.argmax()], f"{row.max():.4f}"], ("class", "probability")
    thresholds = predictor.thresholds or (0.5,) * len(classes)

    def present(row: np.ndarray) -> list[str]:
        return [" ".join(one for one, p, t in zip(classes, row, thresholds, strict=True) if p >= t)]

    return present, ("present",)


def _answers(predictor: Predictor, pictures: list[np.ndarray]) -> np.ndarray:
    return predictor(np.stack(pictures)) if pictures else np.zeros((0, 0), np.float32)


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
