"""How closely a student repeats its teacher, no labels needed.

Measured on transfer pictures and on held-out ones it tells capacity from data: poor on both, the student is too
small (or trained too short); good on transfer only, there were too few pictures.

Shapes: N pictures, C classes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.inputs import check_finite

# Float32 probabilities come no closer to 1 than 2^-24. Clipped there, a saturated output costs at most 16.6 nats
# per class instead of infinity.
EPSILON = 2.0**-24


@dataclass(frozen=True)
class Agreement:
    """Agreement of a student with its teacher over the same pictures.

    Attributes:
        mean_absolute_difference: of the probabilities, over pictures and classes.
        bernoulli_kl: nats, KL(teacher || student) of each class as a Bernoulli variable, summed over classes, mean
            over pictures; the transfer objective at temperature 1.
        spearman: rank correlation over the pictures of a class, mean over the classes where both vary, None if none
            does. AP depends on ranks alone, so this is what mAP feels.
        equal_decisions: share of (picture, class) pairs on the same side of the thresholds.
        pictures: N.
    """

    mean_absolute_difference: float
    bernoulli_kl: float
    spearman: float | None
    equal_decisions: float
    pictures: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def agreement(
    student: np.ndarray,
    teacher: np.ndarray,
    classes: Sequence[str],
    *,
    student_thresholds: np.ndarray | float = 0.5,
    teacher_thresholds: np.ndarray | float = 0.5,
) -> Agreement:
    """Compare two arrays of probabilities (N, C) of the same pictures.

    Args:
        student_thresholds, teacher_thresholds: (C,) or one for all; a probability at least as high is a yes.

    Raises:
        DistillError: the shapes differ, or a value is not finite or not a probability.
    """
    _check(student, teacher, classes)
    p, q = teacher.astype(np.float64), student.astype(np.float64)
    decisions = (p >= teacher_thresholds) == (q >= student_thresholds)
    return Agreement(
        mean_absolute_difference=float(np.abs(p - q).mean()),
        bernoulli_kl=bernoulli_kl(p, q),
        spearman=spearman(p, q),
        equal_decisions=float(decisions.mean()),
        pictures=len(p),
    )


def bernoulli_kl(p: np.ndarray, q: np.ndarray) -> float:
    """KL(p || q) in nats of float64 probabilities (N, C): summed over classes, mean over pictures."""
    p, q = p.clip(EPSILON, 1 - EPSILON), q.clip(EPSILON, 1 - EPSILON)
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return float(divergence.sum(axis=1).mean())


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Mean over classes of the rank correlation of two arrays (N, C); a class that is constant in either has none."""
    correlations = []
    for a, b in zip(first.T, second.T, strict=True):
        x, y = _centred_ranks(a), _centred_ranks(b)
        spread = np.sqrt((x @ x) * (y @ y))
        if spread > 0:
            correlations.append(x @ y / spread)
    return float(np.mean(correlations)) if correlations else None


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks (N,) about their mean; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return ranks[place] - (len(values) + 1) / 2


@dataclass(frozen=True)
class ClassAgreement:
    """The same of classes that exclude each other.

    Attributes:
        equal_answers: share of pictures to which both give the highest probability to the same class.
        kl: nats, KL(teacher || student), mean over pictures; the transfer objective at temperature 1.
        pictures: N.
    """

    equal_answers: float
    kl: float
    pictures: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def class_agreement(student: np.ndarray, teacher: np.ndarray, classes: Sequence[str]) -> ClassAgreement:
    """Compare two arrays of probabilities (N, C), rows that sum to one, of the same pictures.

    Raises:
        DistillError: as `agreement`.
    """
    _check(student, teacher, classes)
    p, q = (values.astype(np.float64).clip(EPSILON, 1) for values in (teacher, student))
    kl = float((p * np.log(p / q)).sum(axis=1).mean())
    return ClassAgreement(float((p.argmax(axis=1) == q.argmax(axis=1)).mean()), kl, len(p))


def _check(student: np.ndarray, teacher: np.ndarray, classes: Sequence[str]) -> None:
    for owner, probabilities in (("the student", student), ("the teacher", teacher)):
        check_finite(probabilities, classes, owner=owner)
        if probabilities.min() < 0 or probabilities.max() > 1 + EPSILON:
            raise DistillError(
                f"agreement: {owner} gave values from {probabilities.min():.3g} to {probabilities.max():.3g}, expected "
                "probabilities in 0..1. Apply the activation, or say in the recipe that the model gives logits."
            )
    if len(student) != len(teacher):
        raise DistillError(
            f"agreement: the student was given {len(student)} pictures and the teacher {len(teacher)}, "
            "expected the same pictures for both."
        )
