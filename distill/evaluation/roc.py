"""How many genuine and impostor pairs each threshold accepts: the ROC, TAR at FAR, the equal error rate.

A pair is accepted where its score is at least the threshold, so pairs of equal score enter together. FAR is the share
of impostor pairs accepted, TAR that of genuine ones. Every rate is a count over a count at a threshold that exists:
nothing is interpolated, and TAR at FAR never belongs to a larger FAR than was asked for.

Shapes: K thresholds.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.evaluation.intervals import wilson_interval


def tar_name(far: float) -> str:
    """How results name TAR at a FAR: `tar@far=1e-2`, `tar@far=5e-4`."""
    mantissa, _, exponent = f"{far:e}".partition("e")
    return f"tar@far={float(mantissa):g}e{int(exponent)}"


@dataclass(frozen=True)
class OperatingPoint:
    """What one threshold does.

    Attributes:
        threshold: a pair scored at least this is accepted.
        far, tar: measured shares, `false_accepts` of `impostors` and `true_accepts` of `genuine` pairs.
        far_interval, tar_interval: (low, high), 95 %, at this threshold; None where it was not measured.
    """

    threshold: float
    far: float
    tar: float
    false_accepts: int
    impostors: int
    true_accepts: int
    genuine: int
    far_interval: tuple[float, float] | None
    tar_interval: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class EqualError:
    """Where FAR and FRR = 1 - TAR come closest: `rate` is their mean there."""

    rate: float
    threshold: float
    far: float
    frr: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Roc:
    """Counts of accepted pairs at every threshold that changes them.

    Attributes:
        thresholds: float64 (K,), falling: one just above every score, which accepts nothing, then each distinct score.
        false_accepts, true_accepts: int64 (K,), impostor and genuine pairs scored at least the threshold.
        impostors, genuine: pairs in all.
    """

    thresholds: np.ndarray
    false_accepts: np.ndarray
    true_accepts: np.ndarray
    impostors: int
    genuine: int

    @property
    def resolution(self) -> float:
        """The smallest FAR that can be asked for: one impostor pair."""
        return 1 / self.impostors

    def at_far(self, far: float) -> OperatingPoint:
        """The lowest threshold that accepts at most the share `far` of the impostor pairs.

        Where ties or too many equal scores leave no better one, it is the threshold that accepts nothing.

        Raises:
            DistillError: far is above 1, or below the resolution.
        """
        check_resolution(far, self.impostors, "FAR", "impostor pairs")
        index = int(np.searchsorted(self.false_accepts / self.impostors, far, side="right")) - 1
        return self._point(index, float(self.thresholds[index]))

    def at_threshold(self, threshold: float) -> OperatingPoint:
        """What a given threshold does here, such as a student's pairs at the threshold of its teacher.

        Raises:
            DistillError: the threshold is NaN.
        """
        if np.isnan(threshold):
            raise DistillError("evaluation: the threshold is NaN, expected a number. Choose it on scores that are.")
        index = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        return self._point(max(index, 0), float(threshold))

    def equal_error(self) -> EqualError:
        """The threshold where FAR and FRR are closest, the highest of several, with the mean of both as the rate."""
        missed = self.genuine - self.true_accepts
        # compared as whole numbers, so that rounding breaks no tie
        index = int(np.argmin(np.abs(self.false_accepts * self.genuine - missed * self.impostors)))
        far, frr = float(self.false_accepts[index] / self.impostors), float(missed[index] / self.genuine)
        return EqualError((far + frr) / 2, float(self.thresholds[index]), far, frr)

    def curve(self, points: int = 400) -> tuple[np.ndarray, np.ndarray]:
        """FAR and TAR, each (at most points,), rising, spread evenly over a log axis from the resolution to 1.

        Each is a point of the curve itself; between two, the curve is a step.
        """
        asked = np.geomspace(self.resolution, 1, points)
        far = self.false_accepts / self.impostors
        index = np.unique(np.searchsorted(far, asked, side="right") - 1)
        return far[index], self.true_accepts[index] / self.genuine

    def _point(self, index: int, threshold: float) -> OperatingPoint:
        false, true = int(self.false_accepts[index]), int(self.true_accepts[index])
        return OperatingPoint(
            threshold=threshold,
            far=false / self.impostors,
            tar=true / self.genuine,
            false_accepts=false,
            impostors=self.impostors,
            true_accepts=true,
            genuine=self.genuine,
            far_interval=wilson_interval(false, self.impostors),
            tar_interval=wilson_interval(true, self.genuine),
        )


def roc(genuine: np.ndarray, impostors: np.ndarray) -> Roc:
    """The exact curve of scored pairs.

    Args:
        genuine, impostors: finite scores, one-dimensional.

    Raises:
        DistillError: a score is not finite, or there are no genuine or no impostor cases.
    """
    for scores, kind in ((genuine, "genuine"), (impostors, "impostor")):
        strange = np.count_nonzero(~np.isfinite(scores))
        if strange:
            raise DistillError(
                f"evaluation: {strange} of {len(scores)} {kind} scores are NaN or infinite, expected finite scores. "
                "Check the weights."
            )
    _check_both(len(genuine), len(impostors))
    values, ranks = np.unique(np.concatenate((genuine, impostors)), return_inverse=True)
    true = np.bincount(ranks[: len(genuine)], minlength=len(values))
    false = np.bincount(ranks[len(genuine) :], minlength=len(values))
    return roc_of_counts(values, true, false)


def roc_of_counts(values: np.ndarray, genuine: np.ndarray, impostors: np.ndarray) -> Roc:
    """The curve of pairs counted by score.

    Args:
        values: distinct scores, rising.
        genuine, impostors: int (as many), pairs of exactly that score.

    Raises:
        DistillError: there are no genuine or no impostor cases.
    """
    true, false = (np.append(0, np.cumsum(counts[::-1], dtype=np.int64)) for counts in (genuine, impostors))
    _check_both(int(true[-1]), int(false[-1]))
    # just above in the scores' own precision: in a finer one it could be rounded back onto the highest score
    above = np.nextafter(values[-1], values.dtype.type(np.inf))
    thresholds = np.append(above, values[::-1]).astype(np.float64)
    return Roc(thresholds, false, true, impostors=int(false[-1]), genuine=int(true[-1]))


def check_resolution(asked: float, cases: int, rate: str, kind: str) -> None:
    """Refuse a false accept rate that the number of cases cannot show.

    Raises:
        DistillError: naming the rate, the cases and the smallest rate they can show.
    """
    if not 1 / cases <= asked <= 1:
        raise DistillError(
            f"evaluation: {rate} {asked:g} cannot be measured on {cases} {kind}, expected {1 / cases:.3g} (one of "
            f"them) to 1. Ask for a larger {rate}, or evaluate on more pictures."
        )


def points_at(curve: Roc, fars: Sequence[float]) -> dict[float, OperatingPoint]:
    """`Roc.at_far` for each of several FARs, by FAR."""
    return {far: curve.at_far(far) for far in fars}


def _check_both(genuine: int, impostors: int) -> None:
    if genuine == 0 or impostors == 0:
        raise DistillError(
            f"evaluation: {genuine} genuine and {impostors} impostor cases, expected some of both. Evaluate on people "
            "with two or more pictures, and on two or more people."
        )
