"""What a black box answers, back to the logits that it was made of.

Shapes: N pictures, C classes or attributes.
"""

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np

from distill.errors import DistillError

log = logging.getLogger(__name__)

Gives = Literal["logits", "probabilities", "softmax"]

CLAMP = 1e-7
"""Probabilities are kept this far from 0 and 1 before they become logits: +-16.1, about where float32 ends at 1."""

_OUTSIDE = 1e-3  # what fp16 arithmetic may put a probability above 1
_SUM = 1e-2  # what it may put the sum of a thousand of them beside 1
_SHARE = 0.9  # of the pictures: what more of them show is what the teacher gives
_TELLING = 10  # numbers that logits do not all have in 0..1 by chance


def by_themselves(gives: Gives | None) -> bool:
    """Whether each class has a probability of its own, which the others' do not lower."""
    return gives == "probabilities"


def share_one(gives: Gives | None) -> bool:
    """Whether all classes share one probability, which no vector but of classes does."""
    return gives == "softmax"


@dataclass
class Announced:
    """What one network answers, batch by batch, taken for what it was said to give, and watched whether it looks so.

    Args:
        gives: what it was said to give.
        name: of the network, for messages.
        sure: take its word even where the answers look like something else.
    """

    gives: Gives
    name: str
    sure: bool = False

    def __post_init__(self) -> None:
        self._pictures = self._within = self._to_one = 0
        self._doubted = False

    def logits(self, answers: np.ndarray) -> np.ndarray:
        """Answers (N, C) to float32 logits (N, C), as `to_logits`.

        Raises:
            DistillError: of all pictures so far more than nine in ten were answered with what was not announced:
                logits that lie in 0..1 or sum to one, probabilities of each class that sum to one; or a row of softmax
                probabilities does not sum to one. `sure` makes a warning of it. Or as `to_logits`.
        """
        logits = to_logits(answers, self.gives, self.name)
        if doubt := self._doubt(answers):
            if not self.sure:
                raise DistillError(f"{self.name}: {doubt} Or set teacher.sure to true, if that is what they are.")
            if not self._doubted:
                log.warning("%s: %s They are taken for %s, as teacher.sure says.", self.name, doubt, self.gives)
            self._doubted = True
        return logits

    def _doubt(self, answers: np.ndarray) -> str | None:
        """What speaks against what was announced, and what to do."""
        sums = answers.sum(axis=1, dtype=np.float64)
        if self.gives == "softmax":
            wrong = np.abs(sums - 1) > _SUM
            if not wrong.any():
                return None
            return (
                f"teacher.gives is softmax, but {int(wrong.sum())} of {len(sums)} answers do not sum to one: from "
                f"{sums.min():.3g} to {sums.max():.3g}. Are these probabilities of each class by itself? Of "
                "attributes, set teacher.gives to probabilities; of classes that exclude each other, teacher.sure true "
                "shares each answer out by its sum."
            )
        self._pictures += len(answers)
        self._within += int(((answers >= -_OUTSIDE) & (answers <= 1 + _OUTSIDE)).all(axis=1).sum())
        self._to_one += int((np.abs(sums - 1) <= _SUM).sum())
        if self._pictures * answers.shape[1] < _TELLING:
            return None
        within = self._within > _SHARE * self._pictures
        to_one = answers.shape[1] > 1 and self._to_one > _SHARE * self._pictures
        if self.gives == "logits" and within:
            seen, meant = ("sum to one", "softmax") if to_one else ("lie in 0..1", "probabilities")
        elif to_one and self._pictures > 1:  # one picture may by chance
            seen, meant = "sum to one", "softmax" if within else "what they are"
        else:
            return None
        share = f"{self._to_one if to_one else self._within} of {self._pictures}"
        return (
            f"teacher.gives is {self.gives}, but {share} answers {seen}, as probabilities do. Set teacher.gives to "
            f"{meant}."
        )


def to_logits(answers: np.ndarray, gives: Gives, name: str) -> np.ndarray:
    """What a network answers, (N, C), to float32 logits.

    Probabilities p become log p - log(1 - p), softmax probabilities log p (softmax takes them back); both are clamped
    to [CLAMP, 1 - CLAMP] first.

    Raises:
        DistillError: probabilities were announced and the values are none.
    """
    if gives == "logits":
        return answers
    low, high = float(answers.min()), float(answers.max())
    if low < -_OUTSIDE or high > 1 + _OUTSIDE:
        raise DistillError(
            f"{name}: teacher.gives is {gives}, but its answers run from {low:.3g} to {high:.3g}; probabilities lie in "
            "0..1. Is it teacher.gives: logits?"
        )
    clamped = answers.astype(np.float64).clip(CLAMP, 1 - CLAMP)
    logits = np.log(clamped) if gives == "softmax" else np.log(clamped) - np.log1p(-clamped)
    return logits.astype(np.float32)
