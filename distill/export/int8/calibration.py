"""The pictures that int8 is calibrated on: a sample of those the student was transferred on, as it sees them."""

import numpy as np
import torch

from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.preprocess.preprocess import Preprocess

WANTED = 256
"""Pictures; twice as many moved no score by a tenth of a point."""
NEEDED = 32
"""Fewer leave the ranges of activations to chance."""


def check_calibration(transfer: Pictures) -> None:
    """Refuse too few pictures, before anything is trained that is to be rounded.

    Raises:
        DistillError: there are too few.
    """
    if len(transfer) < NEEDED:
        raise DistillError(
            f"export.formats: int8 is calibrated on transfer pictures, and there are {len(transfer)}, expected "
            f"{NEEDED} or more. Give more pictures, for example as unlabelled, or leave the int8 formats out."
        )


def calibration_pictures(transfer: Pictures, preprocess: Preprocess) -> np.ndarray:
    """uint8 (N, h, w, 3): whole pictures, evenly from all of them.

    Raises:
        DistillError: as `check_calibration`.
    """
    check_calibration(transfer)
    rows = np.linspace(0, len(transfer) - 1, min(WANTED, len(transfer))).astype(np.int64)
    return preprocess.resize(torch.from_numpy(transfer.gather(rows))).numpy()
