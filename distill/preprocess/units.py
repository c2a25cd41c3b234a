"""Mean and deviation are of values in 0..1; those of 0..255, which most pages print, are recognised and refused."""

import math
from collections.abc import Sequence

from distill.errors import DistillError

_MEANS = (-0.5, 1.0)
_STDS = (0.003, 2.0)  # 1/255 is a deviation of our own: that of a network that eats 0..255
_FACTORS = 0.05  # deviations of values in 0..255 are some tens
_SMALL = 2.5  # what is no larger is of no values in 0..255
_WHITE = 255


def listed(values: Sequence[float]) -> str:
    """As a recipe has them."""
    return f"[{', '.join(f'{value:.7g}' for value in values)}]"


def check_units(mean: Sequence[float], std: Sequence[float]) -> None:
    """Refuse what cannot be a mean and a deviation of values in 0..1.

    Raises:
        DistillError: a mean above 1 or below -0.5, or a deviation above 2 or below 0.003; with the same in the right
            units.
    """
    if not all(map(math.isfinite, (*mean, *std))):
        raise DistillError(f"preprocess: mean is {listed(mean)} and std is {listed(std)}, expected numbers.")
    if _within(mean, _MEANS) and _within(std, _STDS):
        return
    right: tuple[Sequence[float], Sequence[float]] = _divided(mean, std)
    units = "these are of values in 0..255"
    if min(mean) > 1 and max(std) < _FACTORS:
        right = right[0], [1 / (value * _WHITE) for value in std]
        units = "the mean is of values in 0..255, and the std looks like the factor that pixels are multiplied by"
    elif min(std) < _STDS[0] and _within(mean, _MEANS):
        right, units = (mean, [value * _WHITE for value in std]), "its std was divided by 255 once too often"
    elif max(map(abs, (*mean, *std))) <= _SMALL:
        right, units = (mean, std), "these are neither of values in 0..1 nor of values in 0..255"
    meant = (
        f"Expected mean: {listed(right[0])} and std: {listed(right[1])}"
        if _within(right[0], _MEANS) and _within(right[1], _STDS)
        else f"Expected a mean from {_MEANS[0]} to {_MEANS[1]} and a std from {_STDS[0]} to {_STDS[1]}"
    )
    raise DistillError(
        f"preprocess: mean is {listed(mean)} and std is {listed(std)}; {units}. {meant}, of values in 0..1."
    )


def _divided(mean: Sequence[float], std: Sequence[float]) -> tuple[list[float], list[float]]:
    """Both from 0..255 to 0..1; of two in different units, that which is right already stays as it is."""
    means = list(mean) if _within(mean, _MEANS) else [value / _WHITE for value in mean]
    shares = [value / _WHITE for value in std]
    return means, shares if _within(shares, _STDS) else list(std)


def _within(values: Sequence[float], limits: tuple[float, float]) -> bool:
    return limits[0] <= min(values) and max(values) <= limits[1]
