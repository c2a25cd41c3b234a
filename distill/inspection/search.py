"""The search for a contract: hypotheses scored one by one, and those that could not be told apart from the best."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from distill.errors import DistillError
from distill.inspection.hypotheses import Choices, Hypothesis
from distill.tasks.verdict import Verdict

_REFINED = 3  # hypotheses whose sizes, fits and kernels are tried


@dataclass(frozen=True)
class Measured:
    """A hypothesis and what came of it.

    Attributes:
        verdict: None where the black box refused what it was shown.
        refusal: why.
    """

    hypothesis: Hypothesis
    verdict: Verdict | None
    refusal: str | None = None

    @property
    def score(self) -> float:
        return float("-inf") if self.verdict is None else self.verdict.score

    @property
    def interval(self) -> list[float] | None:
        if self.verdict is None:
            return None
        interval: list[float] | None = self.verdict.to_dict()["intervals"].get(self.verdict.metric)
        return interval

    def to_dict(self, known: Collection[str]) -> dict[str, Any]:
        """For JSON; with those keys of the teacher's section that it knows."""
        score = None if self.verdict is None else self.score
        return {
            "hypothesis": str(self.hypothesis),
            "teacher": self.hypothesis.teacher_keys(known),
            "fit": self.hypothesis.fit,
            "score": score,
            "interval": self.interval,
            "refusal": self.refusal,
        }


@dataclass(frozen=True)
class Outcome:
    """All hypotheses, best first; of equal ones the likelier.

    Attributes:
        ranked: as they were measured.
        level: those that the best could not be told apart from, by the paired interval of the difference.
    """

    ranked: tuple[Measured, ...]
    level: tuple[Measured, ...]

    @property
    def best(self) -> Measured:
        return self.ranked[0]

    @property
    def verdict(self) -> Verdict:
        """The best one's."""
        assert self.best.verdict is not None  # `search` raises otherwise
        return self.best.verdict

    def undecided(self) -> dict[str, list[str]]:
        """What could not be told: of each field the other values that do as well with all else as in the best."""
        open_: dict[str, list[str]] = {}
        for one in self.level:
            differing = one.hypothesis.differs_from(self.best.hypothesis)
            if len(differing) == 1:
                open_.setdefault(differing[0], []).append(str(getattr(one.hypothesis, differing[0])))
        return open_


def search(choices: Choices, measure: Callable[[Hypothesis], Verdict], told: Callable[[Measured], None]) -> Outcome:
    """Score the grid of what must be right together, then other sizes of the best of it, then other fits, then kernels.

    Args:
        measure: scores a hypothesis; raises `DistillError` where the black box refuses it.
        told: is called with each as it is measured.

    Raises:
        DistillError: every hypothesis was refused; the first refusal is named.
    """
    measured = _measured(choices.grid(), measure, told)
    ranked = _ranked(measured)
    if ranked[0].verdict is None:
        raise DistillError(f"no hypothesis could be scored; the first ended with: {measured[0].refusal}")
    for others in (choices.sizes, choices.fits, choices.kernels):
        finer = [one for centre in ranked[:_REFINED] if centre.verdict for one in others(centre.hypothesis)]
        measured += _measured(finer, measure, told)
        ranked = _ranked(measured)
    best = ranked[0].verdict
    assert best is not None
    return Outcome(tuple(ranked), tuple(one for one in ranked[1:] if one.verdict and _level(best, one.verdict)))


def _measured(
    hypotheses: Iterable[Hypothesis], measure: Callable[[Hypothesis], Verdict], told: Callable[[Measured], None]
) -> list[Measured]:
    results = []
    for hypothesis in hypotheses:
        try:
            one = Measured(hypothesis, measure(hypothesis))
        except DistillError as error:
            one = Measured(hypothesis, None, str(error))
        told(one)
        results.append(one)
    return results


def _ranked(measured: Iterable[Measured]) -> list[Measured]:
    return sorted(measured, key=lambda one: -one.score)  # stable: the order they were thought of decides between equals


def _level(best: Verdict, other: Verdict) -> bool:
    """Whether the interval of the difference does not leave zero out."""
    interval = best.compare(other)["interval"]
    return interval is None or interval[0] <= 0
