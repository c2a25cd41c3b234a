"""What the curve of a stage's loss says of how it was trained: too briefly, or at too high a rate.

A pure function of the means over passes. It knows nothing of pictures: a curve that says nothing is no proof of a good
student.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Literal

Fault = Literal["never fell", "still falls"]

_LAST = 0.25  # share of the passes at the end that are looked at
_GAIN = 0.1  # of all that the loss fell: where those passes still brought more, others would too
_NOISE = 0.02  # of the loss: less is no fall


def fault_of(losses: Sequence[float]) -> Fault | None:
    """What is amiss with a curve; None where nothing can be seen, as in one pass.

    A loss that ends where it began, or above, never fell. One that was brought down by the last quarter of the passes
    by more than a tenth of all that it fell, still falls. A fall of less than two hundredths counts where each pass was
    below the one before it, which noise seldom does: such a loss is on its way.

    Args:
        losses: the mean of each pass.
    """
    if len(losses) < 2:
        return None
    if not all(map(math.isfinite, losses)):
        return "never fell"
    first, last = losses[0], losses[-1]
    fall, noise = first - last, _NOISE * abs(first)
    if fall < noise:
        steadily = all(later < earlier for earlier, later in itertools.pairwise(losses))
        return "still falls" if steadily else "never fell"
    before = losses[-1 - max(1, math.floor(_LAST * (len(losses) - 1)))]
    return "still falls" if before - last > max(_GAIN * fall, _NOISE * abs(before)) else None


def words_of(fault: Fault, stage: str, losses: Sequence[float]) -> str:
    """The fault of a stage in a sentence, with what to do about it."""
    fell = f"from {losses[0]:.4g} in the first pass to {losses[-1]:.4g} in the last"
    if fault == "still falls":
        return f"{stage} is undertrained: the loss still falls, {fell}. More passes ({stage}.epochs) would help."
    return f"{stage}: the rate is too high: the loss never fell, {fell}. Lower {stage}.optimization.learning_rate."
