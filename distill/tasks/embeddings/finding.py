"""The whole way from photographs: what pairs are worth where a face had to be found first, beside a given alignment.

A pair of which a face could not be used is answered "not one person" at every threshold, as a system answers that has
nothing to compare: a miss where one person is shown, and no false accept where two are.

Shapes: L pairs lost, P pairs left.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from distill import formatting
from distill.evaluation.difference import Difference
from distill.evaluation.verification import VerificationScores, compare_pairs, evaluate_pairs

REJECTED = -1.0
"""The least cosine there is: no threshold accepts it."""


@dataclass(frozen=True, eq=False)
class Lost:
    """What was lost where faces were looked for.

    Attributes:
        photographs: in which they were.
        kinds: how many faces cannot be used, by the kind of reason.
        same, folds: of the pairs lost, bool (L,) and int64 (L,).
    """

    photographs: int
    kinds: dict[str, int]
    same: np.ndarray
    folds: np.ndarray


@dataclass(frozen=True)
class FindingScores:
    """What one model scores from photographs to answer.

    Attributes:
        whole: of all pairs, those lost rejected.
        given: of the same pairs where somebody else aligned the pictures, and `loss`, whole minus that; None where
            there are no such pictures.
    """

    lost: Lost
    whole: VerificationScores
    given: VerificationScores | None
    loss: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """The entry of results.json."""
        content: dict[str, Any] = {
            "photographs": self.lost.photographs,
            "unusable": self.lost.kinds,
            "pairs_lost": len(self.lost.same),
            "whole": _scores(self.whole),
        }
        if self.given is not None and self.loss is not None:
            content |= {"given": _scores(self.given), "loss": self.loss.to_dict()}
        return content

    def summary(self) -> list[str]:
        """Lines for a terminal."""
        lost = len(self.lost.same)
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.lost.kinds.items())
        found = f"a face used in each of {self.lost.photographs} photographs"
        if kinds:
            found = f"faces not used in {self.lost.photographs} photographs: {kinds}"
        lines = [f"{found}; pairs lost {lost}, with these as rejected {_accuracy(self.whole)}"]
        if self.given is not None and self.loss is not None:
            interval = formatting.interval(self.loss.interval)
            loss = f"finding minus given {formatting.signed(self.loss.difference)} {interval}, paired"
            lines.append(f"given alignment: {_accuracy(self.given)}; {loss}")
        return lines


def finding_scores(
    lost: Lost, cosines: np.ndarray, scored: VerificationScores, given: np.ndarray | None
) -> FindingScores:
    """Score the whole way.

    Args:
        cosines: float (P,), of the pairs left.
        scored: what they score.
        given: float (P + L,), of the pairs left and then of those lost, of pictures that somebody else aligned.
    """
    same, folds = np.concatenate([scored.same, lost.same]), np.concatenate([scored.folds, lost.folds])

    def score(values: np.ndarray) -> VerificationScores:
        fars, resamples = tuple(scored.points), len(scored.resampled)
        return evaluate_pairs(values, same, folds, fars=fars, seed=scored.seed, resamples=resamples)

    whole = score(np.concatenate([cosines, np.full(len(lost.same), REJECTED)])) if len(lost.same) else scored
    aligned = None if given is None else score(given)
    return FindingScores(lost, whole, aligned, None if aligned is None else compare_pairs(whole, aligned))


def _scores(scores: VerificationScores) -> dict[str, Any]:
    content = scores.to_dict()
    return {key: content[key] for key in ("metrics", "intervals", "counts")}


def _accuracy(scores: VerificationScores) -> str:
    return f"accuracy {formatting.score(scores.accuracy.mean)} {formatting.interval(scores.accuracy_interval)}"
