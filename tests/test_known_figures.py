"""Figures on CelebA that others measured with other code (pytest -m real_data)."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.celeba import CelebA
from distill.evaluation.average_precision import average_precision, mean_average_precision
from distill.preprocess.preprocess import Preprocess

pytestmark = pytest.mark.real_data


def test_ridge_regression_on_pixels_scores_what_is_known(tmp_path: Path) -> None:
    """24 x 30 pixels and a linear model reach mAP 0.555 on the 10,000 photographs; chance, the prevalence, 0.227."""
    root = Path(os.environ["DISTILL_REAL_DATA"]) / "celeba"
    prepared = prepare(CelebA(root=root), tmp_path / "celeba", Frame(109, 89))
    small = (
        Preprocess.imagenet(30, 24).resize(torch.from_numpy(prepared.pictures.gather(np.arange(len(prepared))))).numpy()
    )
    pixels = small.reshape(len(prepared), -1).astype(np.float64) / 255
    train, validation, test = (prepared.indices(split) for split in ("train", "validation", "test"))
    pixels -= pixels[train].mean(axis=0)
    targets = prepared.labels[train] - prepared.labels[train].mean(axis=0)
    gram, correlation = pixels[train].T @ pixels[train], pixels[train].T @ targets

    def score(scores: np.ndarray, rows: np.ndarray) -> float:
        values = average_precision(scores, prepared.labels[rows], prepared.classes).values
        return mean_average_precision(values, prepared.classes)[0]

    fits = [np.linalg.solve(gram + strength * np.eye(len(gram)), correlation) for strength in (3.0, 10.0, 30.0, 100.0)]
    best = max(fits, key=lambda weights: score(pixels[validation] @ weights, validation))
    assert score(pixels[test] @ best, test) == pytest.approx(0.555, abs=0.01)
    assert score(np.zeros((len(test), len(prepared.classes))), test) == pytest.approx(0.227, abs=0.005)
