"""What a model answered to the pictures it is scored on, and how that scores: a teacher, a student, a file."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from distill import formatting
from distill.answers.kind import Kind

SCORES = ("metrics", "intervals", "counts")
"""What every set of scores has in results.json, whatever stands beside them."""


def scores_of(content: dict[str, Any]) -> dict[str, Any]:
    """The scores among what results.json says of a model."""
    return {key: content[key] for key in SCORES}


class Verdict(ABC):
    """What a model answered to the test pictures, and how that scores.

    Attributes:
        answers: float32 (N, ...) by name.
        searches: whether they can be searched in a gallery of another model's.
    """

    answers: dict[str, np.ndarray]
    searches: ClassVar[bool] = False

    @property
    def seen(self) -> Any:
        """What agreement with another model is measured by, as `distill.tasks.judging.Judging.seen` has it."""
        return self.answers

    @property
    @abstractmethod
    def metric(self) -> str:
        """The name of the score that comes first."""

    @property
    @abstractmethod
    def score(self) -> float:
        """Its value."""

    @property
    def headline(self) -> str:
        """How good the model is, in a few words."""
        return f"{self.metric} {self.score:.4f} on test"

    @property
    def by_chance(self) -> float | None:
        """The score of a model that sees nothing; None where nobody knows it."""
        return None

    @property
    def at_chance(self) -> bool:
        """Whether the score cannot be told from that of a model that sees nothing: its interval reaches down to that.
        False where nobody knows that one."""
        least = self.to_dict()["intervals"].get(self.metric, [self.score])[0]
        return self.by_chance is not None and bool(least <= self.by_chance)

    @property
    def beside_chance(self) -> str:
        """The score of a model that is at chance, in words."""
        interval = formatting.interval(self.to_dict()["intervals"].get(self.metric))
        return (
            f"its {self.metric} of {self.score:.4f} {interval} is within chance of {self.by_chance:.4f}, what blind "
            "guesses have"
        )

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The part of results.json under a model."""

    def compare(self, other: Self) -> dict[str, Any]:
        """The paired difference of the first metric, this minus the other, by its name, and the `interval` of it; None
        where that was not measured."""
        return {self.metric: self.score - other.score, "interval": None}

    def offenders(self, student: Self) -> list[str]:
        """What this file answers most differently to than the student it was made of, worst first."""
        return []

    def search(self, gallery: Self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """This model's pictures in a gallery by another, where answers can be searched.

        Returns:
            the scores of `model`, `gallery` (each in its own) and `model in gallery`; and what this model does at each
            threshold of the other.

        Raises:
            DistillError: their dimensions differ.
            NotImplementedError: a verdict says that it searches (`searches`) and does not say how.
        """
        raise NotImplementedError(f"{type(self).__name__}.searches is {self.searches}, and it has no search")

    def summary(self) -> list[str]:
        """The scores in lines for a terminal."""
        return [self.headline]

    def complete(self, kind: Kind) -> Kind:
        """The kind of this model's answers with what was found about it, such as thresholds."""
        return kind

    def chief(self) -> str:
        """The first metric with its interval, for a terminal."""
        interval = formatting.interval(self.to_dict()["intervals"].get(self.metric))
        return f"{self.metric} {formatting.score(self.score)} {interval}"


class LabelledVerdict(Verdict):
    """Of probabilities (N, C) of named classes.

    Attributes:
        classes: their C names.
    """

    classes: tuple[str, ...]
    lacking: ClassVar[str]
    """What the classes have too little of that could not be measured, in words."""

    @property
    def probabilities(self) -> np.ndarray:
        """float32 (N, C)."""
        return self.answers["probabilities"]

    def changes(self, student: Self) -> list[str]:
        """Classes by the mean change of their probability from a student's, largest first."""
        changes = np.abs(self.probabilities - student.probabilities).mean(axis=0)
        order = np.argsort(-changes, kind="stable")
        return [f"{self.classes[c]} {changes[c]:.3f} of probability" for c in order if changes[c] > 0]

    def unmeasured_line(self) -> list[str]:
        """A line that names the classes which could not be measured, where there are some."""
        unmeasured: Sequence[str] = self.to_dict().get("unmeasured") or ()
        return [f"not measured, {self.lacking}: {', '.join(unmeasured)}"] if unmeasured else []
