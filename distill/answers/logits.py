"""What a black box answers, back to the logits that it was made of.

Shapes: N pictures, C classes or attributes.
"""

from typing import Literal

import numpy as np

from distill.errors import DistillError

Gives = Literal["logits", "probabilities", "softmax"]

CLAMP = 1e-7
"""Probabilities are kept this far from 0 and 1 before they become logits: +-16.1, about where float32 ends at 1."""

_OUTSIDE = 1e-3  # what fp16 arithmetic may put a probability above 1
_TELLING = 100  # logits that do not all lie in 0..1 by chance


def to_logits(answers: np.ndarray, gives: Gives, name: str) -> np.ndarray:
    """What a network answers, (N, C), to float32 logits.

    Probabilities p become log p - log(1 - p), softmax probabilities log p (softmax takes them back); both are clamped
    to [CLAMP, 1 - CLAMP] first.

    Raises:
        DistillError: probabilities were announced and the values are none, or logits and they are all probabilities.
    """
    low, high = float(answers.min()), float(answers.max())
    if gives == "logits":
        if answers.size >= _TELLING and low >= 0 and high <= 1:
            sums_to_one = np.allclose(answers.sum(axis=1), 1, atol=_OUTSIDE)
            raise DistillError(
                f"{name}: teacher.gives is logits, but {answers.size} answers run from {low:.3g} to {high:.3g}, as "
                f"probabilities do. Set teacher.gives to {'softmax' if sums_to_one else 'probabilities'}."
            )
        return answers
    if low < -_OUTSIDE or high > 1 + _OUTSIDE:
        raise DistillError(
            f"{name}: teacher.gives is {gives}, but its answers run from {low:.3g} to {high:.3g}; probabilities lie in "
            "0..1. Is it teacher.gives: logits?"
        )
    clamped = answers.astype(np.float64).clip(CLAMP, 1 - CLAMP)
    logits = np.log(clamped) if gives == "softmax" else np.log(clamped) - np.log1p(-clamped)
    return logits.astype(np.float32)
