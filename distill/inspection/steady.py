"""A black box judged without labels, as a verdict that can stand beside others."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from distill.data.prepared.pictures import Pictures
from distill.evaluation.steadiness import Steadiness, own_nearest
from distill.predictors.predictor import Predictor
from distill.recipe.recipe import Evaluate
from distill.tasks.verdict import Verdict

_CROP = 0.9  # of a side; small, so that what is shown stays the same


@dataclass(frozen=True)
class SteadyVerdict(Verdict):
    """How steady and, where its answers tell, how sure a model is.

    Attributes:
        answers: float32 (N, ...) by name.
    """

    answers: dict[str, np.ndarray]
    steadiness: Steadiness
    metric: ClassVar[str] = "steadiness"

    @property
    def score(self) -> float:
        return self.steadiness.mean

    def to_dict(self) -> dict[str, Any]:
        interval = list(self.steadiness.interval())
        return {
            "metrics": {self.metric: self.score},
            "intervals": {self.metric: interval},
            "counts": {"pictures": len(self.steadiness.values)},
        }

    def compare(self, other: Self) -> dict[str, Any]:
        interval = list(self.steadiness.interval(other.steadiness))
        return {self.metric: self.score - other.score, "interval": interval}


def judge_steadiness(predictor: Predictor, pictures: Pictures, settings: Evaluate, seed: int) -> SteadyVerdict:
    """Show the pictures, their mirror images and four crops of them.

    Raises:
        DistillError: the model answers NaN, or there are fewer than two pictures.
    """
    shown = pictures.gather(np.arange(len(pictures)))
    height, width = (max(1, round(_CROP * size)) for size in pictures.size)
    corners = [
        shown[:, top : top + height, left : left + width]
        for top in (0, pictures.size[0] - height)
        for left in (0, pictures.size[1] - width)
    ]
    versions = [shown[:, :, ::-1], *corners]
    answers, *others = (
        predictor.show(_Shown(np.ascontiguousarray(some)), "pictures", settings.batch_size)
        for some in (shown, *versions)
    )
    kind = predictor.kind
    values = own_nearest(kind.before_activation(answers), [kind.before_activation(one) for one in others])
    sure = kind.sureness(answers)
    return SteadyVerdict(
        answers, Steadiness(values if sure is None else (values + sure) / 2, seed=seed, resamples=settings.resamples)
    )


@dataclass(frozen=True, eq=False)
class _Shown:
    """Pictures in memory, uint8 (N, H, W, 3), to be gathered from."""

    pictures: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)

    def gather(self, index: np.ndarray) -> np.ndarray:
        return np.asarray(self.pictures[index])
