"""Axes of the plots drawn as inline SVG: from values to positions, and the ticks between."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from distill.formatting import MINUS, NARROW_SPACE, UNITS


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis.

    Attributes:
        low, high: the values at its ends; `low` is above 0 on a logarithmic axis.
        start, end: where those are drawn.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Where a value is drawn."""
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """Round values on the axis, as many of them as fit into `most`."""
        if not self.logarithmic:
            return _linear_ticks(self.low, self.high, most)
        for digits in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            ticks = [digit * 10.0**decade for decade in decades for digit in digits]
            ticks = [tick for tick in ticks if self.low <= tick <= self.high]
            if len(ticks) <= most:
                break
        return ticks if len(ticks) > 1 else _linear_ticks(self.low, self.high, most)


def cost_axis(values: Sequence[float], start: float, end: float, logarithmic: bool) -> Axis:
    """An axis of costs, with some room beside the values: from 0 where it is linear."""
    low, high = min(values), max(values)
    if not logarithmic:
        return Axis(0.0, 1.08 * high, start, end)
    room = max((high / low) ** 0.08, 1.1)
    return Axis(low / room, high * room, start, end, True)


def score_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """A linear axis of scores, with some room beside the values, inside 0 to 1 where they are."""
    low, high = min(values), max(values)
    room = max(0.06 * (high - low), 0.002)
    return Axis(max(low - room, min(low, 0.0)), min(high + room, max(high, 1.0)), start, end)


def tick_label(value: float) -> str:
    """A round value: 20 M, 0.5, 250 k."""
    for size, unit in UNITS:
        if abs(value) >= size:
            return f"{value / size:g}{NARROW_SPACE}{unit}"
    return f"{value:g}".replace("-", MINUS)


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 2.5, 5, 10, 20):
        first, last = math.ceil(low / (factor * step) - 1e-9), math.floor(high / (factor * step) + 1e-9)
        if last - first + 1 <= most:
            break
    return [float(f"{i * factor * step:.12g}") for i in range(first, last + 1)]
