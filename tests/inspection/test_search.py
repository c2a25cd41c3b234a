"""The search ranks what it measured, and says what it could not tell apart."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, get_args

import numpy as np
import pytest

from distill.errors import DistillError
from distill.inspection.hypotheses import NORMALIZATIONS, Choices, Hypothesis, parts
from distill.inspection.search import Measured, search
from distill.preprocess.preprocess import Channels, Fit, Interpolation
from distill.tasks.verdict import Verdict

FITS: tuple[Fit, ...] = ("crop", "stretch", "pad")

CHOICES = Choices((None,), get_args(Channels), NORMALIZATIONS, parts((8, 8), (8, 8)), FITS, get_args(Interpolation))
WIDTH = 0.05


@dataclass(frozen=True)
class Known(Verdict):
    """A score whose differences are sure to `WIDTH`."""

    value: float
    metric: ClassVar[str] = "share"
    answers: ClassVar[dict[str, np.ndarray]] = {}  # type: ignore[misc]

    @property
    def score(self) -> float:
        return self.value

    def to_dict(self) -> dict[str, Any]:
        return {"intervals": {"share": [self.value - WIDTH, self.value + WIDTH]}}

    def compare(self, other: Self) -> dict[str, Any]:
        difference = self.value - other.value
        return {"share": difference, "interval": [difference - WIDTH, difference + WIDTH]}


def test_the_best_is_found_and_what_differs_by_less_than_the_interval_is_level() -> None:
    wanted = replace(list(CHOICES.grid())[5], fit="stretch")

    def measure(hypothesis: Hypothesis) -> Verdict:
        if hypothesis.channels == "bgr":
            raise DistillError("not so")
        differing = set(hypothesis.differs_from(wanted))
        return Known(0.9 - 0.3 * len(differing - {"interpolation", "fit"}) - 0.1 * ("fit" in differing))

    told: list[Measured] = []
    outcome = search(CHOICES, measure, told.append)
    assert outcome.best.hypothesis == wanted
    assert len(told) == len(outcome.ranked) == len({one.hypothesis for one in outcome.ranked})
    assert outcome.undecided() == {"interpolation": ["bicubic"]}
    assert outcome.ranked[-1].refusal == "not so" and outcome.ranked[-1].score == float("-inf")


def test_of_equals_the_likelier_is_the_best_and_the_others_are_named() -> None:
    outcome = search(CHOICES, lambda hypothesis: Known(0.5), lambda one: None)
    assert outcome.best.hypothesis == next(CHOICES.grid())
    assert len(outcome.level) == len(outcome.ranked) - 1
    undecided = outcome.undecided()
    assert undecided["channels"] == ["bgr"] and undecided["interpolation"] == ["bicubic"]
    assert undecided["fit"] == [*FITS][1:] and len(undecided["normalization"]) == len(NORMALIZATIONS) - 1


def test_where_all_are_refused_the_first_reason_is_told() -> None:
    def measure(hypothesis: Hypothesis) -> Verdict:
        raise DistillError("wants 7 channels")

    with pytest.raises(DistillError, match=r"no hypothesis could be scored.*wants 7 channels"):
        search(CHOICES, measure, lambda one: None)
