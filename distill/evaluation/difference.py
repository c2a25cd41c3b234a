"""Two models on the same pictures: the difference of their scores, in which the difficulty of the pictures cancels."""

from dataclasses import dataclass
from typing import Any

from distill.errors import DistillError


@dataclass(frozen=True)
class Difference:
    """The score of the first model minus that of the second on the same pictures, and its 95 % interval.

    Attributes:
        metric: the name of the score in results.json.
    """

    metric: str
    difference: float
    interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        return {self.metric: self.difference, "interval": list(self.interval)}


def check_paired(same: bool, scored_on: str) -> None:
    """Refuse models whose draws were not of the same.

    Args:
        scored_on: what may differ, for the message.

    Raises:
        DistillError: they are not the same.
    """
    if not same:
        raise DistillError(
            f"compare: the two models were scored on different {scored_on}, seeds or numbers of resamples; a paired "
            "difference needs the same. Evaluate both on the same pictures with the same seed."
        )
