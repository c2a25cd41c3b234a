"""Models shown a run's pictures: the same code for a teacher, a student and an exported file."""

from typing import Any, Protocol

import numpy as np
from rich.console import Console
from rich.progress import track

from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.predictors.predictor import Predictor
from distill.store.teacher import StoredPredictor

Judged = Predictor | StoredPredictor


class Verdict(Protocol):
    """What a model answered to the test pictures, and how that scores.

    `answers` is float32 (N, C); `metric` names the score that comes first and `score` is its value; `headline` says
    in a few words how good it is; `by_chance` is the score of a model that sees nothing, None where nobody knows it.
    """

    @property
    def answers(self) -> np.ndarray: ...

    @property
    def metric(self) -> str: ...

    @property
    def score(self) -> float: ...

    @property
    def headline(self) -> str: ...

    @property
    def by_chance(self) -> float | None: ...

    def manifest(self) -> dict[str, Any]:
        """Fields of a student's manifest: the thresholds that were found."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json under a model."""
        ...


def show(predictor: Judged, pictures: Pictures, of: str, batch_size: int) -> np.ndarray:
    """Show every picture once, in order, unpadded: float32 answers (N, C).

    Args:
        of: what the progress bar calls the pictures.

    Raises:
        DistillError: the model does not answer with finite numbers.
    """
    if isinstance(predictor, StoredPredictor):
        return predictor.recall(pictures)
    answers = []
    starts = range(0, len(pictures), batch_size)
    bar = Console(stderr=True)
    for start in track(starts, f"{predictor.name} on {of}", console=bar, transient=True):
        rows = np.arange(start, min(start + batch_size, len(pictures)))
        answers.append(predictor(pictures.gather(rows)))
        if not np.isfinite(answers[-1]).all():
            raise DistillError(
                f"{predictor.name}: answers NaN or infinity to pictures {start} to {rows[-1]} of {of}. Check its "
                "weights, mean and std."
            )
    return np.concatenate(answers)
